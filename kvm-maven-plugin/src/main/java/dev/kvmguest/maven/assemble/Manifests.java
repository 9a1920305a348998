package dev.kvmguest.maven.assemble;

import dev.kvmguest.vmm.BootMode;
import dev.kvmguest.vmm.EntryPoint;
import dev.kvmguest.vmm.GuestImage;
import dev.kvmguest.vmm.GuestImage.Segment;
import dev.kvmguest.vmm.GuestManifest;
import java.util.Optional;
import java.util.OptionalLong;

/** Decides which file of a built guest is booted, and where it is loaded and entered. */
final class Manifests {

    private Manifests() {}

    /**
     * Returns the manifest of a guest: the flat binary in real mode, with its place and entry written out, and the ELF
     * file, which knows its own, in the others.
     */
    static GuestManifest of(GuestSpec spec, GuestImage elf) {
        return spec.boot() == BootMode.REAL ? flat(spec, elf) : elf(spec, elf);
    }

    private static GuestManifest elf(GuestSpec spec, GuestImage elf) {
        Optional<EntryPoint> entry = spec.entry();
        if (entry.isEmpty() && namedEntry(elf).isEmpty()) {
            entry = Optional.of(EntryPoint.linear(first(elf).virtualAddress()));
        }
        return new GuestManifest(spec.id(), spec.id() + ".elf", spec.boot(), spec.load(), entry, spec.memory());
    }

    private static GuestManifest flat(GuestSpec spec, GuestImage elf) {
        long load = spec.load().orElse(first(elf).physicalAddress());
        // An image that is linked at 0 and loaded elsewhere is entered where its entry has moved to.
        long moved = load - first(elf).virtualAddress();
        EntryPoint entry = spec.entry()
                .orElseGet(() -> EntryPoint.linear(namedEntry(elf).stream()
                        .map(address -> address + moved)
                        .findFirst()
                        .orElse(load)));
        return new GuestManifest(
                spec.id(), spec.id() + ".bin", spec.boot(), OptionalLong.of(load), Optional.of(entry), spec.memory());
    }

    /** Returns the entry that the ELF file names; a linker that finds none writes 0, which is in no segment then. */
    static OptionalLong namedEntry(GuestImage elf) {
        boolean inside = elf.entry().isPresent()
                && elf.segments().stream().anyMatch(segment -> {
                    long offset = elf.entry().getAsLong() - segment.virtualAddress();
                    return offset >= 0 && offset < segment.memorySize();
                });
        return inside ? elf.entry() : OptionalLong.empty();
    }

    /** Returns the first segment with bytes in the file, where the flat binary begins. */
    static Segment first(GuestImage elf) {
        return elf.segments().stream()
                .filter(segment -> segment.data().length > 0)
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("image " + elf.name()
                        + " holds no bytes; do its sources have code, and does the linker script keep it?"));
    }
}
