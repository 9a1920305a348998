package dev.kvmguest.vmm.internal.advice;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.TestGuest;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.diagnosis.Diagnosis;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.image.GuestImage.Segment;
import dev.kvmguest.vmm.image.GuestImage.Symbol;
import dev.kvmguest.vmm.outcome.Outcome;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.OptionalLong;
import java.util.stream.Stream;

/**
 * A guest in boot mode {@code long}, put together from bytes in hexadecimal. Its image is at {@link #BASE}, where its code
 * begins; its IDT and what else it brings are at offsets in the image.
 */
final class LongGuest {

    static final int BASE = 0x10_0000;

    /** mov rsp, 0x180000 */
    static final String STACK = "48 c7 c4 00 00 18 00";

    /** Lets ring 3 use the first 2 MiB: or byte [0x71000], 4; or byte [0x72000], 4; or byte [0x74000], 4 */
    private static final String USER_PAGES = "80 0c 25 00 10 07 00 04 80 0c 25 00 20 07 00 04 80 0c 25 00 40 07 00 04";

    /** mov rax, cr3; mov cr3, rax */
    private static final String FLUSH = "0f 20 d8 0f 22 d8";

    /** push 0x1b; push 0x190000; push 2; push 0x23; lea rax, [rip+3]; push rax; iretq */
    private static final String TO_RING_3 = "6a 1b 68 00 00 19 00 6a 02 6a 23 48 8d 05 03 00 00 00 50 48 cf";

    /** Goes to ring 3, to what follows, with its stack at 0x190000 and RFLAGS 2. */
    static final String RING_3 = USER_PAGES + FLUSH + TO_RING_3;

    /** mov dword [0x544], 0x188000: RSP0 of the boot TSS, below 4 GiB */
    static final String RSP_0 = "c7 04 25 44 05 00 00 00 80 18 00";

    private static final int SIZE = 0x2000;
    private static final int IDT = 0x800;
    private static final int IDT_REGISTER = 0x7f0;
    /** lidt [0x1007f0] */
    static final String LIDT = "0f 01 1c 25 f0 07 10 00";

    private final ByteBuffer bytes = ByteBuffer.allocate(SIZE).order(ByteOrder.LITTLE_ENDIAN);
    private final List<Symbol> symbols = new ArrayList<>();

    /** Creates one that begins with this code. */
    static LongGuest of(String code) {
        return new LongGuest().at(0, code);
    }

    private LongGuest() {
        bytes.putShort(IDT_REGISTER, (short) (0x28 * 16 - 1)).putLong(IDT_REGISTER + 2, BASE + IDT);
    }

    /** Puts bytes at an offset in the image. */
    LongGuest at(int offset, String code) {
        bytes.put(offset, TestGuest.bytes(code));
        return this;
    }

    /** Names what is at an offset. */
    LongGuest symbol(String name, int offset, int size) {
        symbols.add(new Symbol(name, BASE + offset, size));
        return this;
    }

    /** Gives a vector below 0x28 an interrupt gate, to an offset in the image, on a stack of the IST, or none for 0. */
    LongGuest gate(int vector, int offset, int stack) {
        int gate = IDT + 16 * vector;
        bytes.putShort(gate, (short) offset)
                .putShort(gate + 2, (short) 8)
                .putShort(gate + 4, (short) (0x8e00 | stack))
                .putShort(gate + 6, (short) (BASE >> 16));
        return this;
    }

    /** Returns a WRMSR of a value: mov ecx, the number; mov eax, its lower half; mov edx, its upper half; wrmsr. */
    static String wrmsr(int number, long value) {
        ByteBuffer code = ByteBuffer.allocate(17).order(ByteOrder.LITTLE_ENDIAN);
        code.put((byte) 0xb9).putInt(number);
        code.put((byte) 0xb8).putInt((int) value);
        code.put((byte) 0xba).putInt((int) (value >>> 32));
        return HexFormat.of().formatHex(code.put((byte) 0x0f).put((byte) 0x30).array());
    }

    /** Switches SYSCALL on, to an offset in the image, with the boot GDT's selectors and IF cleared. */
    static String systemCalls(int entry) {
        return wrmsr(0xc000_0080, 0x501)
                + wrmsr(0xc000_0081, 0x0010_0008_0000_0000L)
                + wrmsr(0xc000_0082, BASE + entry)
                + wrmsr(0xc000_0084, 0x200);
    }

    /** Runs it on the emulator until it shuts down, and returns what is advised about that and what it came from. */
    List<String> advice() {
        Outcome outcome = TestGuest.run(config(), EngineChoice.EMULATOR);
        assertThat(outcome).isInstanceOf(Outcome.TripleFault.class);
        return advice(outcome.run().diagnosis());
    }

    /** Runs it to a time limit, and returns what is advised about its hanging. */
    List<String> adviceOfHang() {
        Outcome outcome = TestGuest.hang(config(), EngineChoice.EMULATOR);
        assertThat(outcome).isInstanceOf(Outcome.TimedOut.class);
        Diagnosis diagnosis = outcome.run().diagnosis();
        return Stream.concat(
                        advice(diagnosis).stream(),
                        diagnosis.standstill().stream().flatMap(standstill -> standstill.advice().stream()))
                .toList();
    }

    private static List<String> advice(Diagnosis diagnosis) {
        return Stream.concat(diagnosis.origin().stream(), diagnosis.fault().stream())
                .flatMap(fault -> fault.advice().stream())
                .toList();
    }

    private VcpuConfig config() {
        Segment segment = new Segment(BASE, BASE, bytes.array(), SIZE);
        return VcpuConfig.of(new GuestImage(
                        "test", GuestImage.Format.ELF64, List.of(segment), OptionalLong.of(BASE), symbols))
                .withBoot(BootMode.LONG);
    }
}
