package dev.kvmguest.vmm.internal.boot.pvh;

import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.internal.boot.layout.CString;
import dev.kvmguest.vmm.internal.boot.layout.E820Map;
import dev.kvmguest.vmm.internal.boot.layout.Firmware;
import dev.kvmguest.vmm.internal.boot.layout.LayoutPlan;
import dev.kvmguest.vmm.internal.boot.layout.PlacedGuest;
import dev.kvmguest.vmm.internal.boot.layout.PlacedModule;
import dev.kvmguest.vmm.memory.GuestMemory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * What a PVH loader tells a kernel, and the modules that it loads beside it: where they go, and their bytes.
 *
 * <p>The information is one block, from 64 KiB on: hvm_start_info, the list of modules, the memory map, and the
 * strings. An address of 0 means that something isn't there, as the ACPI tables aren't.
 *
 * <p>Source: Xen's xen/include/public/arch-x86/hvm/start_info.h, version 1.
 */
final class StartInfo {

    /** "xEn3" with the top bit of the E set. */
    static final int MAGIC = 0x336e_c578;

    private static final int VERSION = 1;
    private static final int STRUCTURE_SIZE = 56;
    private static final int MODULE_SIZE = 32;
    private static final int MAP_ENTRY_SIZE = 24;
    private static final long LOWEST = 0x1_0000;

    private final String commandLine;
    private final List<E820Map.Entry> map;
    private final List<PlacedModule> modules;
    private final long address;

    /**
     * Finds room for the information and the modules of a kernel whose own memory is taken.
     *
     * @throws IllegalArgumentException if there is none
     */
    StartInfo(VcpuConfig config, PlacedGuest guest, LayoutPlan plan, Firmware firmware) {
        commandLine = config.commandLine();
        map = E820Map.of(plan, firmware);
        modules = PlacedModule.place(config.modules(), guest, plan);
        address = plan.place("the PVH start information", block(0).length, Long.BYTES, LOWEST);
    }

    /** Returns what EBX has at entry: the physical address of hvm_start_info. */
    long address() {
        return address;
    }

    /** Writes the information and the modules. */
    void write(GuestMemory memory) {
        memory.write(address, block(address));
        modules.forEach(module -> module.write(memory));
    }

    /** Returns the block for an address, which doesn't matter to its length. */
    private byte[] block(long base) {
        List<byte[]> strings = new ArrayList<>();
        strings.add(CString.of(commandLine));
        modules.forEach(module -> strings.add(CString.of(module.module().commandLine())));
        int modulesAt = STRUCTURE_SIZE;
        int mapAt = modulesAt + MODULE_SIZE * modules.size();
        int stringsAt = mapAt + MAP_ENTRY_SIZE * map.size();
        ByteBuffer block = ByteBuffer.allocate(stringsAt
                        + strings.stream().mapToInt(bytes -> bytes.length).sum())
                .order(ByteOrder.LITTLE_ENDIAN);
        block.putInt(0, MAGIC)
                .putInt(4, VERSION)
                .putInt(12, modules.size())
                .putLong(16, modules.isEmpty() ? 0 : base + modulesAt)
                .putLong(24, base + stringsAt)
                .putLong(40, base + mapAt)
                .putInt(48, map.size());
        List<Long> addresses = new ArrayList<>();
        block.position(stringsAt);
        for (byte[] string : strings) {
            addresses.add(base + block.position());
            block.put(string);
        }
        block.position(modulesAt);
        for (int i = 0; i < modules.size(); i++) {
            PlacedModule module = modules.get(i);
            block.putLong(module.start())
                    .putLong(module.module().bytes().length)
                    .putLong(addresses.get(1 + i))
                    .putLong(0);
        }
        for (E820Map.Entry entry : map) {
            block.putLong(entry.start())
                    .putLong(entry.length())
                    .putInt(entry.type())
                    .putInt(0);
        }
        return block.array();
    }
}
