package dev.kvmguest.vmm.internal.advice;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.NeedsKvm.Device;
import dev.kvmguest.vmm.TestGuest;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.internal.engine.Feature;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.report.TextReport;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The death behind this project: memset compiled to SSE2, with CR4.OSFXSR clear and the boot's IDT empty. On each engine, and
 * on the one that is taken where nobody asks.
 */
@Tag("kvm")
class SeedsCaseTests {

    /** sub esp,0x1c; mov dword [esp+0x18],0; movd xmm0,[esp+0x18]; with ESP set before: mov esp,0x9000 */
    private static final String MEMSET = "bc 00 90 00 00 83 ec 1c c7 44 24 18 00 00 00 00 66 0f 6e 44 24 18 f4";

    @ParameterizedTest
    @CsvSource({
        "EMULATOR, PAGED",
        "EMULATOR, PAGED_4K",
        "KVM,      PAGED",
        "KVM,      PAGED_4K",
        "AUTO,     PAGED",
        "AUTO,     PAGED_4K"
    })
    void reportNamesTheInstructionTheEmptyGatesTheBitAndTheFlag(EngineChoice engine, BootMode boot) {
        Device.assumeFor(engine, Feature.neededBy(boot));

        Outcome outcome = TestGuest.run(TestGuest.real(MEMSET).withBoot(boot), engine);

        assertThat(outcome).isInstanceOf(Outcome.TripleFault.class);
        assertThat(TextReport.brief(outcome)).contains("""
                  #UD: movd xmm0, [esp+0x18]  (66 0f 6e 44 24 18)
                    -> #GP(0x33): IDT[6] at 0x558 is empty
                    -> #DF(0x0): IDT[13] at 0x590 is empty
                    -> shutdown: IDT[8] at 0x568 is empty
                """);
        assertThat(outcome.fault().orElseThrow().advice())
                .containsExactly(
                        "movd xmm0, [esp+0x18] at 0x80001010 is an SSE instruction, and CR4.OSFXSR is clear:"
                                + " compilers use SSE unless told not to; compile with -mno-sse -mno-mmx -msoft-float"
                                + " or -mgeneral-regs-only, or for a processor without it by -march=i686, or set"
                                + " CR4.OSFXSR and clear CR0.EM before any code that may use SSE",
                        "IDTR is still the boot table's at 0x528, which has no gate for #UD, #GP, #DF; fill an IDT with"
                                + " a gate for each vector from 0 to 31 at least, and load it with LIDT before anything"
                                + " can go wrong");
    }

    /** KVM on AMD resets the vCPU; on Intel its registers are still the guest's, if late ones. */
    @ParameterizedTest
    @CsvSource({"EMULATOR", "KVM"})
    void registersThatAreResetValuesAreSaidToBe(EngineChoice engine) {
        Device.assumeFor(engine, Feature.PAGING_4M);

        Outcome outcome = TestGuest.run(TestGuest.real(MEMSET).withBoot(BootMode.PAGED), engine);

        boolean lost = outcome.run().registers().isEmpty();
        assertThat(TextReport.brief(outcome).contains("RIP=0xfff0 and so on, are reset values"))
                .isEqualTo(lost);
        assertThat(outcome.fault().orElseThrow().registers().eip()).isEqualTo(0x8000_1010L);
    }
}
