package dev.kvmguest.vmm.internal.boot.multiboot;

import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.image.MultibootHeader;
import dev.kvmguest.vmm.internal.boot.layout.CString;
import dev.kvmguest.vmm.internal.boot.layout.E820Map;
import dev.kvmguest.vmm.internal.boot.layout.ElfSectionHeaders;
import dev.kvmguest.vmm.internal.boot.layout.Firmware;
import dev.kvmguest.vmm.internal.boot.layout.LayoutPlan;
import dev.kvmguest.vmm.internal.boot.layout.LinearFramebuffer;
import dev.kvmguest.vmm.internal.boot.layout.PlacedGuest;
import dev.kvmguest.vmm.internal.boot.layout.PlacedModule;
import dev.kvmguest.vmm.memory.GuestMemory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What a Multiboot 1 loader tells a kernel, and the modules that it loads beside it: where they go, and their bytes.
 *
 * <p>The information is one block, from 64 KiB on and below 640 KiB if there is room, where GRUB puts it too: the
 * structure that EBX refers to, the memory map, the list of modules, and the strings. Modules and the kernel's own
 * symbols go after the image, from 1 MiB on.
 *
 * <p>Source: Multiboot Specification version 0.6.96, 3.3, "Boot information format".
 */
final class MultibootInfo {

    /** What EAX has at entry. */
    static final int MAGIC = 0x2BAD_B002;

    private static final int MEMORY = 1;
    private static final int COMMAND_LINE = 1 << 2;
    private static final int MODULES = 1 << 3;
    private static final int ELF_SECTIONS = 1 << 5;
    private static final int MEMORY_MAP = 1 << 6;
    private static final int LOADER_NAME = 1 << 9;
    private static final int FRAMEBUFFER = 1 << 12;

    private static final int STRUCTURE_SIZE = 116;
    private static final int MAP_ENTRY_SIZE = 24;
    private static final int MODULE_ENTRY_SIZE = 16;

    private static final long LOWEST = 0x1_0000;
    private static final int PAGE = 0x1000;
    private static final String LOADER = "kvmguest";

    private final String commandLine;
    private final Optional<MultibootVideo> video;
    private final Firmware firmware;
    private final List<E820Map.Entry> map;
    private final List<PlacedModule> modules;
    private final Optional<ElfSectionHeaders> symbols;
    private long symbolsAddress;
    private final long address;

    /**
     * Finds room for the information and the modules of a kernel whose own memory is taken.
     *
     * @throws IllegalArgumentException if there is none
     */
    MultibootInfo(VcpuConfig config, PlacedGuest guest, LayoutPlan layout, Firmware firmware) {
        GuestImage image = config.image();
        MultibootHeader header = MultibootHeader.find(image.name(), image.file());
        commandLine = config.commandLine();
        this.firmware = firmware;
        modules = PlacedModule.place(config.modules(), guest, layout);
        long afterModules = PlacedModule.after(guest, modules);
        symbols = header.addresses().isPresent() ? Optional.empty() : ElfSectionHeaders.of(image);
        symbols.ifPresent(found -> symbolsAddress =
                layout.place("the symbols for the kernel", found.size() + found.tablesSize(), PAGE, afterModules));
        // After what the kernel can't do without.
        video = header.videoMode().map(wanted -> MultibootVideo.take(layout, wanted));
        map = E820Map.of(layout, firmware);
        address = layout.place("the Multiboot information", block(0).length, Long.BYTES, LOWEST);
    }

    /** Returns what EBX has at entry: the physical address of the structure. */
    long address() {
        return address;
    }

    /** Returns the video memory that the kernel is told of; empty if it has the text screen. */
    Optional<LinearFramebuffer> framebuffer() {
        return video.flatMap(MultibootVideo::framebuffer);
    }

    /** Writes the information, the symbols and the modules. */
    void write(GuestMemory memory) {
        memory.write(address, block(address));
        symbols.ifPresent(found -> {
            long tables = symbolsAddress + found.size();
            memory.write(symbolsAddress, found.headers(tables));
            memory.write(tables, found.tables());
        });
        modules.forEach(module -> module.write(memory));
    }

    /** Returns the block for an address, which doesn't matter to its length. */
    private byte[] block(long base) {
        List<byte[]> strings = strings();
        int mapAt = STRUCTURE_SIZE;
        int modulesAt = mapAt + MAP_ENTRY_SIZE * map.size();
        int stringsAt = modulesAt + MODULE_ENTRY_SIZE * modules.size();
        int size = stringsAt + strings.stream().mapToInt(bytes -> bytes.length).sum();
        ByteBuffer block = ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);

        List<Integer> addresses = new ArrayList<>();
        block.position(stringsAt);
        for (byte[] string : strings) {
            addresses.add((int) base + block.position());
            block.put(string);
        }
        block.position(mapAt);
        map.forEach(entry -> putMapEntry(block, entry));
        for (int i = 0; i < modules.size(); i++) {
            PlacedModule module = modules.get(i);
            block.putInt((int) module.start())
                    .putInt((int) module.end())
                    .putInt(addresses.get(2 + i))
                    .putInt(0);
        }
        putStructure(block, (int) base + mapAt, map.size() * MAP_ENTRY_SIZE, (int) base + modulesAt, addresses);
        return block.array();
    }

    private void putStructure(ByteBuffer block, int map, int mapLength, int moduleList, List<Integer> strings) {
        block.putInt(
                        0,
                        MEMORY
                                | COMMAND_LINE
                                | (modules.isEmpty() ? 0 : MODULES)
                                | MEMORY_MAP
                                | LOADER_NAME
                                | (symbols.isPresent() ? ELF_SECTIONS : 0)
                                | (video.isPresent() ? FRAMEBUFFER : 0))
                .putInt(4, (int) (firmware.lowMemory() >> 10))
                .putInt(8, (int) (E820Map.upperMemory(this.map) >> 10))
                .putInt(16, strings.get(0))
                .putInt(20, modules.size())
                .putInt(24, moduleList)
                .putInt(44, mapLength)
                .putInt(48, map)
                .putInt(64, strings.get(1));
        symbols.ifPresent(found -> block.putInt(28, found.count())
                .putInt(32, found.entrySize())
                .putInt(36, (int) symbolsAddress)
                .putInt(40, found.stringSection()));
        video.ifPresent(mode -> mode.put(block));
    }

    /** The size that an entry starts with doesn't count itself. */
    private static void putMapEntry(ByteBuffer block, E820Map.Entry entry) {
        block.putInt(MAP_ENTRY_SIZE - Integer.BYTES)
                .putLong(entry.start())
                .putLong(entry.length())
                .putInt(entry.type());
    }

    /** Returns the command line, the loader's name and each module's string, ended by NUL. */
    private List<byte[]> strings() {
        List<byte[]> strings = new ArrayList<>();
        strings.add(CString.of(commandLine));
        strings.add(CString.of(LOADER));
        modules.forEach(module -> strings.add(CString.of(module.module().commandLine())));
        return strings;
    }
}
