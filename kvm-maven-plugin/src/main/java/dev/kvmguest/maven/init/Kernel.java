package dev.kvmguest.maven.init;

import dev.kvmguest.vmm.Machine;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.DetectedBoot;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.outcome.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * A kernel that is there already, as a first boot shows it.
 *
 * @param file its image
 * @param boot the boot mode that was asked for, or that its image asks for
 * @param outcome how it ended
 * @param warning what a boot loader overlooks in it, if it was asked for its boot mode
 */
record Kernel(Path file, BootMode boot, Outcome outcome, Optional<String> warning) {

    /** Most kernels have written something by then. */
    private static final Duration LIMIT = Duration.ofSeconds(3);

    /**
     * Recognises an image and boots it.
     *
     * @param wanted the boot mode to take; empty for what the image asks for
     * @throws InitException if there is no such file, or it can't be booted
     * @throws dev.kvmguest.vmm.config.VmmException if this host can't run it
     */
    static Kernel of(Path file, Optional<BootMode> wanted) throws InitException {
        if (!Files.isRegularFile(file)) {
            throw new InitException("there is no file " + file + "; build it first, by make for instance, or leave"
                    + " kvm.image out for a new kernel");
        }
        try {
            GuestImage image = GuestImage.read(file);
            Optional<String> warning = wanted.isPresent()
                    ? Optional.empty()
                    : DetectedBoot.of(image).warning(image.name());
            Kernel first = null;
            for (BootMode mode : wanted.map(List::of).orElseGet(() -> candidates(image))) {
                Kernel kernel = new Kernel(file, mode, boot(image, mode), warning);
                if (kernel.outcome.endedNormally() || kernel.isAlive()) {
                    return kernel;
                }
                first = first == null ? kernel : first;
            }
            return first;
        } catch (IllegalArgumentException e) {
            throw new InitException(e.getMessage(), e);
        } catch (IOException e) {
            throw new InitException(file + " can't be read: " + e, e);
        }
    }

    /**
     * Returns the modes that an image may be meant for. Nothing in an ELF file that real mode can reach says whether
     * its code has 32 bits; as most do, that is tried first.
     */
    private static List<BootMode> candidates(GuestImage image) {
        BootMode detected = DetectedBoot.of(image).boot();
        return detected == BootMode.REAL && image.format() == GuestImage.Format.ELF32
                ? List.of(BootMode.PROTECTED, BootMode.REAL)
                : List.of(detected);
    }

    private static Outcome boot(GuestImage image, BootMode mode) {
        MachineConfig config = MachineConfig.builder()
                .vcpu(VcpuConfig.of(image).withBoot(mode))
                .timeout(LIMIT)
                .build();
        try (Machine machine = Machine.create(config)) {
            return machine.run();
        }
    }

    /** Returns whether it still ran, or waited for something to happen. */
    boolean isAlive() {
        return outcome.kind() == Outcome.Kind.TIMED_OUT;
    }

    /** Returns the first line that it wrote to its console, without blanks around it. */
    Optional<String> firstLine() {
        return outcome.console()
                .lines()
                .map(String::strip)
                .filter(line -> !line.isEmpty())
                .findFirst();
    }

    /** Returns the first line on its screen, without blanks around it. */
    Optional<String> firstLineOnScreen() {
        return outcome.screen()
                .text()
                .lines()
                .map(String::strip)
                .filter(line -> !line.isEmpty())
                .findFirst();
    }
}
