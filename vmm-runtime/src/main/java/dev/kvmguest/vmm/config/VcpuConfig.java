package dev.kvmguest.vmm.config;

import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.image.GuestTestCase;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * What one vCPU runs. Immutable; the {@code with} methods return changed copies.
 *
 * @param image the guest
 * @param boot the state at entry
 * @param load the physical address of the image's first byte; empty for the default, 0x1000 for a flat binary, 0x7c00
 *     for a boot sector in real mode, 0x100000 in {@link BootMode#LONG}, and its own addresses for an ELF file
 * @param entry where the guest starts; empty for the ELF file's entry point or a flat binary's first byte
 * @param input the input typed before the guest starts
 * @param commandLine what the kernel is told at boot; only one that {@linkplain BootMode#hasLoader() has a boot loader}
 *     can tell
 * @param modules the files loaded beside the kernel, in their order; only where the boot mode has a boot loader
 * @param guestTest the one of its own tests that the guest is asked to run, if any
 */
public record VcpuConfig(
        GuestImage image,
        BootMode boot,
        OptionalLong load,
        Optional<EntryPoint> entry,
        String input,
        String commandLine,
        List<BootModule> modules,
        Optional<GuestTestCase> guestTest) {

    /** Where a flat binary is loaded by default. */
    public static final long DEFAULT_LOAD = 0x1000;

    /** Where a flat binary is loaded by default in {@link BootMode#LONG}. */
    public static final long LONG_MODE_LOAD = 0x10_0000;

    /** Where a PC's firmware loads a boot sector. */
    public static final long BOOT_SECTOR_LOAD = 0x7c00;

    public VcpuConfig {
        requireCString("command line", commandLine);
        modules = List.copyOf(modules);
    }

    /** Returns the configuration that boots an image in real mode with every default. */
    public static VcpuConfig of(GuestImage image) {
        return new VcpuConfig(
                image, BootMode.REAL, OptionalLong.empty(), Optional.empty(), "", "", List.of(), Optional.empty());
    }

    /**
     * Returns the configuration that a manifest asks for, and reads the image and the modules it names.
     *
     * @throws java.io.IOException if one of them can't be read
     */
    public static VcpuConfig of(GuestManifest.Located located) throws java.io.IOException {
        GuestManifest manifest = located.manifest();
        return new VcpuConfig(
                located.image(),
                manifest.boot(),
                manifest.load(),
                manifest.entry(),
                "",
                manifest.commandLine(),
                located.modules(),
                Optional.empty());
    }

    /** Returns a copy that runs another image in the same way. */
    public VcpuConfig withImage(GuestImage other) {
        return new VcpuConfig(other, boot, load, entry, input, commandLine, modules, guestTest);
    }

    /** Returns a copy with another boot mode. */
    public VcpuConfig withBoot(BootMode mode) {
        return new VcpuConfig(image, mode, load, entry, input, commandLine, modules, guestTest);
    }

    /** Returns a copy loaded at a physical address. */
    public VcpuConfig withLoad(long address) {
        return new VcpuConfig(image, boot, OptionalLong.of(address), entry, input, commandLine, modules, guestTest);
    }

    /** Returns a copy that starts elsewhere. */
    public VcpuConfig withEntry(EntryPoint point) {
        return new VcpuConfig(image, boot, load, Optional.of(point), input, commandLine, modules, guestTest);
    }

    /** Returns a copy for which {@code text}, in UTF-8, is typed before it starts. */
    public VcpuConfig withInput(String text) {
        return new VcpuConfig(image, boot, load, entry, text, commandLine, modules, guestTest);
    }

    /**
     * Returns a copy whose kernel is told {@code text}, in UTF-8, at boot; only for a boot mode that
     * {@linkplain BootMode#hasLoader() has a boot loader}.
     */
    public VcpuConfig withCommandLine(String text) {
        return new VcpuConfig(image, boot, load, entry, input, text, modules, guestTest);
    }

    /**
     * Returns a copy with these files loaded beside the kernel; only for a boot mode that
     * {@linkplain BootMode#hasLoader() has a boot loader}.
     */
    public VcpuConfig withModules(List<BootModule> files) {
        return new VcpuConfig(image, boot, load, entry, input, commandLine, files, guestTest);
    }

    /** Returns a copy that asks the guest to run one of its tests, as {@link GuestImage#guestTests} lists them. */
    public VcpuConfig withGuestTest(GuestTestCase test) {
        return new VcpuConfig(image, boot, load, entry, input, commandLine, modules, Optional.of(test));
    }

    /** Returns where the image is loaded if it is a flat binary: at {@link #load}, else at the default. */
    public long flatLoad() {
        if (boot.longMode()) {
            return load.orElse(LONG_MODE_LOAD);
        }
        return load.orElse(boot == BootMode.REAL && image.isBootSector() ? BOOT_SECTOR_LOAD : DEFAULT_LOAD);
    }

    /** Refuses a text of which a guest would read only the first part. */
    static void requireCString(String what, String text) {
        if (text.indexOf(0) >= 0) {
            throw new IllegalArgumentException(what + " \"" + text.replace("\0", "\\0")
                    + "\" has a NUL, with which it would end for the guest; leave it out");
        }
    }

    /** Returns the input as the guest reads it. */
    public byte[] inputBytes() {
        return input.getBytes(StandardCharsets.UTF_8);
    }
}
