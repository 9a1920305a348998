package dev.kvmguest.sample;

import static dev.kvmguest.junit.GuestAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.junit.KvmGuest;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.report.TextReport;
import org.junit.jupiter.api.Test;

/**
 * What the project began with: a compiler's default that a kernel wasn't ready for. The kernel's memset is compiled to SSE2,
 * which nobody has switched on, long before there is an IDT. Each subclass runs it on an engine.
 */
abstract class SeedsCase {

    @Test
    @KvmGuest(value = "kernel-sse", boot = BootMode.PAGED)
    void isToldWithLargePages(Outcome outcome) {
        isTold(outcome);
    }

    @Test
    @KvmGuest(value = "kernel-sse", boot = BootMode.PAGED_4K)
    void isToldWithSmallPages(Outcome outcome) {
        isTold(outcome);
    }

    private static void isTold(Outcome outcome) {
        assertThat(outcome)
                .hasConsole("")
                .fault()
                .beganWith("#UD")
                .isIn("memset")
                .hasChain("#UD", "#GP", "#DF");
        assertThat(TextReport.brief(outcome))
                .containsPattern(
                        "\n  #UD in memset\\+0x[0-9a-f]+ \\(src/main/guest/kernel/string\\.c:\\d+\\): movd xmm0, ")
                .contains("\n    -> #GP(0x33): IDT[6] at 0x558 is empty"
                        + "\n    -> #DF(0x0): IDT[13] at 0x590 is empty"
                        + "\n    -> shutdown: IDT[8] at 0x568 is empty\n")
                .contains("is an SSE instruction, and CR4.OSFXSR is clear")
                .contains("-mno-sse")
                .contains("-march=i686")
                .contains("IDTR is still the boot table's at 0x528, which has no gate for #UD, #GP, #DF")
                .contains("\n  registers at the fault, seen by ");
        // KVM on AMD resets the vCPU; on Intel its registers are still the guest's.
        boolean lost = outcome.run().registers().isEmpty();
        assertThat(TextReport.brief(outcome)
                        .contains("RIP=0xfff0 and so on, are reset values of a vCPU that shut down"))
                .isEqualTo(lost);
    }
}
