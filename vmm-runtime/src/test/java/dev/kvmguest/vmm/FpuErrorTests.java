package dev.kvmguest.vmm;

import static dev.kvmguest.vmm.TestGuest.real;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.outcome.Outcome;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** x87 errors of a guest that has left CR0.NE clear, as a PC reports them: by IRQ 13. */
@Timeout(60)
public class FpuErrorTests {

    /** {@code mov word [0x1d4],0x1050; mov word [0x1d6],0}: vector 0x75. */
    private static final String VECTOR = "c7 06 d4 01 50 10 c7 06 d6 01 00 00";

    /** {@code mov al,0xfb; out 0x21,al; mov al,0xdf; out 0xa1,al}. */
    private static final String OPEN = "b0 fb e6 21 b0 df e6 a1";

    /** {@code fninit; mov word [0x2000],0x37b; fldcw [0x2000]}. */
    private static final String UNMASK = "db e3 c7 06 00 20 7b 03 d9 2e 00 20";

    /** {@code fld1; fldz; fdivp}. */
    private static final String DIVIDE_BY_ZERO = "d9 e8 d9 ee de f9";

    private static final String STI = "fb";
    /** {@code mov al,bl; out 0xf4,al}. */
    private static final String LEAVE = "88 d8 e6 f4";

    /** {@code mov al,0x20; out 0xa0,al; out 0x20,al; iret}. */
    private static final String END = "b0 20 e6 a0 e6 20 cf";

    /** {@code inc bl; xor al,al; out 0xf0,al; fld1; fstp st0; fnclex}: it uses x87 before it clears the error. */
    private static final String HANDLER = "fe c3 30 c0 e6 f0 d9 e8 dd d8 db e2" + END;

    /** A guest with two errors, each found by a waiting instruction: fwait and fld1. */
    public static final VcpuConfig TWO_ERRORS =
            handled(VECTOR + OPEN + UNMASK + STI + DIVIDE_BY_ZERO + "9b" + DIVIDE_BY_ZERO + "d9 e8" + LEAVE, HANDLER);

    /** Returns a guest whose handler of IRQ 13 is at 0x1050. */
    private static VcpuConfig handled(String code, String handler) {
        return real(code + " 90".repeat(0x50 - TestGuest.bytes(code).length) + handler);
    }

    @Test
    void errorIsReportedByIrq13ToTheInstructionThatWaits() {
        Outcome outcome = TestGuest.run(TWO_ERRORS, EngineChoice.EMULATOR);

        assertThat(outcome.exitCode()).hasValue(2);
    }

    @Test
    void nothingIsReportedBeforeAnInstructionWaits() {
        // fnstsw ax; fninit
        String ignored = DIVIDE_BY_ZERO + "df e0 db e3 9b";
        Outcome outcome =
                TestGuest.run(handled(VECTOR + OPEN + UNMASK + STI + ignored + LEAVE, HANDLER), EngineChoice.EMULATOR);

        assertThat(outcome.exitCode()).hasValue(0);
    }

    @Test
    void errorThatIsNotClearedIsIgnoredFromTheWriteToThePortOn() {
        // inc bl; xor al,al; out 0xf0,al
        String lazy = "fe c3 30 c0 e6 f0" + END;
        Outcome outcome = TestGuest.run(
                handled(VECTOR + OPEN + UNMASK + STI + DIVIDE_BY_ZERO + "9b d9 e8 9b" + LEAVE, lazy),
                EngineChoice.EMULATOR);

        assertThat(outcome.exitCode()).hasValue(1);
    }

    @Test
    void processorWaitsForAnIrqThatIsMaskedAndTheReportSaysSo() {
        Outcome outcome = TestGuest.run(
                handled(VECTOR + UNMASK + STI + DIVIDE_BY_ZERO + "9b" + LEAVE, HANDLER), EngineChoice.EMULATOR);

        assertThat(outcome)
                .isInstanceOfSatisfying(Outcome.Halted.class, halted -> assertThat(halted.interruptsEnabled())
                        .isTrue());
        assertThat(outcome.endedNormally()).isFalse();
        assertThat(outcome.run().registers().orElseThrow().get(Register.RIP)).isEqualTo(0x1000 + 31);
    }

    @Test
    void otherInterruptsAreTakenWhileItWaits() {
        // mov word [0x20],0x1070; mov word [0x22],0; mov al,0xfe; out 0x21,al: the timer, whose handler leaves with 7
        String timer = "c7 06 20 00 70 10 c7 06 22 00 00 00 b0 fe e6 21";
        String handler = HANDLER + " 90".repeat(0x20 - TestGuest.bytes(HANDLER).length) + "b0 07 e6 f4";
        Outcome outcome = TestGuest.run(
                handled(timer + UNMASK + STI + DIVIDE_BY_ZERO + "9b" + LEAVE, handler), EngineChoice.EMULATOR);

        assertThat(outcome.exitCode()).hasValue(7);
    }

    @Test
    void withInterruptsOffItWaitsForGoodAndThatIsNoNormalEnd() {
        Outcome outcome = TestGuest.run(
                handled(VECTOR + OPEN + UNMASK + DIVIDE_BY_ZERO + "9b" + LEAVE, HANDLER), EngineChoice.EMULATOR);

        assertThat(outcome)
                .isInstanceOfSatisfying(Outcome.Unsupported.class, unsupported -> assertThat(unsupported.reason())
                        .contains("an x87 error is pending, CR0.NE and EFLAGS.IF are clear"));
    }
}
