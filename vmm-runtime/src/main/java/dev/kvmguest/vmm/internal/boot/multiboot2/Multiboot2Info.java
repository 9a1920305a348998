package dev.kvmguest.vmm.internal.boot.multiboot2;

import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.image.Multiboot2Header;
import dev.kvmguest.vmm.image.Multiboot2Header.VideoMode;
import dev.kvmguest.vmm.image.Multiboot2Tag;
import dev.kvmguest.vmm.internal.boot.layout.E820Map;
import dev.kvmguest.vmm.internal.boot.layout.ElfSectionHeaders;
import dev.kvmguest.vmm.internal.boot.layout.Firmware;
import dev.kvmguest.vmm.internal.boot.layout.LayoutPlan;
import dev.kvmguest.vmm.internal.boot.layout.LinearFramebuffer;
import dev.kvmguest.vmm.internal.boot.layout.PlacedGuest;
import dev.kvmguest.vmm.internal.boot.layout.PlacedModule;
import dev.kvmguest.vmm.memory.GuestMemory;
import dev.kvmguest.vmm.outcome.Screen;
import java.util.List;
import java.util.Optional;

/**
 * What a Multiboot 2 loader tells a kernel, and the modules that it loads beside it: where they go, and their bytes.
 *
 * <p>The information is one block, its tags in the order of GRUB 2.06. Like GRUB's it lies at the first free place from
 * 1 MiB on (measured), which for most kernels is right after their last byte; a machine without memory there has it in
 * low memory. Modules and the kernel's own symbols go after the image, from 1 MiB on.
 *
 * <p>Source: Multiboot2 Specification version 2.0, 3.6, "Boot information format"; the fields of the framebuffer and of
 * the ELF sections as wide as in {@code multiboot2.h} of GRUB 2.06, by which kernels are built.
 */
final class Multiboot2Info {

    /** What EAX has at entry. */
    static final int MAGIC = 0x36D7_6289;

    private static final int MAP_ENTRY_SIZE = 24;
    private static final int MAP_ENTRY_VERSION = 0;

    private static final long IN_LOW_MEMORY = 0x1_0000;
    private static final int PAGE = 0x1000;
    private static final String LOADER = "kvmguest";

    private static final int RGB = 1;
    private static final int EGA_TEXT = 2;
    private static final int TEXT_CELL_BITS = 16;

    private final Multiboot2Header header;
    private final List<PlacedModule> modules;
    private final Optional<ElfSectionHeaders> sections;
    private final Optional<LinearFramebuffer> framebuffer;
    private final TagBlock block = new TagBlock();
    private long symbolsAddress;
    private final long address;

    /**
     * Finds room for the information, the modules and the framebuffer of a kernel whose own memory is taken.
     *
     * @throws IllegalArgumentException if there is none
     */
    Multiboot2Info(
            VcpuConfig config,
            Multiboot2Header header,
            Optional<ElfSectionHeaders> sections,
            PlacedGuest guest,
            LayoutPlan plan,
            Firmware firmware) {
        this.header = header;
        this.sections = sections;
        framebuffer = header.framebuffer().map(mode -> framebuffer(mode, plan));
        modules = PlacedModule.place(config.modules(), guest, plan);
        placeSymbols(guest, plan);
        putLoadBase(guest);
        putString(Multiboot2Tag.COMMAND_LINE, config.commandLine());
        putString(Multiboot2Tag.LOADER_NAME, LOADER);
        modules.forEach(this::putModule);
        List<E820Map.Entry> map = E820Map.of(plan, firmware);
        putMap(map);
        putSections();
        putSizes(map, firmware);
        framebuffer.ifPresentOrElse(this::putFramebuffer, this::putTextScreen);
        block.end();
        long from = plan.ram().lowEnd() > E820Map.HIGH_MEMORY ? E820Map.HIGH_MEMORY : IN_LOW_MEMORY;
        address = plan.place(Multiboot2Handover.INFORMATION, block.bytes().length, Long.BYTES, from);
    }

    /** A mode that can't be had, or with a side left open, is the usual one: the header only recommends a mode. */
    private static LinearFramebuffer framebuffer(VideoMode mode, LayoutPlan plan) {
        boolean usable = LinearFramebuffer.isPossible(mode.width(), mode.height());
        return LinearFramebuffer.take(
                plan,
                usable ? mode.width() : LinearFramebuffer.USUAL_WIDTH,
                usable ? mode.height() : LinearFramebuffer.USUAL_HEIGHT);
    }

    private void placeSymbols(PlacedGuest guest, LayoutPlan plan) {
        long from = PlacedModule.after(guest, modules);
        sections.filter(found -> found.tablesSize() > 0)
                .ifPresent(found ->
                        symbolsAddress = plan.place("the symbols for the kernel", found.tablesSize(), PAGE, from));
    }

    /** Returns what EBX has at entry: the physical address of the information. */
    long address() {
        return address;
    }

    /** Returns the video memory that the kernel is told of, if it asks for a framebuffer. */
    Optional<LinearFramebuffer> framebuffer() {
        return framebuffer;
    }

    /** Returns what the kernel requires and isn't told, but for what depends on its configuration. */
    List<Multiboot2Tag> missing() {
        return header.requests().stream()
                .distinct()
                .filter(tag -> switch (tag) {
                    case BOOT_DEVICE, VBE, APM, ACPI_OLD, ACPI_NEW, NETWORK -> true;
                    default -> false;
                })
                .toList();
    }

    /** Writes the information, the symbols and the modules. */
    void write(GuestMemory memory) {
        memory.write(address, block.bytes());
        sections.ifPresent(found -> memory.write(symbolsAddress, found.tables()));
        modules.forEach(module -> module.write(memory));
    }

    private void putLoadBase(PlacedGuest guest) {
        block.start(Multiboot2Tag.LOAD_BASE).putInt((int) guest.image().physicalStart());
    }

    private void putString(Multiboot2Tag tag, String text) {
        block.start(tag).putString(text);
    }

    private void putModule(PlacedModule module) {
        block.start(Multiboot2Tag.MODULE)
                .putInt((int) module.start())
                .putInt((int) module.end())
                .putString(module.module().commandLine());
    }

    private void putMap(List<E820Map.Entry> map) {
        block.start(Multiboot2Tag.MEMORY_MAP).putInt(MAP_ENTRY_SIZE).putInt(MAP_ENTRY_VERSION);
        map.forEach(entry -> block.putLong(entry.start())
                .putLong(entry.length())
                .putInt(entry.type())
                .putInt(0));
    }

    /** The tag is there without sections too, with zeros. */
    private void putSections() {
        block.start(Multiboot2Tag.ELF_SECTIONS)
                .putInt(sections.map(ElfSectionHeaders::count).orElse(0))
                .putInt(sections.map(ElfSectionHeaders::entrySize).orElse(0))
                .putInt(sections.map(ElfSectionHeaders::stringSection).orElse(0));
        sections.ifPresent(found -> block.putBytes(found.headers(symbolsAddress)));
    }

    private void putSizes(List<E820Map.Entry> map, Firmware firmware) {
        block.start(Multiboot2Tag.BASIC_MEMORY)
                .putInt((int) (firmware.lowMemory() >> 10))
                .putInt((int) (E820Map.upperMemory(map) >> 10));
    }

    private void putFramebuffer(LinearFramebuffer pixels) {
        block.start(Multiboot2Tag.FRAMEBUFFER)
                .putLong(pixels.address())
                .putInt(pixels.pitch())
                .putInt(pixels.width())
                .putInt(pixels.height())
                .putByte(LinearFramebuffer.DEPTH)
                .putByte(RGB)
                .putShort(0);
        for (int position : List.of(LinearFramebuffer.RED, LinearFramebuffer.GREEN, LinearFramebuffer.BLUE)) {
            block.putByte(position).putByte(LinearFramebuffer.COLOUR_BITS);
        }
    }

    private void putTextScreen() {
        block.start(Multiboot2Tag.FRAMEBUFFER)
                .putLong(Screen.MEMORY)
                .putInt(Screen.COLUMNS * TEXT_CELL_BITS / Byte.SIZE)
                .putInt(Screen.COLUMNS)
                .putInt(Screen.ROWS)
                .putByte(TEXT_CELL_BITS)
                .putByte(EGA_TEXT)
                .putShort(0);
    }
}
