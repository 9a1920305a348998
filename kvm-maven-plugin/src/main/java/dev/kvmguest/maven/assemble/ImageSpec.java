package dev.kvmguest.maven.assemble;

import dev.kvmguest.vmm.config.Architecture;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.DetectedBoot;
import dev.kvmguest.vmm.config.EntryPoint;
import dev.kvmguest.vmm.config.GuestManifest;
import dev.kvmguest.vmm.image.GuestImage;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * A guest that something else builds, its values known to be good.
 *
 * @param id the guest's name
 * @param file the image's file
 * @param image what is in it
 * @param boot the state at entry; empty for what the image asks for itself
 * @param load the physical address of the image's first byte
 * @param entry where the guest starts
 * @param memory guest RAM in bytes
 * @param commandLine what the kernel is told at boot
 * @param modules the files that are loaded beside the kernel
 */
public record ImageSpec(
        String id,
        Path file,
        GuestImage image,
        Optional<BootMode> boot,
        OptionalLong load,
        Optional<EntryPoint> entry,
        OptionalLong memory,
        String commandLine,
        List<Path> modules) {

    public ImageSpec {
        GuestManifest.requireValidId(id);
        modules = List.copyOf(modules);
        BootMode mode = mode(boot, image);
        GuestSpec.requireUsableModules(id, mode, commandLine, modules);
    }

    private static BootMode mode(Optional<BootMode> boot, GuestImage image) {
        return boot.orElseGet(() -> DetectedBoot.of(image).boot());
    }

    /** Returns what the image asks for itself, if nobody else says the boot mode. */
    public Optional<DetectedBoot> detected() {
        return boot.isPresent() ? Optional.empty() : Optional.of(DetectedBoot.of(image));
    }

    /** Returns the manifest of the guest, with the file named as seen from the project. */
    GuestManifest manifest(Path basedir) {
        BootMode mode = mode(boot, image);
        return new GuestManifest(
                id,
                fileName(),
                mode,
                load,
                entry,
                memory,
                commandLine,
                modules.stream().map(module -> module.getFileName().toString()).toList(),
                Optional.of(RelativePaths.of(basedir, file)),
                switch (image.format()) {
                    case ELF32 -> Architecture.I386;
                    case ELF64 -> Architecture.X86_64;
                    case FLAT -> Architecture.of(mode);
                });
    }

    /** Returns the image's name on the class path, which is that of a guest that was built. */
    String fileName() {
        return id + (image.format().isElf() ? ".elf" : ".bin");
    }
}
