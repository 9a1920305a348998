package dev.kvmguest.vmm.internal.kvm;

import dev.kvmguest.vmm.memory.GuestMemory;
import dev.kvmguest.vmm.memory.RamMap;
import dev.kvmguest.vmm.memory.RamMap.Extent;
import dev.kvmguest.vmm.memory.RamPages;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * RAM in one mapping, without a gap where a PC has devices. The host's kernel finds memory for a page when it is first
 * touched.
 */
final class KvmMemory implements RamPages {

    /** A buffer's index is an int, so there is one for each 1 GiB. */
    private static final int BUFFER_SHIFT = 30;

    private final RamMap map;
    private final Mapping mapping;
    private final List<Extent> fromTheStart;
    private final List<ByteBuffer> buffers = new ArrayList<>();

    private KvmMemory(RamMap map, Mapping mapping, List<Extent> fromTheStart) {
        this.map = map;
        this.mapping = mapping;
        this.fromTheStart = fromTheStart;
        for (long start = 0; start < map.size(); start += 1L << BUFFER_SHIFT) {
            buffers.add(mapping.bytes(start, Math.min(1L << BUFFER_SHIFT, map.size() - start)));
        }
    }

    /**
     * Returns RAM in a mapping.
     *
     * @param mapping unmapped when the RAM is closed
     */
    static GuestMemory of(Mapping mapping) {
        return new GuestMemory(new KvmMemory(new RamMap(mapping.length()), mapping, List.of()), mapping::close);
    }

    /**
     * Returns RAM in a mapping that somebody else unmaps.
     *
     * @param used the pages that are not zero when they have not been touched, in ascending order
     */
    static GuestMemory of(Mapping mapping, List<Extent> used) {
        return new GuestMemory(new KvmMemory(new RamMap(mapping.length()), mapping, used), () -> {});
    }

    @Override
    public RamMap map() {
        return map;
    }

    @Override
    public ByteBuffer forReading(long page) {
        long offset = map.offset(page);
        int inBuffer = (int) (offset & (1L << BUFFER_SHIFT) - 1);
        return buffers.get((int) (offset >> BUFFER_SHIFT)).slice(inBuffer, PAGE);
    }

    @Override
    public ByteBuffer forWriting(long page) {
        return forReading(page);
    }

    @Override
    public List<Extent> used() {
        List<Extent> used = new ArrayList<>();
        for (Extent extent : map.extents()) {
            long base = extent.start() - map.offset(extent.start());
            Pagemap.populated(mapping.address() + map.offset(extent.start()), extent.length())
                    .forEach(part -> used.add(new Extent(
                            part.start() - mapping.address() + base, part.end() - mapping.address() + base)));
        }
        return Extent.union(used, fromTheStart);
    }
}
