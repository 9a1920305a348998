package dev.kvmguest.vmm.diagnosis;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.BootMode;
import dev.kvmguest.vmm.TestGuest;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The death behind this project: memset compiled to SSE2, with CR4.OSFXSR clear and the boot's IDT empty. */
class SeedsCaseTests {

    /** sub esp,0x1c; mov dword [esp+0x18],0; movd xmm0,[esp+0x18]; with ESP set before: mov esp,0x9000 */
    private static final String MEMSET = "bc 00 90 00 00 83 ec 1c c7 44 24 18 00 00 00 00 66 0f 6e 44 24 18 f4";

    @ParameterizedTest
    @EnumSource(names = {"PAGED", "PAGED_4K"})
    void adviceNamesTheBitTheFlagAndTheMissingTable(BootMode boot) {
        List<String> advice = DeadGuest.adviceFor(TestGuest.real(MEMSET).withBoot(boot));

        assertThat(advice)
                .containsExactly(
                        "movd xmm0, [esp+0x18] at 0x80001010 is an SSE instruction, and CR4.OSFXSR is clear:"
                                + " compilers use SSE unless told not to; compile with -mno-sse -mno-mmx -msoft-float"
                                + " or -mgeneral-regs-only, or for a processor without it by -march=i686, or set"
                                + " CR4.OSFXSR and clear CR0.EM before any code that may use SSE",
                        "IDTR is still the boot table's at 0x528, which has no gate for #UD, #GP, #DF; fill an IDT with"
                                + " a gate for each vector from 0 to 31 at least, and load it with LIDT before anything"
                                + " can go wrong");
    }
}
