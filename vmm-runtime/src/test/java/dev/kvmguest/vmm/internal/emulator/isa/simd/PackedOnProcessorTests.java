package dev.kvmguest.vmm.internal.emulator.isa.simd;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.internal.emulator.core.CpuFault;
import dev.kvmguest.vmm.internal.emulator.isa.x87.FpuCpu;
import dev.kvmguest.vmm.internal.x86.Flag;
import dev.kvmguest.vmm.internal.x86.Vector;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.SplittableRandom;
import java.util.zip.CRC32;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * SSSE3 to SSE4.2 against a processor, with MXCSR and exceptions. {@code packed.txt} has a checksum of what the processor
 * made of each instruction in many states; {@code record.c} beside it has taken them, from the same states.
 */
class PackedOnProcessorTests {

    private static final int STATES = 4096;
    private static final int GENERAL = 3;

    private static final int[] SINGLES = {
        0,
        0x8000_0000,
        1,
        0x007f_ffff,
        0x0080_0000,
        0x3f80_0000,
        0xbf80_0000,
        0x3f00_0000,
        0x4f00_0000,
        0xcb00_0000,
        0x7f7f_ffff,
        0x7f80_0000,
        0xff80_0000,
        0x7f80_0001,
        0x7fc0_0000,
        0xffc1_2345
    };

    private static final long[] DOUBLES = {
        0,
        1L << 63,
        1,
        0x000f_ffff_ffff_ffffL,
        0x0010_0000_0000_0000L,
        0x3ff0_0000_0000_0000L,
        0xbff0_0000_0000_0000L,
        0x3fe0_0000_0000_0000L,
        0x43e0_0000_0000_0000L,
        0xc320_0000_0000_0000L,
        0x7fef_ffff_ffff_ffffL,
        0x7ff0_0000_0000_0000L,
        0xfff0_0000_0000_0000L,
        0x7ff0_0000_0000_0001L,
        0x7ff8_0000_0000_0000L,
        0xfff8_1234_5678_9abcL
    };

    /** An instruction, and the checksum. */
    private record Form(String text, String bytes, int checksum) {

        boolean counts() {
            return bytes.endsWith("ii");
        }

        String bytes(int state) {
            return bytes.replace("ii", HexFormat.of().toHexDigits((byte) state));
        }

        @Override
        public String toString() {
            return text;
        }
    }

    private final FpuCpu guest = new FpuCpu();
    private SplittableRandom random = new SplittableRandom(1);

    static List<Form> forms() {
        try (InputStream in = PackedOnProcessorTests.class.getResourceAsStream("packed.txt")) {
            return new String(in.readAllBytes(), StandardCharsets.US_ASCII)
                    .lines()
                    .filter(line -> !line.startsWith("#"))
                    .map(line -> line.split(" ; "))
                    .map(parts -> new Form(parts[1], parts[0], HexFormat.fromHexDigits(parts[2])))
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @ParameterizedTest
    @MethodSource("forms")
    void leavesWhatAProcessorLeaves(Form form) {
        random = new SplittableRandom(1);
        CRC32 checksum = new CRC32();
        for (int state = 0; state < STATES; state++) {
            setState();
            checksum.update(execute(form.counts() ? form.bytes(state) : form.bytes));
        }
        assertThat((int) checksum.getValue()).isEqualTo(form.checksum);
    }

    /** Returns what is left; just MXCSR after an exception. */
    private ByteBuffer execute(String code) {
        ByteBuffer left = ByteBuffer.allocate(64).order(ByteOrder.LITTLE_ENDIAN);
        try {
            guest.run(code);
        } catch (CpuFault fault) {
            assertThat(fault.vector()).isEqualTo(Vector.XM);
            return left.putInt(guest.fpu.mxcsr()).flip();
        }
        left.putInt(guest.fpu.mxcsr());
        for (int i = 0; i < GENERAL; i++) {
            left.putInt((int) guest.cpu.registers.gpr[i]);
        }
        return left.putInt(guest.cpu.eflags.get() & Flag.ARITHMETIC)
                .putLong(guest.low(0))
                .putLong(guest.high(0))
                .putLong(guest.fpu.mmx(0))
                .flip();
    }

    private void setState() {
        for (int i = 0; i < 4; i++) {
            guest.fpu.xmm[i] = eightBytes();
        }
        guest.fpu.setMmx(0, eightBytes());
        guest.fpu.setMmx(1, eightBytes());
        for (int i = 0; i < GENERAL; i++) {
            guest.cpu.registers.gpr[i] = lengthOrNumber();
        }
        guest.cpu.eflags.set((int) random.nextLong() & Flag.ARITHMETIC);
        guest.fpu.setMxcsr(mxcsr(random.nextLong()));
    }

    private static int mxcsr(long bits) {
        int mxcsr = 0x1f80
                | (int) bits & 0x6000
                | ((bits & 0x3_0000) == 0 ? 0x8000 : 0)
                | ((bits & 0xc_0000) == 0 ? 0x40 : 0)
                | ((bits & 0x10_0000) == 0 ? (int) bits & 0x3f : 0);
        return (bits & 0x60_0000) == 0 ? mxcsr & ~((int) (bits >>> 32) & 0x1f80) : mxcsr;
    }

    private long lengthOrNumber() {
        long bits = random.nextLong();
        return (bits & 1) != 0 ? bits >>> 32 : Integer.toUnsignedLong((int) (bits >> 8 & 63) - 32);
    }

    private long eightBytes() {
        long bits = random.nextLong();
        return switch ((int) bits & 7) {
            case 0 -> random.nextLong() & 0x0303_0303_0303_0303L;
            case 1 -> random.nextLong() & 0x0003_0003_0003_0003L;
            case 2, 3 -> single() << 32 | single();
            case 4 -> DOUBLES[(int) (bits >> 8) & 15];
            case 5 -> random.nextLong() & 0x800f_ffff_ffff_ffffL | 0x3f8 + (bits >> 8 & 63) << 52;
            case 6 -> random.nextLong() & random.nextLong() & random.nextLong();
            default -> random.nextLong();
        };
    }

    private long single() {
        long bits = random.nextLong();
        return switch ((int) bits & 3) {
            case 0 -> Integer.toUnsignedLong(SINGLES[(int) (bits >> 8) & 15]);
            case 1 -> bits >>> 32;
            case 2 -> bits >>> 32 & 0x807f_ffff | 120 + (bits >> 8 & 31) << 23;
            default -> bits >>> 32 & 0x807f_ffff;
        };
    }
}
