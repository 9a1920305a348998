package dev.kvmguest.vmm.internal.emulator.hardware;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Random instructions of user mode do the same on the emulator as on this machine's own processor: every form of the
 * opcode map with all prefixes, in 16-bit and 32-bit code, with registers, flags, memory, and exceptions with their
 * error codes and CR2.
 */
@Tag("hardware")
class HardwareTests {

    private static final long STEPS = Long.getLong("kvmguest.hardware.steps", 200_000);
    private static final long SEED = Long.getLong("kvmguest.hardware.seed", 1);

    @TempDir
    private Path folder;

    @Test
    void randomInstructionsDoTheSameOnThisMachinesProcessor() throws IOException, InterruptedException {
        Generator generator = new Generator(SEED, Exclusion::allows);
        try (HardwareProcessor hardware = HardwareProcessor.orSkip(folder)) {
            Comparison comparison = new Comparison(hardware);
            Batch batch = generator.batch();
            while (comparison.steps() < STEPS) {
                hardware.send(batch);
                // Made while the processor is at work.
                Batch next = generator.batch();
                comparison.compare(batch);
                batch = next;
            }
            System.out.println("hardware: " + comparison.statistics());
            assertThat(comparison.divergences())
                    .as(
                            "processor / emulator, again by -Dkvmguest.hardware.seed=%d -Dkvmguest.hardware.steps=%d",
                            SEED, STEPS)
                    .isEmpty();
            assertThat(comparison.steps()).isPositive();
        }
    }
}
