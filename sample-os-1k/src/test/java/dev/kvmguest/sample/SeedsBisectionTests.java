package dev.kvmguest.sample;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.bisect.BisectionReport;
import dev.kvmguest.vmm.bisect.BisectionResult;
import dev.kvmguest.vmm.bisect.ImageBisection;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.GuestManifest;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.outcome.Outcome;
import java.io.IOException;
import org.junit.jupiter.api.Test;

/** What two builds of the kernel, one of which dies, tell together: which function's code it is, and what in it. */
class SeedsBisectionTests {

    @Test
    void theSseInstructionInMemsetMakesTheDifference() throws IOException {
        BisectionResult result =
                ImageBisection.of(machine("kernel"), machine("kernel-sse")).run();

        assertThat(result.parts()).extracting(BisectionResult.Part::name).containsExactly("memset");
        assertThat(result.instruction()).hasValueSatisfying(at -> {
            assertThat(at.text()).startsWith("movd xmm0, ");
            assertThat(at.symbol())
                    .hasValueSatisfying(symbol -> assertThat(symbol).startsWith("memset+"));
            assertThat(at.source())
                    .hasValueSatisfying(line -> assertThat(line).contains("src/main/guest/kernel/string.c:"));
        });
        assertThat(result.sameInstruction()).isTrue();
        assertThat(result.exchanged().kind()).isEqualTo(Outcome.Kind.TRIPLE_FAULT);
        assertThat(BisectionReport.text(result))
                .contains("is an SSE instruction, and CR4.OSFXSR is clear")
                .contains("kernel with memset of kernel-sse triple-faulted by #UD");
        // Other functions are compiled to SSE too, and would die of it before there is an IDT.
        assertThat(result.othersToo()).isTrue();
    }

    @Test
    void theSameIsFoundWithAPredicateOnTheConsole() throws IOException {
        BisectionResult result = ImageBisection.of(machine("kernel"), machine("kernel-sse"))
                .by("greets", outcome -> outcome.console().contains("1K OS"))
                .run();

        assertThat(result.parts()).extracting(BisectionResult.Part::name).containsExactly("memset");
        assertThat(result.othersToo()).isFalse();
    }

    private static MachineConfig machine(String id) throws IOException {
        GuestManifest.Located located = GuestManifest.find(SeedsBisectionTests.class.getClassLoader(), id);
        return MachineConfig.builder()
                .vcpu(VcpuConfig.of(located))
                .engine(EngineChoice.EMULATOR)
                .build();
    }
}
