package dev.kvmguest.vmm.internal.emulator.isa.simd;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.internal.emulator.isa.x87.FpuCpu;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Each byte of the operands says where it was: the results can be read off. */
class PackedShuffleTests {

    private final FpuCpu guest = new FpuCpu();

    @BeforeEach
    void numberedBytes() {
        guest.xmm(0, 0x0f0e0d0c_0b0a0908L, 0x07060504_03020100L).xmm(1, 0x1f1e1d1c_1b1a1918L, 0x17161514_13121110L);
        guest.fpu.setMmx(0, 0x07060504_03020100L);
        guest.fpu.setMmx(1, 0x17161514_13121110L);
    }

    @ParameterizedTest
    @CsvSource({
        "66 0f 60 c1, 1707160615051404, 1303120211011000", // punpcklbw
        "66 0f 61 c1, 1716070615140504, 1312030211100100", // punpcklwd
        "66 0f 62 c1, 1716151407060504, 1312111003020100", // punpckldq
        "0f 14 c1,    1716151407060504, 1312111003020100", // unpcklps
        "66 0f 6c c1, 1716151413121110, 0706050403020100", // punpcklqdq
        "66 0f 14 c1, 1716151413121110, 0706050403020100", // unpcklpd
        "66 0f 68 c1, 1f0f1e0e1d0d1c0c, 1b0b1a0a19091808", // punpckhbw
        "66 0f 69 c1, 1f1e0f0e1d1c0d0c, 1b1a0b0a19180908", // punpckhwd
        "66 0f 6a c1, 1f1e1d1c0f0e0d0c, 1b1a19180b0a0908", // punpckhdq
        "0f 15 c1,    1f1e1d1c0f0e0d0c, 1b1a19180b0a0908", // unpckhps
        "66 0f 6d c1, 1f1e1d1c1b1a1918, 0f0e0d0c0b0a0908", // punpckhqdq
        "66 0f 15 c1, 1f1e1d1c1b1a1918, 0f0e0d0c0b0a0908", // unpckhpd
        "66 0f 70 c1 1b, 1312111017161514, 1b1a19181f1e1d1c", // pshufd, reversed
        "66 0f 70 c1 00, 1312111013121110, 1312111013121110",
        "f2 0f 70 c1 1b, 1f1e1d1c1b1a1918, 1110131215141716", // pshuflw
        "f3 0f 70 c1 1b, 19181b1a1d1c1f1e, 1716151413121110", // pshufhw
        "0f c6 c1 e4, 1f1e1d1c1b1a1918, 0706050403020100", // shufps, in order
        "0f c6 c1 1b, 1312111017161514, 0b0a09080f0e0d0c",
        "66 0f c6 c1 00, 1716151413121110, 0706050403020100", // shufpd
        "66 0f c6 c1 03, 1f1e1d1c1b1a1918, 0f0e0d0c0b0a0908",
        "66 0f 73 f8 00, 0f0e0d0c0b0a0908, 0706050403020100", // pslldq
        "66 0f 73 f8 01, 0e0d0c0b0a090807, 0605040302010000",
        "66 0f 73 f8 08, 0706050403020100, 0",
        "66 0f 73 f8 09, 0605040302010000, 0",
        "66 0f 73 f8 10, 0, 0",
        "66 0f 73 f8 ff, 0, 0",
        "66 0f 73 d8 00, 0f0e0d0c0b0a0908, 0706050403020100", // psrldq
        "66 0f 73 d8 01, 000f0e0d0c0b0a09, 0807060504030201",
        "66 0f 73 d8 08, 0, 0f0e0d0c0b0a0908",
        "66 0f 73 d8 0f, 0, 0f",
        "66 0f 73 d8 10, 0, 0"
    })
    void bytesOfXmmRegistersChangePlaces(String code, String high, String low) {
        guest.run(code);

        assertThat(guest.high(0)).isEqualTo(Long.parseUnsignedLong(high, 16));
        assertThat(guest.low(0)).isEqualTo(Long.parseUnsignedLong(low, 16));
    }

    @ParameterizedTest
    @CsvSource({
        "0f 60 c1, 1303120211011000", // punpcklbw
        "0f 61 c1, 1312030211100100",
        "0f 62 c1, 1312111003020100",
        "0f 68 c1, 1707160615051404", // punpckhbw
        "0f 69 c1, 1716070615140504",
        "0f 6a c1, 1716151407060504",
        "0f 70 c1 1b, 1110131215141716" // pshufw
    })
    void bytesOfMmxRegistersChangePlaces(String code, String expected) {
        guest.run(code);

        assertThat(guest.fpu.mmx(0)).isEqualTo(Long.parseUnsignedLong(expected, 16));
    }

    @ParameterizedTest
    @CsvSource({
        // packsswb, packuswb, packssdw: in range, too large, too small
        "63, 0x0001007f00808000, 0xffff7fff00ff0100, 0xff7f7f7f017f7f80",
        "67, 0x0001007f00808000, 0xffff7fff00ff0100, 0x00ffffff017f8000",
        "6b, 0x0000800000007fff, 0xffff7fffffff8000, 0x800080007fff7fff"
    })
    void packingSaturates(String opcode, String first, String second, String expected) {
        long a = Long.parseUnsignedLong(first.substring(2), 16);
        long b = Long.parseUnsignedLong(second.substring(2), 16);
        guest.fpu.setMmx(0, a);
        guest.fpu.setMmx(1, b);
        guest.xmm(0, b, a).xmm(1, a, b).run("0f" + opcode + "c1 66 0f" + opcode + "c1");

        long packed = Long.parseUnsignedLong(expected.substring(2), 16);
        assertThat(guest.fpu.mmx(0)).isEqualTo(packed);
        assertThat(guest.low(0)).isEqualTo(packed);
        assertThat(guest.high(0)).isEqualTo(Long.rotateLeft(packed, 32));
    }

    @Test
    void wordsAreInsertedAndExtracted() {
        guest.cpu.registers.gpr[0] = 0x1234_abcdL;

        guest.run("66 0f c4 c0 05"); // pinsrw xmm0, eax, 5
        assertThat(guest.high(0)).isEqualTo(0x0f0e0d0c_abcd0908L);
        guest.run("66 0f c5 c8 0d"); // pextrw ecx, xmm0, 13: only three bits count
        assertThat(guest.cpu.registers.gpr[1]).isEqualTo(0xabcd);
        guest.run("0f c4 c0 03 0f c5 d0 03"); // pinsrw mm0, eax, 3; pextrw edx, mm0, 3
        assertThat(guest.fpu.mmx(0)).isEqualTo(0xabcd0504_03020100L);
        assertThat(guest.cpu.registers.gpr[2]).isEqualTo(0xabcd);
        guest.ram.putShort(FpuCpu.DATA, (short) 0x7777);
        guest.run("66 0f c4 03 00");
        assertThat(guest.low(0)).isEqualTo(0x07060504_03027777L);
    }

    @Test
    void signsAreGathered() {
        guest.xmm(0, 0x80000000_7f0000ffL, 0xff00ff00_80ff00ffL);
        guest.fpu.setMmx(0, 0x80ff0000_00007f80L);

        guest.run("66 0f d7 c0"); // pmovmskb eax, xmm0
        assertThat(guest.cpu.registers.gpr[0]).isEqualTo(0b10000001_10101101);
        guest.run("0f d7 c0"); // pmovmskb eax, mm0
        assertThat(guest.cpu.registers.gpr[0]).isEqualTo(0b11000001);
        guest.run("0f 50 c0"); // movmskps eax, xmm0
        assertThat(guest.cpu.registers.gpr[0]).isEqualTo(0b1011);
        guest.run("66 0f 50 c0"); // movmskpd eax, xmm0
        assertThat(guest.cpu.registers.gpr[0]).isEqualTo(0b11);
    }
}
