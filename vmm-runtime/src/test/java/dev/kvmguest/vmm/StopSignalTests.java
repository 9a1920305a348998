package dev.kvmguest.vmm;

import static dev.kvmguest.vmm.TestGuest.machine;
import static dev.kvmguest.vmm.TestGuest.real;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.NeedsKvm.Device;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.outcome.Outcome;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Stopping guests in a JVM of their own: a signal that is still pending when a vCPU's thread ends would end the process,
 * and only where no guest has run on the main thread before, since a thread inherits its parent's signal mask.
 */
@OnEachEngine
@Timeout(60)
class StopSignalTests {

    /** mov al, '.'; next: out 0xe9, al; jmp next: hardly ever within KVM_RUN for long */
    private static final String EXITS_ALL_THE_TIME = "b0 2e e6 e9 eb fc";

    private final EngineChoice engine;

    StopSignalTests(EngineChoice engine) {
        Device.assumeFor(engine);
        this.engine = engine;
    }

    @Test
    void stoppingGuestsLeavesNoSignalBehindThatEndsTheProcess() throws IOException, InterruptedException {
        Process jvm = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        Stopper.class.getName(),
                        engine.id())
                .redirectErrorStream(true)
                .start();
        String output = new String(jvm.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

        assertThat(jvm.waitFor()).as(output).isZero();
        assertThat(output).contains("100 guests stopped");
    }

    /** The program of that JVM. */
    static final class Stopper {

        private static final int GUESTS = 100;

        public static void main(String[] arguments) throws InterruptedException {
            for (int i = 0; i < GUESTS; i++) {
                try (Machine machine = machine(real(EXITS_ALL_THE_TIME), EngineChoice.parse(arguments[0]))) {
                    machine.start();
                    assertThat(machine.console().await(".", Duration.ofSeconds(30)))
                            .isPresent();
                    machine.stop();
                    assertThat(machine.run().kind()).isEqualTo(Outcome.Kind.STOPPED);
                }
            }
            System.out.println(GUESTS + " guests stopped");
        }
    }
}
