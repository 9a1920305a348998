package dev.kvmguest.vmm.internal.emulator.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.internal.emulator.isa.x87.FpuCpu;
import dev.kvmguest.vmm.internal.engine.VmExit;
import dev.kvmguest.vmm.internal.x86.Cr0;
import dev.kvmguest.vmm.internal.x86.Cr4;
import dev.kvmguest.vmm.internal.x86.Flag;
import dev.kvmguest.vmm.internal.x86.Vector;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is checked before an instruction does anything, by the kind of instruction. */
class FpuChecksTests {

    /** The initial control word with invalid operations unmasked. */
    private static final int UNMASK_INVALID = 0x37e;

    private final FpuCpu guest = new FpuCpu();

    @ParameterizedTest
    @ValueSource(
            strings = {
                "d9 c0", // fld st0
                "dd d8", // fstp st0
                "d9 e8", // fld1
                "d8 c1", // fadd
                "d9 fe", // fsin
                "df 23", // fbld
                "db e3", // fninit
                "db e2", // fnclex
                "df e0", // fnstsw ax
                "d9 3b", // fnstcw
                "d9 2b", // fldcw
                "d9 33", // fnstenv
                "d9 23", // fldenv
                "dd 33", // fnsave
                "dd 23", // frstor
                "d9 d0", // fnop
                "dd c0", // ffree
                "da c1", // fcmovb
                "db f1", // fcomi
                "0f ae 03", // fxsave
                "0f ae 0b" // fxrstor
            })
    void x87InstructionsAreNotAvailableWithEmulationOrTaskSwitched(String code) {
        guest.cr0(Cr0.TS, true).assertFault(code, Vector.NM);
        guest.cr0(Cr0.TS, false).cr0(Cr0.EM, true).assertFault(code, Vector.NM);
    }

    @Test
    void waitLooksAtTaskSwitchedOnlyIfItIsMonitored() {
        guest.cr0(Cr0.TS | Cr0.EM, true).assertFault("9b", Vector.NM);
        guest.cr0(Cr0.MP, false);
        assertThatCode(() -> guest.run("9b")).doesNotThrowAnyException();
        guest.cr0(Cr0.MP, true).cr0(Cr0.TS, false);
        assertThatCode(() -> guest.run("9b")).doesNotThrowAnyException();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "0f fc c1", // paddb
                "0f 6f c1", // movq
                "0f 6e c0", // movd mm0, eax
                "0f 7e c0", // movd eax, mm0
                "0f e7 03", // movntq
                "0f f7 c1", // maskmovq
                "0f 70 c1 00", // pshufw
                "0f c4 c0 00", // pinsrw
                "0f c5 c0 00", // pextrw
                "0f d7 c0", // pmovmskb
                "0f d4 c1", // paddq
                "0f 71 f0 01", // psllw
                "0f 77" // emms
            })
    void mmxInstructionsAreUndefinedWithEmulation(String code) {
        guest.cpu.setCr4(0);
        assertThatCode(() -> guest.run(code)).doesNotThrowAnyException();
        guest.cr0(Cr0.TS, true).assertFault(code, Vector.NM);
        guest.cr0(Cr0.EM, true).assertFault(code, Vector.UD);
        guest.cr0(Cr0.EM | Cr0.TS, false);
        pendingException();
        guest.assertFault(code, Vector.MF);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "0f 28 c1", // movaps
                "0f 10 03", // movups
                "f3 0f 10 c1", // movss
                "f2 0f 10 c1", // movsd
                "66 0f 6e c0", // movd xmm0, eax
                "66 0f 7e c0", // movd eax, xmm0
                "f3 0f 7e c1", // movq
                "66 0f d6 c1", // movq
                "0f 12 c1", // movhlps
                "0f 16 c1", // movlhps
                "0f 12 03", // movlps
                "66 0f 17 03", // movhpd
                "66 0f e7 03", // movntdq
                "66 0f f7 c1", // maskmovdqu
                "66 0f ef c0", // pxor
                "0f 57 c0", // xorps
                "66 0f fe c1", // paddd
                "66 0f 60 c1", // punpcklbw
                "66 0f 70 c1 00", // pshufd
                "0f c6 c1 00", // shufps
                "66 0f 73 f8 01", // pslldq
                "66 0f 71 f0 01", // psllw
                "66 0f c4 c0 00", // pinsrw
                "66 0f c5 c0 00", // pextrw
                "66 0f d7 c0", // pmovmskb
                "0f 50 c0", // movmskps
                "66 0f 50 c0", // movmskpd
                "0f 58 c1", // addps
                "f2 0f 5e c1", // divsd
                "0f 53 c1", // rcpps
                "0f c2 c1 00", // cmpps
                "0f 2e c1", // ucomiss
                "f3 0f 2a c0", // cvtsi2ss
                "f2 0f 2c c0", // cvttsd2si
                "f3 0f 5a c1", // cvtss2sd
                "0f 5b c1", // cvtdq2ps
                "66 0f e6 c1", // cvttpd2dq
                "0f 2a c1", // cvtpi2ps
                "0f 2c c1", // cvttps2pi
                "0f ae 13", // ldmxcsr
                "0f ae 1b", // stmxcsr
                "f3 0f d6 c1", // movq2dq
                "f2 0f d6 c1" // movdq2q
            })
    void sseInstructionsAreUndefinedUnlessTheSystemHasEnabledThem(String code) {
        assertThatCode(() -> guest.run(code)).doesNotThrowAnyException();
        guest.cr0(Cr0.TS, true).assertFault(code, Vector.NM);
        guest.cr0(Cr0.EM, true).assertFault(code, Vector.UD);
        guest.cr0(Cr0.EM, false).cpu.setCr4(Cr4.OSXMMEXCPT);
        guest.assertFault(code, Vector.UD);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"0f c3 03", "0f ae e8", "0f ae f0", "0f ae f8", "0f 18 03", "0f 18 0b", "0f ae 3b", "f3 90"})
    void fencesHintsAndMovntiNeedNoState(String code) {
        guest.cr0(Cr0.EM | Cr0.TS, true).cpu.setCr4(0);

        assertThatCode(() -> guest.run(code)).doesNotThrowAnyException();
    }

    @ParameterizedTest
    @ValueSource(strings = {"9b", "d9 d0", "d9 e8", "d8 c1", "d9 fe", "d9 2b", "d9 23", "dd 23", "dd c0", "0f fc c1"})
    void waitingInstructionsReportAPendingException(String code) {
        pendingException();

        guest.assertFault(code, Vector.MF);
    }

    @ParameterizedTest
    @ValueSource(strings = {"9b", "d9 d0", "d9 e8", "d8 c1", "d9 fe", "d9 2b", "d9 23", "dd 23", "dd c0", "0f fc c1"})
    void withoutNumericErrorTheyAskOutsideWhetherItIsIgnored(String code) {
        pendingException();
        guest.cr0(Cr0.NE, false);

        answer(code, 0);
        guest.assertUnsupported(code); // interrupts are off: it waits for good

        guest.cpu.eflags.put(Flag.IF, true);
        answer(code, 0);
        assertThatThrownBy(() -> guest.run(code)).isInstanceOf(HostAccess.Restart.class);
        assertThat(guest.cpu.host.nextExit()).isInstanceOf(VmExit.Halt.class);

        answer(code, 1);
        assertThatCode(() -> guest.run(code)).doesNotThrowAnyException();
    }

    /** Executes an instruction that asks, and answers. */
    private void answer(String code, int ignored) {
        guest.cpu.host.clear();
        assertThatThrownBy(() -> guest.run(code)).isInstanceOf(HostAccess.Restart.class);
        VmExit.FpuError error = (VmExit.FpuError) guest.cpu.host.nextExit();
        error.ignored().put(0, (byte) ignored);
        guest.cpu.host.resume();
    }

    @ParameterizedTest
    @ValueSource(strings = {"db e3", "db e2", "dd 33", "d9 33", "0f ae 0b"})
    void whatClearsOrMasksTheErrorSaysSoOutside(String code) {
        pendingException();
        guest.cr0(Cr0.NE, false).run(code);

        assertThat(guest.cpu.host.nextExit()).isInstanceOf(VmExit.FpuErrorCleared.class);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"db e3", "db e2", "df e0", "d9 3b", "d9 33", "dd 33", "0f ae 03", "0f ae 0b", "66 0f ef c0"})
    void othersDoNot(String code) {
        pendingException();

        assertThatCode(() -> guest.run(code)).doesNotThrowAnyException();
    }

    @Test
    void taskSwitchedComesBeforeAPendingException() {
        pendingException();

        guest.cr0(Cr0.TS, true).assertFault("9b", Vector.NM);
    }

    @ParameterizedTest
    @ValueSource(strings = {"0f 2a c1", "66 0f 2a c1", "0f 2c c1", "66 0f 2d c1", "f3 0f d6 c1", "f2 0f d6 c1"})
    void instructionsBetweenMmxAndXmmReportAPendingException(String code) {
        pendingException();

        guest.assertFault(code, Vector.MF);
    }

    @ParameterizedTest
    @ValueSource(strings = {"0f 2a 03", "66 0f 2a 03"})
    void conversionOfIntegersInMemoryHasNothingToDoWithMmx(String code) {
        pendingException();
        guest.fpu.setTop(5);

        assertThatCode(() -> guest.run(code)).doesNotThrowAnyException();

        assertThat(guest.fpu.top()).isEqualTo(5);
    }

    @Test
    void unmaskedExceptionsAreUndefinedIfTheSystemDoesNotHandleThem() {
        guest.fpu.setMxcsr(0x1d80);
        guest.xmm(0, 0, 0x3f800000).xmm(1, 0, 0).assertFault("f3 0f 5e c1", Vector.XM);
        assertThat(guest.fpu.mxcsr()).isEqualTo(0x1d84);
        assertThat(guest.low(0)).isEqualTo(0x3f800000);

        guest.cpu.setCr4(Cr4.OSFXSR);
        guest.assertFault("f3 0f 5e c1", Vector.UD);
    }

    @ParameterizedTest
    @CsvSource({
        "0f 28",
        "0f 29",
        "66 0f 28",
        "66 0f 29",
        "66 0f 6f",
        "66 0f 7f",
        "0f 2b",
        "66 0f e7",
        "66 0f fe",
        "66 0f ef",
        "66 0f 60",
        "66 0f d2",
        "0f 54"
    })
    void sixteenBytesMustBeAligned(String opcode) {
        assertThatCode(() -> guest.run(opcode + "03")).doesNotThrowAnyException();
        guest.assertFault(opcode + "43 08", Vector.GP);
        guest.assertFault(opcode + "43 01", Vector.GP);
    }

    @ParameterizedTest
    @ValueSource(strings = {"0f 10 43 01", "66 0f 11 43 03", "f3 0f 6f 43 09", "f3 0f 7f 43 07", "0f 12 43 01"})
    void otherMovesNeedNoAlignment(String code) {
        assertThatCode(() -> guest.run(code)).doesNotThrowAnyException();
    }

    @Test
    void theStackSegmentsLimitIsAStackFault() {
        guest.cpu.loadSegment(Cpu.SS, new SegmentState(0x10, 0, 0x100f, 0x4093));
        assertThat(guest.cpu.segments[Cpu.SS].limit()).isEqualTo(0x100f);

        assertThatCode(() -> guest.run("36 0f 10 03")).doesNotThrowAnyException();
        guest.assertFault("36 0f 10 43 01", Vector.SS);
        guest.assertFault("36 0f ae 03", Vector.SS);
        guest.assertFault("36 dd 33", Vector.SS);
    }

    private void pendingException() {
        guest.fpu.setControl(UNMASK_INVALID);
        guest.fpu.raise(FpuState.INVALID);
        guest.ram.putShort(FpuCpu.DATA, (short) UNMASK_INVALID);
    }
}
