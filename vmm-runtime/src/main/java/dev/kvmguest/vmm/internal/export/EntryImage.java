package dev.kvmguest.vmm.internal.export;

import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.internal.boot.BootLoader;
import dev.kvmguest.vmm.internal.emulator.EmulatorEngine;
import dev.kvmguest.vmm.internal.engine.VirtualMachine;
import dev.kvmguest.vmm.memory.GuestMemory;
import dev.kvmguest.vmm.memory.GuestMemory.Page;
import dev.kvmguest.vmm.memory.MemoryLayout;
import dev.kvmguest.vmm.memory.MemoryLayout.Kind;
import dev.kvmguest.vmm.memory.MemoryLayout.Range;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * RAM and registers at a guest's entry.
 *
 * @param chunks what RAM holds, in ascending order of address, but for long runs of zeros
 * @param state the registers
 * @param layout what lies where
 */
record EntryImage(List<Chunk> chunks, CpuState state, MemoryLayout layout) {

    /** So many bytes, aligned, are left out if they are all zero. */
    static final int ROW = 32;

    /**
     * Bytes in memory.
     *
     * @param address the guest physical address of the first
     */
    record Chunk(long address, byte[] bytes) {

        long end() {
            return address + bytes.length;
        }
    }

    /** Returns that of a machine's first vCPU. */
    static EntryImage of(MachineConfig config) {
        BootLoader loader = new BootLoader(config);
        try (VirtualMachine machine = EmulatorEngine.instance().createMachine(config.memorySize(), 1)) {
            loader.load(machine.memory());
            return new EntryImage(chunks(machine.memory()), loader.states().get(0), loader.layout());
        }
    }

    private static List<Chunk> chunks(GuestMemory memory) {
        List<Page> pages = new ArrayList<>();
        memory.forEachPage(pages::add);
        List<Chunk> chunks = new ArrayList<>();
        byte[] zeros = new byte[ROW];
        long start = -1;
        long end = 0;
        for (Page page : pages) {
            if (start >= 0 && page.address() != end) {
                chunks.add(chunk(memory, start, end));
                start = -1;
            }
            for (int row = 0; row < page.bytes().length; row += ROW) {
                boolean used = !Arrays.equals(page.bytes(), row, row + ROW, zeros, 0, ROW);
                if (used && start < 0) {
                    start = page.address() + row;
                } else if (!used && start >= 0) {
                    chunks.add(chunk(memory, start, page.address() + row));
                    start = -1;
                }
            }
            end = page.address() + page.bytes().length;
        }
        if (start >= 0) {
            chunks.add(chunk(memory, start, end));
        }
        return chunks;
    }

    private static Chunk chunk(GuestMemory memory, long start, long end) {
        long last = end;
        while (memory.readByte(last - 1) == 0) {
            last--;
        }
        return new Chunk(start, memory.read(start, (int) (last - start)));
    }

    /** Returns the chunks, those first that hold something of the guest's image. */
    List<Chunk> imageFirst() {
        return chunks.stream()
                .sorted(Comparator.comparing(chunk -> !isPartOfImage(chunk)))
                .toList();
    }

    private boolean isPartOfImage(Chunk chunk) {
        return ranges(chunk).stream().anyMatch(range -> range.kind() == Kind.IMAGE);
    }

    /** Returns what a chunk has parts of. */
    List<Range> ranges(Chunk chunk) {
        return layout.ranges().stream()
                .filter(range -> range.start() < chunk.end() && range.end() > chunk.address())
                .toList();
    }

    /** Returns the number of bytes in all chunks. */
    long length() {
        return chunks.stream().mapToLong(chunk -> chunk.bytes().length).sum();
    }
}
