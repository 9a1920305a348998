package dev.kvmguest.vmm.internal.emulator.isa.simd;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.isa.x87.FpuCpu;
import dev.kvmguest.vmm.internal.x86.Cr0;
import dev.kvmguest.vmm.internal.x86.Vector;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SseMoveTests {

    private static final long A_HIGH = 0xa7a6a5a4_a3a2a1a0L;
    private static final long A_LOW = 0x97969594_93929190L;
    private static final long B_HIGH = 0xb7b6b5b4_b3b2b1b0L;
    private static final long B_LOW = 0x87868584_83828180L;

    private final FpuCpu guest = new FpuCpu();

    @BeforeEach
    void operands() {
        guest.xmm(0, A_HIGH, A_LOW).xmm(1, B_HIGH, B_LOW);
        guest.ram.putLong(FpuCpu.DATA, B_LOW).putLong(FpuCpu.DATA + 8, B_HIGH);
    }

    @ParameterizedTest
    @CsvSource({
        "0f 28 c1,    b7b6b5b4b3b2b1b0, 8786858483828180", // movaps
        "66 0f 28 03, b7b6b5b4b3b2b1b0, 8786858483828180",
        "0f 10 03,    b7b6b5b4b3b2b1b0, 8786858483828180",
        "f3 0f 6f 03, b7b6b5b4b3b2b1b0, 8786858483828180",
        "f3 0f 10 c1, a7a6a5a4a3a2a1a0, 9796959483828180", // movss
        "f3 0f 10 03, 0, 83828180",
        "f2 0f 10 c1, a7a6a5a4a3a2a1a0, 8786858483828180", // movsd
        "f2 0f 10 03, 0, 8786858483828180",
        "0f 12 03,    a7a6a5a4a3a2a1a0, 8786858483828180", // movlps
        "0f 12 c1,    a7a6a5a4a3a2a1a0, b7b6b5b4b3b2b1b0", // movhlps
        "0f 16 03,    8786858483828180, 9796959493929190", // movhps
        "0f 16 c1,    8786858483828180, 9796959493929190", // movlhps
        "66 0f 12 03, a7a6a5a4a3a2a1a0, 8786858483828180", // movlpd
        "66 0f 16 03, 8786858483828180, 9796959493929190", // movhpd
        "66 0f 6e 03, 0, 83828180", // movd
        "f3 0f 7e c1, 0, 8786858483828180", // movq
        "f3 0f 7e 03, 0, 8786858483828180",
        "66 0f d6 c8, 0, 8786858483828180"
    })
    void registersAreLoaded(String code, String high, String low) {
        guest.run(code);

        assertThat(guest.high(0)).isEqualTo(Long.parseUnsignedLong(high, 16));
        assertThat(guest.low(0)).isEqualTo(Long.parseUnsignedLong(low, 16));
    }

    @ParameterizedTest
    @CsvSource({
        "0f 29 03,    a7a6a5a4a3a2a1a0, 9796959493929190",
        "0f 11 03,    a7a6a5a4a3a2a1a0, 9796959493929190",
        "66 0f 7f 03, a7a6a5a4a3a2a1a0, 9796959493929190",
        "66 0f e7 03, a7a6a5a4a3a2a1a0, 9796959493929190",
        "0f 2b 03,    a7a6a5a4a3a2a1a0, 9796959493929190",
        "f3 0f 11 03, b7b6b5b4b3b2b1b0, 8786858493929190", // movss
        "f2 0f 11 03, b7b6b5b4b3b2b1b0, 9796959493929190", // movsd
        "0f 13 03,    b7b6b5b4b3b2b1b0, 9796959493929190", // movlps
        "0f 17 03,    b7b6b5b4b3b2b1b0, a7a6a5a4a3a2a1a0", // movhps
        "66 0f 7e 03, b7b6b5b4b3b2b1b0, 8786858493929190", // movd
        "66 0f d6 03, b7b6b5b4b3b2b1b0, 9796959493929190" // movq
    })
    void registersAreStored(String code, String high, String low) {
        guest.run(code);

        assertThat(guest.ram.getLong(FpuCpu.DATA + 8)).isEqualTo(Long.parseUnsignedLong(high, 16));
        assertThat(guest.ram.getLong(FpuCpu.DATA)).isEqualTo(Long.parseUnsignedLong(low, 16));
    }

    @Test
    void mmxRegistersAreMovedToAndFrom() {
        guest.cpu.registers.gpr[0] = 0xcafe_f00dL;

        guest.run("0f 6e c0"); // movd mm0, eax
        assertThat(guest.fpu.mmx(0)).isEqualTo(0xcafe_f00dL);
        guest.run("0f 6f 03 0f 6f c8"); // movq mm0, [ebx]; movq mm1, mm0
        assertThat(guest.fpu.mmx(1)).isEqualTo(B_LOW);
        guest.run("0f 7e c9"); // movd ecx, mm1
        assertThat(guest.cpu.registers.gpr[1]).isEqualTo(B_LOW & 0xffff_ffffL);
        guest.run("f2 0f d6 d0 0f 7f 53 08"); // movdq2q mm2, xmm0; movq [ebx+8], mm2
        assertThat(guest.ram.getLong(FpuCpu.DATA + 8)).isEqualTo(A_LOW);
        guest.run("f3 0f d6 c1"); // movq2dq xmm0, mm1
        assertThat(guest.low(0)).isEqualTo(B_LOW);
        assertThat(guest.high(0)).isZero();
    }

    @Test
    void mmxRegistersAreTheSignificandsOfTheX87Registers() {
        guest.run("d9 e8 0f 6f 03"); // fld1; movq mm0, [ebx]

        assertThat(guest.fpu.top()).isZero();
        assertThat(guest.fpu.used()).isEqualTo(0xff);
        assertThat(guest.fpu.significand(0)).isEqualTo(B_LOW);
        assertThat(guest.fpu.signExponent(0)).isEqualTo(0xffff);
        guest.run("0f 77"); // emms
        assertThat(guest.fpu.used()).isZero();
    }

    @Test
    void maskedStoresWriteTheSelectedBytes() {
        guest.cpu.registers.gpr[7] = FpuCpu.DATA;
        guest.xmm(1, 0x80000000_00000080L, 0x00ff0000_7f000080L);

        guest.run("66 0f f7 c1"); // maskmovdqu xmm0, xmm1

        assertThat(guest.ram.getLong(FpuCpu.DATA)).isEqualTo(0x87968584_83828190L);
        assertThat(guest.ram.getLong(FpuCpu.DATA + 8)).isEqualTo(0xa7b6b5b4_b3b2b1a0L);
    }

    @Test
    void maskedStoreThatFaultsWritesNothing() {
        guest.cpu.loadSegment(Cpu.DS, new SegmentState(0x10, 0, FpuCpu.DATA + 8, 0x4093));
        guest.cpu.registers.gpr[7] = FpuCpu.DATA;
        guest.xmm(1, -1, -1).assertFault("66 0f f7 c1", Vector.GP);

        assertThat(guest.ram.getLong(FpuCpu.DATA)).isEqualTo(B_LOW);
        // Bytes beyond the limit that are not selected don't matter.
        guest.xmm(1, 0xff, -1).run("66 0f f7 c1");
        assertThat(guest.ram.getLong(FpuCpu.DATA)).isEqualTo(A_LOW);
    }

    @ParameterizedTest
    @ValueSource(strings = {"0f 11 43 08", "f3 0f 7f 43 08", "0f 10 43 08"})
    void sixteenBytesHalfBeyondTheLimitAreNotTouched(String code) {
        guest.cpu.loadSegment(Cpu.DS, new SegmentState(0x10, 0, FpuCpu.DATA + 0x10, 0x4093));
        guest.assertFault(code, Vector.GP);

        assertThat(guest.ram.getLong(FpuCpu.DATA + 8)).isEqualTo(B_HIGH);
        assertThat(guest.low(0)).isEqualTo(A_LOW);
    }

    @Test
    void movntiStoresAGeneralRegister() {
        guest.cpu.registers.gpr[0] = 0x1122_3344L;

        guest.run("0f c3 03");

        assertThat(guest.ram.getInt(FpuCpu.DATA)).isEqualTo(0x1122_3344);
    }

    @ParameterizedTest
    @ValueSource(strings = {"0f 10 43 08", "0f 11 43 08", "db 6b 08"})
    void theLimitOfAllBytesComesBeforeThePages(String code) {
        // No page is present.
        guest.cpu.setCr3(0x8000);
        guest.cr0(Cr0.PG, true).assertFault(code, Vector.PF);
        guest.cpu.loadSegment(Cpu.DS, new SegmentState(0x10, 0, FpuCpu.DATA + 0x10, 0x4093));
        guest.assertFault(code, Vector.GP);
    }
}
