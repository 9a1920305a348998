package dev.kvmguest.maven.assemble;

import dev.kvmguest.vmm.config.EntryPoint;
import dev.kvmguest.vmm.config.GuestManifest;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.image.GuestImage.Segment;
import dev.kvmguest.vmm.image.Multiboot2Header;
import dev.kvmguest.vmm.image.MultibootHeader;
import dev.kvmguest.vmm.image.PvhNote;
import dev.kvmguest.vmm.text.Notation;
import java.util.Optional;
import java.util.OptionalLong;

/** Decides which file of a built guest is booted, and where it is loaded and entered. */
final class Manifests {

    private Manifests() {}

    /**
     * Returns the manifest of a guest: the flat binary in real mode, with its place and entry written out, and the ELF
     * file, which knows its own, in the others. A Multiboot kernel whose header says how the file is to be loaded is a
     * flat binary too: an ELF file's sections need not lie in it as they lie in memory.
     *
     * @throws IllegalArgumentException if a Multiboot kernel has no usable header, or is entered at it; or if a PVH
     *     kernel has no usable note
     */
    static GuestManifest of(GuestSpec spec, GuestImage elf) {
        return switch (spec.boot()) {
            case REAL -> flat(spec, elf);
            case PROTECTED, PAGED, PAGED_4K, LONG, LIMINE -> elf(spec, elf);
            case MULTIBOOT -> multiboot(spec, elf);
            case MULTIBOOT2 -> multiboot2(spec, elf);
            case PVH -> pvh(spec, elf);
            // Its setup header, too, is part of what the sources make.
            case LINUX -> manifest(spec, spec.id() + ".bin", spec.load(), spec.entry());
        };
    }

    private static GuestManifest multiboot(GuestSpec spec, GuestImage elf) {
        boolean isPlaced =
                MultibootHeader.find(elf.name(), elf.file()).addresses().isPresent();
        boolean startsWithHeader = MultibootHeader.startsWithMagic(first(elf).data());
        return isPlaced ? flatWithHeader(spec) : elfWithHeader(spec, elf, startsWithHeader, "Multiboot header");
    }

    private static GuestManifest multiboot2(GuestSpec spec, GuestImage elf) {
        Multiboot2Header header = Multiboot2Header.find(elf.name(), elf.file());
        boolean startsWithHeader = header.entry().isEmpty()
                && Multiboot2Header.startsWithMagic(first(elf).data());
        if (header.addresses().isPresent()) {
            return flatWithHeader(spec);
        }
        return header.entry().isPresent() && spec.entry().isEmpty()
                ? manifest(spec, spec.id() + ".elf", spec.load(), spec.entry())
                : elfWithHeader(spec, elf, startsWithHeader, "Multiboot 2 header");
    }

    private static GuestManifest flatWithHeader(GuestSpec spec) {
        return manifest(spec, spec.id() + ".bin", spec.load(), spec.entry());
    }

    private static GuestManifest elfWithHeader(
            GuestSpec spec, GuestImage elf, boolean startsWithHeader, String header) {
        if (spec.entry().isEmpty()
                && namedEntry(elf).equals(OptionalLong.of(first(elf).virtualAddress()))
                && startsWithHeader) {
            throw new IllegalArgumentException("image " + elf.name() + " is entered at its first byte, "
                    + Notation.hex(first(elf).virtualAddress())
                    + ", where its " + header
                    + " lies; define the global symbol _start, or give the guest an <entry>");
        }
        return elf(spec, elf);
    }

    /** The note has the entry, so that the ELF file's own isn't asked for. */
    private static GuestManifest pvh(GuestSpec spec, GuestImage elf) {
        PvhNote.find(elf);
        return manifest(spec, spec.id() + ".elf", spec.load(), spec.entry());
    }

    private static GuestManifest elf(GuestSpec spec, GuestImage elf) {
        Optional<EntryPoint> entry = spec.entry();
        if (entry.isEmpty() && namedEntry(elf).isEmpty()) {
            entry = Optional.of(EntryPoint.linear(first(elf).virtualAddress()));
        }
        return manifest(spec, spec.id() + ".elf", spec.load(), entry);
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
        return manifest(spec, spec.id() + ".bin", OptionalLong.of(load), Optional.of(entry));
    }

    private static GuestManifest manifest(GuestSpec spec, String image, OptionalLong load, Optional<EntryPoint> entry) {
        return new GuestManifest(
                spec.id(),
                image,
                spec.boot(),
                load,
                entry,
                spec.memory(),
                spec.commandLine(),
                spec.modules().stream()
                        .map(module -> module.getFileName().toString())
                        .toList(),
                Optional.empty(),
                spec.arch());
    }

    /** Returns the entry that the ELF file names; a linker that finds none writes 0, which is in no segment then. */
    static OptionalLong namedEntry(GuestImage elf) {
        boolean inside = elf.entry().isPresent()
                && elf.segments().stream()
                        .anyMatch(segment -> segment.holdsVirtual(elf.entry().getAsLong()));
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
