package dev.kvmguest.vmm.boot;

import static dev.kvmguest.vmm.Notation.hex;

import java.util.ArrayList;
import java.util.List;

/** The guest physical ranges that are taken before a guest starts; refuses those that overlap or lie outside RAM. */
final class MemoryLayout {

    private record Range(String name, long start, long end) {
        @Override
        public String toString() {
            return name + " at " + hex(start) + "-" + hex(end - 1);
        }
    }

    private final long memorySize;
    private final List<Range> taken = new ArrayList<>();

    MemoryLayout(long memorySize) {
        this.memorySize = memorySize;
    }

    long memorySize() {
        return memorySize;
    }

    /**
     * Takes the range from {@code start}, inclusive, to {@code end}, exclusive.
     *
     * @throws IllegalArgumentException if it overlaps one taken before, naming both, or passes the end of RAM
     */
    void take(String name, long start, long end) {
        Range range = new Range(name, start, end);
        if (start < 0 || end > memorySize) {
            throw new IllegalArgumentException(range + " does not fit into RAM, which ends at " + hex(memorySize - 1)
                    + "; give the guest more memory" + " or another load address");
        }
        for (Range other : taken) {
            if (start < other.end && other.start < end) {
                throw new IllegalArgumentException(range + " overlaps " + other + "; move the image");
            }
        }
        taken.add(range);
    }
}
