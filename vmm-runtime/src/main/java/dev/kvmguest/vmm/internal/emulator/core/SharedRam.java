package dev.kvmguest.vmm.internal.emulator.core;

import dev.kvmguest.vmm.internal.engine.SavedRam;
import dev.kvmguest.vmm.memory.GuestMemory.Page;
import dev.kvmguest.vmm.memory.RamMap;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** RAM that several machines begin with, and that none of them writes. */
public final class SharedRam {

    private static final int PAGE_SIZE = 1 << Tlb.PAGE_SHIFT;

    /** Not a read-only buffer: that is of another class, which would make each access slower. */
    private static final Frame ZEROS =
            new Frame(ByteBuffer.allocateDirect(PAGE_SIZE).order(ByteOrder.LITTLE_ENDIAN), 0);

    private final RamMap map;
    /** By region, as {@link Ram} has them, and page; of zeros there is none, and of regions of zeros no array. */
    private final Frame[][] frames;

    /**
     * Copies what RAM held at a moment.
     *
     * @param allocator gives each page that isn't all zero its frame
     */
    public SharedRam(SavedRam saved, FrameAllocator allocator) {
        map = new RamMap(saved.size());
        frames = new Frame[Ram.regions(map)][];
        for (Page page : saved.pages()) {
            int region = Ram.region(page.address());
            if (frames[region] == null) {
                frames[region] = new Frame[Ram.REGION_PAGES];
            }
            Frame frame = allocator.take();
            frame.bytes().put(frame.start(), page.bytes());
            frames[region][Ram.indexInRegion(page.address())] = frame;
        }
    }

    /** Returns where RAM is. */
    public RamMap map() {
        return map;
    }

    /** Returns a page's frame, which must not be written. */
    Frame frame(long physical) {
        Frame frame = frameIfAny(physical);
        return frame == null ? ZEROS : frame;
    }

    /** Returns whether a page isn't all zero. */
    boolean isUsed(long physical) {
        return frameIfAny(physical) != null;
    }

    private Frame frameIfAny(long physical) {
        Frame[] region = frames[Ram.region(physical)];
        return region == null ? null : region[Ram.indexInRegion(physical)];
    }
}
