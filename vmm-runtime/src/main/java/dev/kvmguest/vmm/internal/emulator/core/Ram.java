package dev.kvmguest.vmm.internal.emulator.core;

import dev.kvmguest.vmm.memory.GuestMemory;
import dev.kvmguest.vmm.memory.RamMap;
import dev.kvmguest.vmm.memory.RamMap.Extent;
import dev.kvmguest.vmm.memory.RamPages;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.LongConsumer;
import java.util.function.Supplier;

/**
 * A machine's RAM, with what has to be known of each page: whether it was ever written and whether a vCPU has decoded
 * code from it.
 *
 * <p>Low RAM is in one direct buffer. That is all of it, or what most guests use most, and the fast paths of
 * {@link Memory} are fastest there. The pages above that, if there are any, have a frame each, which they are given
 * when they are first used by more than a read of the host.
 */
public final class Ram {

    private static final int PAGE_SIZE = 1 << Tlb.PAGE_SHIFT;
    private static final int OFFSET_MASK = PAGE_SIZE - 1;
    /** What is known of pages is in tables for 2 MiB each, which exist where they are needed. */
    private static final int REGION_SHIFT = 21;

    static final int REGION_PAGES = 1 << REGION_SHIFT - Tlb.PAGE_SHIFT;

    private static final ByteBuffer ZEROS = ByteBuffer.allocateDirect(PAGE_SIZE).asReadOnlyBuffer();

    /** What must learn of writes to pages with code, and of pages whose bytes are elsewhere from now on. */
    public interface PageWatcher {

        /** A write to a page with code, by a vCPU of this machine and on its thread. */
        void codeWritten(long physical, int length);

        /** A page that had no code is about to have some: writes to it must not go unseen any more. */
        void codeAppears(long physical);

        /** A page that others share has been given a frame of its own, by a vCPU of this machine and on its thread. */
        void frameReplaced(long physical);

        /** A write by the host to a page with code, or one by which a page was given another frame, on any thread. */
        void changedByHost();
    }

    /** The pages of 2 MiB. The arrays are read without a lock, by the vCPUs' threads and the host's. */
    private static final class Region {

        /** Two arrays, because the host sets one from any thread and would lose bits in shared bytes. */
        private final boolean[] written = new boolean[REGION_PAGES];

        private final boolean[] code = new boolean[REGION_PAGES];
        /** None for low RAM, and for pages that are still shared. */
        private final Frame[] frames = new Frame[REGION_PAGES];
    }

    private final RamMap map;
    private final ByteBuffer low;
    private final int lowSize;
    private final Supplier<Frame> source;
    private final Region[] regions;
    /** What pages hold that were not written; null if that is zeros. */
    private final SharedRam shared;
    /** Pages that were shared and have a frame of their own now, and frames that were given back. */
    private final ArrayList<Long> replaced = new ArrayList<>();

    private final ArrayDeque<Frame> spare = new ArrayDeque<>();
    /** Replaced as a whole when one is added: it is gone through at each write to a page with code. */
    private volatile PageWatcher[] watchers = {};

    /** What keeps pages as they were; null most of the time. Read by the host's threads. */
    private volatile WriteJournal journal;

    /**
     * Creates RAM of zeros.
     *
     * @param map where RAM is
     * @param low a direct buffer of zeros for low RAM, a multiple of 4096 bytes long
     * @param frames gives all other pages their frames
     */
    public Ram(RamMap map, ByteBuffer low, FrameAllocator frames) {
        this(map, low, frames, null);
    }

    /**
     * Creates RAM that begins as others do. All pages have frames; a page is given one of its own when it is first
     * written.
     *
     * @param shared what it begins with
     * @param frames gives those frames
     */
    public Ram(SharedRam shared, FrameAllocator frames) {
        this(shared.map(), ByteBuffer.allocateDirect(0), frames, shared);
    }

    private Ram(RamMap map, ByteBuffer low, FrameAllocator frames, SharedRam shared) {
        this.map = map;
        this.shared = shared;
        this.low = low.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        this.lowSize = low.capacity();
        this.source = frames::take;
        this.regions = new Region[regions(map)];
    }

    /** Creates RAM that is all in one direct buffer of zeros, a multiple of 4096 bytes long. */
    public Ram(ByteBuffer zeros) {
        this(new RamMap(zeros.capacity()), zeros, new FrameAllocator(() -> {
            throw new IllegalStateException("all RAM is in one buffer");
        }));
    }

    /** Returns the number of regions of 2 MiB that RAM takes. */
    static int regions(RamMap map) {
        return region(map.end() + (1 << REGION_SHIFT) - 1);
    }

    /** Returns the number of the region of 2 MiB that an address is in. */
    static int region(long physical) {
        return (int) (physical >> REGION_SHIFT);
    }

    /** Returns the number of a page in its region. */
    static int indexInRegion(long physical) {
        return (int) (physical >> Tlb.PAGE_SHIFT) & REGION_PAGES - 1;
    }

    /** Returns the RAM as the runtime sees it; what the host writes by it is noticed. */
    public GuestMemory guestMemory(Runnable release) {
        return new GuestMemory(new HostView(), release);
    }

    /** Adds what must learn of what happens to pages. */
    public synchronized void watch(PageWatcher watcher) {
        PageWatcher[] more = Arrays.copyOf(watchers, watchers.length + 1);
        more[watchers.length] = watcher;
        watchers = more;
    }

    /** Returns low RAM, little-endian; whoever writes it calls {@link #markWritten} or {@link #write}. */
    ByteBuffer low() {
        return low;
    }

    /** Returns whether there is RAM at a physical address. */
    boolean contains(long physical) {
        return isLow(physical) || map.contains(physical);
    }

    /** Returns whether a physical address is one of {@link #low}, where it is the index. */
    boolean isLow(long physical) {
        return physical < lowSize;
    }

    /**
     * Returns the frame of a page that isn't low, after giving it one if it has none. It must not be written unless the
     * page is one that was {@link #markWritten}.
     */
    Frame frame(long physical) {
        Frame frame = frameIfAny(physical);
        return frame != null ? frame : takeFrame(physical);
    }

    private Frame frameIfAny(long physical) {
        // What another thread has just put there may not show yet. Only the lock tells for certain that there is none.
        Region region = regions[region(physical)];
        Frame own = region == null ? null : region.frames[indexInRegion(physical)];
        return own == null && shared != null ? shared.frame(physical) : own;
    }

    private synchronized Frame takeFrame(long physical) {
        Region region = regionOf(physical);
        int index = indexInRegion(physical);
        if (region.frames[index] == null) {
            region.frames[index] = source.get();
        }
        return region.frames[index];
    }

    private Region regionOf(long physical) {
        Region region = regions[region(physical)];
        return region != null ? region : makeRegion(region(physical));
    }

    private synchronized Region makeRegion(int number) {
        if (regions[number] == null) {
            regions[number] = new Region();
        }
        return regions[number];
    }

    /** Reads a value that doesn't cross pages: 1, 2, 4 or 8 bytes. */
    long read(long physical, int width) {
        if (isLow(physical)) {
            return read(low, (int) physical, width);
        }
        Frame frame = frameIfAny(physical);
        return frame == null ? 0 : read(frame.bytes(), frame.start() + ((int) physical & OFFSET_MASK), width);
    }

    /** Reads a value of 1, 2, 4 or 8 bytes. */
    static long read(ByteBuffer bytes, int at, int width) {
        return switch (width) {
            case 1 -> bytes.get(at) & 0xffL;
            case 2 -> bytes.getShort(at) & 0xffffL;
            case 4 -> bytes.getInt(at) & 0xffff_ffffL;
            default -> bytes.getLong(at);
        };
    }

    /** Writes a value that doesn't cross pages: 1, 2, 4 or 8 bytes. */
    void write(long physical, int width, long value) {
        markWritten(physical);
        if (hasCode(physical)) {
            for (PageWatcher watcher : watchers) {
                watcher.codeWritten(physical, width);
            }
        }
        if (isLow(physical)) {
            write(low, (int) physical, width, value);
        } else {
            Frame frame = frame(physical);
            write(frame.bytes(), frame.start() + ((int) physical & OFFSET_MASK), width, value);
        }
    }

    private static void write(ByteBuffer bytes, int at, int width, long value) {
        switch (width) {
            case 1 -> bytes.put(at, (byte) value);
            case 2 -> bytes.putShort(at, (short) value);
            case 4 -> bytes.putInt(at, (int) value);
            default -> bytes.putLong(at, value);
        }
    }

    /** Notes that a vCPU may write to this page from now on without saying so each time. */
    void markWritten(long physical) {
        regionOf(physical).written[indexInRegion(physical)] = true;
        WriteJournal open = journal;
        if (open != null) {
            open.beforeWrite(physical & Tlb.PAGE_MASK);
        }
        if (shared != null && takeOwnFrame(physical & Tlb.PAGE_MASK)) {
            for (PageWatcher watcher : watchers) {
                watcher.frameReplaced(physical & Tlb.PAGE_MASK);
            }
        }
    }

    /** Gives a page that is shared a frame of its own; returns false if it has one. */
    private synchronized boolean takeOwnFrame(long page) {
        Region region = regionOf(page);
        int index = indexInRegion(page);
        if (region.frames[index] != null) {
            return false;
        }
        Frame own = spare.isEmpty() ? source.get() : spare.removeLast();
        Frame before = shared.frame(page);
        own.bytes().put(own.start(), before.bytes(), before.start(), PAGE_SIZE);
        region.frames[index] = own;
        replaced.add(page);
        return true;
    }

    /** Has all pages be shared again, and forgets what was written. No vCPU may be running. */
    public synchronized void share() {
        for (long page : replaced) {
            if (hasCode(page)) {
                for (PageWatcher watcher : watchers) {
                    watcher.codeWritten(page, PAGE_SIZE);
                }
            }
            Region region = regionOf(page);
            int index = indexInRegion(page);
            spare.addLast(region.frames[index]);
            region.frames[index] = null;
            region.written[index] = false;
        }
        replaced.clear();
    }

    /** Returns a page as it is now, alone in a buffer that must not be written. */
    ByteBuffer page(long physical) {
        if (isLow(physical)) {
            return low.slice((int) (physical & Tlb.PAGE_MASK), PAGE_SIZE);
        }
        Frame frame = frameIfAny(physical);
        return frame == null ? ZEROS.duplicate() : frame.bytes().slice(frame.start(), PAGE_SIZE);
    }

    /**
     * Keeps from now on what is about to be overwritten, and forgets what an earlier journal has. Pages that a vCPU may
     * write without saying so each time have to be made known again: see {@link Memory#journal}.
     */
    WriteJournal openJournal() {
        journal = new WriteJournal(this);
        return journal;
    }

    /** Keeps nothing any more. */
    void closeJournal() {
        journal = null;
    }

    /** Returns whether a vCPU has decoded code from this page. */
    boolean hasCode(long physical) {
        Region region = regions[region(physical)];
        return region != null && region.code[indexInRegion(physical)];
    }

    /** Notes that a vCPU decodes code from this page. */
    public void markCode(long physical) {
        if (!hasCode(physical)) {
            regionOf(physical).code[indexInRegion(physical)] = true;
            for (PageWatcher watcher : watchers) {
                watcher.codeAppears(physical & Tlb.PAGE_MASK);
            }
        }
    }

    /** Makes all low RAM zero again. No vCPU may be running. */
    public void clearLow() {
        byte[] zeros = new byte[PAGE_SIZE];
        forEachUsedPage(page -> {
            if (isLow(page)) {
                low.put((int) page, zeros);
            }
        });
    }

    /** Passes on each page that was ever written, or held something from the start, in ascending order. */
    private void forEachUsedPage(LongConsumer action) {
        for (int number = 0; number < regions.length; number++) {
            Region region = regions[number];
            for (int index = 0; (region != null || shared != null) && index < REGION_PAGES; index++) {
                long page = ((long) number << REGION_SHIFT) + ((long) index << Tlb.PAGE_SHIFT);
                if (region != null && region.written[index] || shared != null && shared.isUsed(page)) {
                    action.accept(page);
                }
            }
        }
    }

    /** RAM as the host sees it, from any thread. */
    private final class HostView implements RamPages {

        @Override
        public RamMap map() {
            return map;
        }

        @Override
        public ByteBuffer forReading(long page) {
            return page(page);
        }

        @Override
        public ByteBuffer forWriting(long page) {
            WriteJournal open = journal;
            if (open != null) {
                open.writtenByHost();
            }
            regionOf(page).written[indexInRegion(page)] = true;
            boolean isReplaced = shared != null && takeOwnFrame(page);
            if (isReplaced || hasCode(page)) {
                for (PageWatcher watcher : watchers) {
                    watcher.changedByHost();
                }
            }
            if (!isLow(page)) {
                frame(page);
            }
            return page(page);
        }

        @Override
        public List<Extent> used() {
            List<Extent> used = new ArrayList<>();
            forEachUsedPage(page -> used.add(new Extent(page, page + PAGE_SIZE)));
            return used;
        }
    }
}
