package dev.kvmguest.vmm.internal.emulator.hardware;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.kvmguest.vmm.HostProcessor;
import dev.kvmguest.vmm.internal.x86.CpuMode;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Random instructions of user mode do the same on the emulator as on this machine's own processor: every form of the
 * opcode map with all prefixes, in code of 16, 32 and 64 bits, with registers, flags, memory, and exceptions with their
 * error codes and CR2.
 */
@Tag("hardware")
class HardwareTests {

    private static final long STEPS = Long.getLong("kvmguest.hardware.steps", 200_000);
    /** Several batches. */
    private static final long ENOUGH_FOR_ALL_MODES = 10_000;

    private static final long SEED = Long.getLong("kvmguest.hardware.seed", 1);
    private static final boolean ANY = Boolean.getBoolean("kvmguest.hardware.any");

    /** Where a manual leaves something open, processors of one maker agree: {@link Difference} knows this one's. */
    private static final String KNOWN_VENDOR = "AuthenticAMD";

    @TempDir
    private Path folder;

    @Test
    void randomInstructionsDoTheSameOnThisMachinesProcessor() throws IOException, InterruptedException {
        Comparison comparison = compare(Window.FOR_32_BITS);

        if (comparison.steps() >= ENOUGH_FOR_ALL_MODES) {
            assertThat(comparison.modes())
                    .containsOnlyKeys(
                            CpuMode.PROTECTED16, CpuMode.PROTECTED32, CpuMode.COMPATIBILITY16, CpuMode.COMPATIBILITY32);
        }
    }

    @Test
    void randomInstructionsOf64BitCodeDoTheSameOnThisMachinesProcessor() throws IOException, InterruptedException {
        assumeTrue(
                !HostProcessor.hasFlag("la57"),
                "with five levels of page tables the processor takes other addresses for canonical than the emulator");
        Comparison comparison = compare(Window.FOR_64_BITS);

        assertThat(comparison.modes()).containsOnlyKeys(CpuMode.LONG64);
    }

    private Comparison compare(Window window) throws IOException, InterruptedException {
        String vendor = HostProcessor.vendor().orElse("an unknown maker");
        assumeTrue(
                ANY || vendor.equals(KNOWN_VENDOR),
                () -> "where processors of " + vendor
                        + " and the emulator may differ has not been looked into, only for " + KNOWN_VENDOR
                        + "; -Dkvmguest.hardware.any=true compares them all the same");
        try (HardwareProcessor hardware = HardwareProcessor.orSkip(folder, window)) {
            Generator generator = new Generator(SEED, window, hardware.hasLdt(), Exclusion::allows);
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
            return comparison;
        }
    }
}
