package dev.kvmguest.vmm;

import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * What one vCPU runs. Immutable; the {@code with} methods return changed copies.
 *
 * @param image the guest
 * @param boot the state at entry
 * @param load the physical address of the image's first byte; empty for the default, 0x1000 for a flat binary and its
 *     own addresses for an ELF file
 * @param entry where the guest starts; empty for the ELF file's entry point or a flat binary's first byte
 * @param input what is typed for the guest before it starts
 */
public record VcpuConfig(GuestImage image, BootMode boot, OptionalLong load, Optional<EntryPoint> entry, String input) {

    /** Where a flat binary is loaded if nothing else is said. */
    public static final long DEFAULT_LOAD = 0x1000;

    /** Returns the configuration that boots an image in real mode with every default. */
    public static VcpuConfig of(GuestImage image) {
        return new VcpuConfig(image, BootMode.REAL, OptionalLong.empty(), Optional.empty(), "");
    }

    /**
     * Returns the configuration that a manifest asks for, and reads the image it names.
     *
     * @throws java.io.IOException if the image can't be read
     */
    public static VcpuConfig of(GuestManifest.Located located) throws java.io.IOException {
        GuestManifest manifest = located.manifest();
        return new VcpuConfig(located.image(), manifest.boot(), manifest.load(), manifest.entry(), "");
    }

    /** Returns a copy with another boot mode. */
    public VcpuConfig withBoot(BootMode mode) {
        return new VcpuConfig(image, mode, load, entry, input);
    }

    /** Returns a copy loaded at a physical address. */
    public VcpuConfig withLoad(long address) {
        return new VcpuConfig(image, boot, OptionalLong.of(address), entry, input);
    }

    /** Returns a copy that starts elsewhere. */
    public VcpuConfig withEntry(EntryPoint point) {
        return new VcpuConfig(image, boot, load, Optional.of(point), input);
    }

    /** Returns a copy for which {@code text}, in UTF-8, is typed before it starts. */
    public VcpuConfig withInput(String text) {
        return new VcpuConfig(image, boot, load, entry, text);
    }

    /** Returns the input as the guest reads it. */
    byte[] inputBytes() {
        return input.getBytes(StandardCharsets.UTF_8);
    }
}
