package dev.kvmguest.sample;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kvmguest.vmm.Machine;
import dev.kvmguest.vmm.bisect.BisectionException;
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
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What two builds of the kernel, one of which dies, tell together: which function's code it is, and what in it. */
class SeedsBisectionTests {

    private static final String SESSION = "5\n1\n4\n6\n6 * 7\n8\n48 18\ndivide\nwild\n3\nHello\nfiles\n0\n";

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

    /** Functions of builds that all work: put into the kernel at once, they must do what its own do. */
    @ParameterizedTest
    @ValueSource(strings = {"kernel-i386", "kernel-o0", "kernel-o1", "kernel-os"})
    void functionsOfOtherBuildsDoTheSameInTheKernel(String other) throws IOException {
        MachineConfig good = machine("kernel", SESSION);
        String console = console(good);
        ImageBisection bisection = ImageBisection.of(good, machine(other, SESSION))
                .by(
                        "is " + other + ", or behaves otherwise",
                        outcome -> outcome.run().guest().equals(other)
                                || !withoutAddresses(outcome).equals(console));

        assertThat(console).contains("9 x 9 = 81", "divide was killed", "Bye.");
        assertThatThrownBy(bisection::run)
                .isInstanceOf(BisectionException.class)
                .hasMessageMatching("(?s)the good image kernel with the [1-9][0-9] functions of " + other
                        + " that differ and can be exchanged is still good.*");
    }

    private static String console(MachineConfig config) {
        try (Machine machine = Machine.create(config)) {
            return withoutAddresses(machine.run());
        }
    }

    /** Programs that are killed are reported with their addresses. */
    private static String withoutAddresses(Outcome outcome) {
        return outcome.describe() + "\n" + outcome.console().replaceAll("at 0x[0-9a-f]+.*", "");
    }

    private static MachineConfig machine(String id) throws IOException {
        return machine(id, "");
    }

    private static MachineConfig machine(String id, String input) throws IOException {
        GuestManifest.Located located = GuestManifest.find(SeedsBisectionTests.class.getClassLoader(), id);
        return MachineConfig.builder()
                .vcpu(VcpuConfig.of(located).withInput(input))
                .engine(EngineChoice.EMULATOR)
                .build();
    }
}
