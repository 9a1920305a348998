package dev.kvmguest.vmm.internal.boot.linux;

import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.image.LinuxHeader;
import dev.kvmguest.vmm.internal.boot.layout.CString;
import dev.kvmguest.vmm.internal.boot.layout.E820Map;
import dev.kvmguest.vmm.internal.boot.layout.Firmware;
import dev.kvmguest.vmm.internal.boot.layout.LayoutPlan;
import dev.kvmguest.vmm.internal.boot.layout.LinearFramebuffer;
import dev.kvmguest.vmm.memory.GuestMemory;
import dev.kvmguest.vmm.memory.MemoryLayout.Kind;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Optional;

/**
 * What a Linux kernel is told: boot_params, the "zero page", with the command line behind it, and the initial RAM disk
 * as high in memory as the kernel allows.
 *
 * <p>Source: Linux, Documentation/arch/x86/boot.rst, "32-bit Boot Protocol" and "64-bit Boot Protocol", and
 * Documentation/arch/x86/zero-page.rst.
 */
final class BootParameters {

    private static final int SIZE = 0x1000;
    private static final int PAGE = 0x1000;
    private static final long LOWEST = 0x1_0000;

    private static final int EXTENDED_MEMORY = 0x002;
    private static final int ALTERNATE_MEMORY = 0x1e0;
    private static final int MAP_ENTRIES = 0x1e8;
    private static final int MAP = 0x2d0;
    private static final int MAP_ENTRY_SIZE = 20;

    private static final int VIDEO_MODE = 0x1fa;
    private static final int LOADER_TYPE = 0x210;
    /** A loader without a number of its own. */
    private static final int UNASSIGNED = 0xff;

    private static final int CODE_START = 0x214;
    private static final int DISK_ADDRESS = 0x218;
    private static final int DISK_SIZE = 0x21c;
    private static final int COMMAND_LINE = 0x228;
    private static final int SUBARCHITECTURE = 0x23c;
    private static final int FIRST_SUBARCHITECTURE = 0x207;

    private final VcpuConfig config;
    private final LinuxHeader header;
    private final long load;
    private final Optional<VgaOption> vga;
    private final ScreenInfo screen;
    private final List<E820Map.Entry> map;
    private final byte[] commandLine;
    private final byte[] disk;
    private final long diskAddress;
    private final long address;

    /**
     * Finds room for the parameters and the initial RAM disk of a kernel whose own memory is taken.
     *
     * @throws IllegalArgumentException if there is none, the command line is too long, or its video mode impossible
     */
    BootParameters(VcpuConfig config, LinuxHeader header, long load, LayoutPlan plan, Firmware firmware) {
        this.config = config;
        this.header = header;
        this.load = load;
        vga = VgaOption.of(config.commandLine());
        screen = new ScreenInfo(vga.flatMap(option -> option.takeFramebuffer(plan)));
        map = E820Map.of(plan, firmware);
        commandLine = commandLine(config, header);
        disk = InitialRamDisk.of(config.modules());
        diskAddress = disk.length == 0
                ? 0
                : plan.placeHigh(
                        Kind.BOOT_INFORMATION, "the initial RAM disk", disk.length, PAGE, header.initrdMax() + 1);
        address = plan.place("the Linux boot parameters", SIZE + commandLine.length, PAGE, LOWEST);
    }

    private static byte[] commandLine(VcpuConfig config, LinuxHeader header) {
        byte[] line = CString.of(config.commandLine());
        if (line.length - 1 > header.commandLineSize()) {
            throw new IllegalArgumentException("the command line has " + (line.length - 1) + " bytes, and the Linux"
                    + " kernel " + config.image().name() + " takes at most " + header.commandLineSize()
                    + " (cmdline_size of its setup header, protocol " + header.versionWords()
                    + "); leave options out, or put them into the initial RAM disk");
        }
        return line;
    }

    /** Returns what ESI has at entry: the physical address of boot_params. */
    long address() {
        return address;
    }

    /** Returns the video memory that the kernel is told of, beside the VGA's; empty if there is none. */
    Optional<LinearFramebuffer> framebuffer() {
        return screen.framebuffer();
    }

    /** Writes the parameters, the command line and the initial RAM disk. */
    void write(GuestMemory memory) {
        memory.write(address, page());
        memory.write(address + SIZE, commandLine);
        if (disk.length > 0) {
            memory.write(diskAddress, disk);
        }
    }

    private byte[] page() {
        ByteBuffer page = ByteBuffer.allocate(SIZE).order(ByteOrder.LITTLE_ENDIAN);
        screen.put(page);
        long above = E820Map.upperMemory(map) >> 10;
        page.putShort(EXTENDED_MEMORY, (short) Math.min(above, 0xffff));
        page.putInt(ALTERNATE_MEMORY, (int) above);
        page.put(MAP_ENTRIES, (byte) map.size());
        for (int i = 0; i < map.size(); i++) {
            E820Map.Entry entry = map.get(i);
            int at = MAP + i * MAP_ENTRY_SIZE;
            page.putLong(at, entry.start()).putLong(at + 8, entry.length()).putInt(at + 16, entry.type());
        }
        putHeader(page);
        return page.array();
    }

    private void putHeader(ByteBuffer page) {
        page.position(LinuxHeader.START);
        page.put(config.image().file(), LinuxHeader.START, header.headerEnd() - LinuxHeader.START);
        page.put(LOADER_TYPE, (byte) UNASSIGNED)
                .putInt(CODE_START, (int) load)
                .putInt(DISK_ADDRESS, (int) diskAddress)
                .putInt(DISK_SIZE, disk.length)
                .putInt(COMMAND_LINE, (int) (address + SIZE));
        vga.ifPresent(option -> page.putShort(VIDEO_MODE, (short) option.mode()));
        if (header.version() >= FIRST_SUBARCHITECTURE) {
            page.putInt(SUBARCHITECTURE, 0);
        }
    }
}
