package dev.kvmguest.vmm.internal.emulator.isa.simd;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.internal.emulator.isa.x87.FpuCpu;
import dev.kvmguest.vmm.internal.x86.Vector;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What {@link SseResultTests} doesn't show of SSE3: which lane goes where, and memory. */
class Sse3Tests {

    private final FpuCpu guest = new FpuCpu();

    /** XMM0 is 1, 2, 3, 4 and XMM1 is 10, 20, 30, 40 in singles, the lowest first. */
    @ParameterizedTest
    @CsvSource({
        "f2 0f 7c c1, 3, 7, 30, 70", // haddps
        "f2 0f 7d c1, -1, -1, -10, -10", // hsubps
        "f2 0f d0 c1, -9, 22, -27, 44", // addsubps
        "f3 0f 12 c1, 10, 10, 30, 30", // movsldup
        "f3 0f 16 c1, 20, 20, 40, 40", // movshdup
        "f2 0f 12 c1, 10, 20, 10, 20" // movddup
    })
    void singlesMeetTheirNeighbours(String code, float first, float second, float third, float fourth) {
        guest.xmm(0, singles(3, 4), singles(1, 2))
                .xmm(1, singles(30, 40), singles(10, 20))
                .run(code);

        assertThat(guest.low(0)).isEqualTo(singles(first, second));
        assertThat(guest.high(0)).isEqualTo(singles(third, fourth));
    }

    @ParameterizedTest
    @CsvSource({
        "66 0f 7c c1, 3, 30", // haddpd
        "66 0f 7d c1, -1, -10", // hsubpd
        "66 0f d0 c1, -9, 22" // addsubpd
    })
    void doublesMeetTheirNeighbours(String code, double low, double high) {
        guest.xmm(0, Double.doubleToRawLongBits(2), Double.doubleToRawLongBits(1))
                .xmm(1, Double.doubleToRawLongBits(20), Double.doubleToRawLongBits(10))
                .run(code);

        assertThat(Double.longBitsToDouble(guest.low(0))).isEqualTo(low);
        assertThat(Double.longBitsToDouble(guest.high(0))).isEqualTo(high);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"f2 0f 7c", "66 0f 7c", "f2 0f 7d", "66 0f 7d", "f2 0f d0", "66 0f d0", "f3 0f 12", "f3 0f 16"})
    void sixteenBytesMustBeAligned(String code) {
        guest.assertFault(code + "43 08", Vector.GP);
    }

    @Test
    void lddquAndMovddupTakeMemoryAnywhere() {
        guest.ram.putLong(FpuCpu.DATA + 1, 0x1122_3344_5566_7788L).putLong(FpuCpu.DATA + 9, 0x99L);
        guest.run("f2 0f f0 43 01 f2 0f 12 4b 01");

        assertThat(guest.low(0)).isEqualTo(0x1122_3344_5566_7788L);
        assertThat(guest.high(0)).isEqualTo(0x99);
        assertThat(guest.low(1)).isEqualTo(0x1122_3344_5566_7788L);
        assertThat(guest.high(1)).isEqualTo(0x1122_3344_5566_7788L);
    }

    private static long singles(float low, float high) {
        return Float.floatToRawIntBits(low) & 0xffff_ffffL | (long) Float.floatToRawIntBits(high) << 32;
    }
}
