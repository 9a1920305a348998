package dev.kvmguest.vmm.memory;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.memory.RamMap.Extent;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;

/**
 * A guest's RAM, by guest physical addresses. RAM of up to 3 GiB is at 0 up to {@link #size()}. Of larger ones the
 * rest begins at 4 GiB, and there is no RAM between: {@link #map()} tells.
 *
 * <p>Every access is checked against RAM's ends and against use after {@link #close()}, so a stray read in a test is an
 * exception and never a crash of the JVM. Multi-byte values are little-endian. Several threads may use it. A guest that
 * runs meanwhile sees single bytes change.
 */
public final class GuestMemory implements AutoCloseable {

    private static final int PAGE = RamPages.PAGE;

    private final RamMap map;
    private final Runnable release;
    private RamPages pages;

    /**
     * Wraps a buffer, from position 0 to its capacity.
     *
     * @param ram guest RAM; valid until {@code release} has been run
     * @param release gives the memory back; run once, by the first {@link #close()}
     */
    public GuestMemory(ByteBuffer ram, Runnable release) {
        this(new OneBuffer(ram, new RamMap(ram.capacity())), release);
    }

    /**
     * Wraps an engine's pages.
     *
     * @param pages guest RAM; valid until {@code release} has been run
     * @param release gives the memory back; run once, by the first {@link #close()}
     */
    public GuestMemory(RamPages pages, Runnable release) {
        this.pages = pages;
        this.map = pages.map();
        this.release = release;
    }

    /** RAM in a buffer. */
    private record OneBuffer(ByteBuffer ram, RamMap map) implements RamPages {

        @Override
        public ByteBuffer forReading(long page) {
            return ram.slice((int) page, Math.min(PAGE, ram.capacity() - (int) page));
        }

        @Override
        public ByteBuffer forWriting(long page) {
            return forReading(page);
        }
    }

    /** Returns the size in bytes. */
    public long size() {
        return map.size();
    }

    /** Returns where RAM is. */
    public RamMap map() {
        return map;
    }

    /** Returns the byte at a guest physical address, 0 to 255. */
    public synchronized int readByte(long address) {
        return (int) readValue(address, 1);
    }

    /** Returns the two bytes at a guest physical address, 0 to 65535. */
    public synchronized int readShort(long address) {
        return (int) readValue(address, 2);
    }

    /** Returns the four bytes at a guest physical address, as a signed number. */
    public synchronized int readInt(long address) {
        return (int) readValue(address, 4);
    }

    /** Returns the eight bytes at a guest physical address, as a signed number. */
    public synchronized long readLong(long address) {
        return readValue(address, 8);
    }

    /** Returns a copy of {@code length} bytes from a guest physical address on. */
    public synchronized byte[] read(long address, int length) {
        check(address, length);
        byte[] bytes = new byte[length];
        int done = 0;
        while (done < length) {
            int inPage = inPage(address + done);
            int part = Math.min(PAGE - inPage, length - done);
            pages.forReading(address + done - inPage).get(inPage, bytes, done, part);
            done += part;
        }
        return bytes;
    }

    /** Writes the lowest 8 bits of {@code value}. */
    public synchronized void writeByte(long address, int value) {
        writeValue(address, 1, value);
    }

    /** Writes the lowest 16 bits of {@code value}. */
    public synchronized void writeShort(long address, int value) {
        writeValue(address, 2, value);
    }

    /** Writes 32 bits. */
    public synchronized void writeInt(long address, int value) {
        writeValue(address, 4, value);
    }

    /** Writes 64 bits. */
    public synchronized void writeLong(long address, long value) {
        writeValue(address, 8, value);
    }

    /** Writes bytes from a guest physical address on. */
    public synchronized void write(long address, byte[] bytes) {
        check(address, bytes.length);
        int done = 0;
        while (done < bytes.length) {
            int inPage = inPage(address + done);
            int part = Math.min(PAGE - inPage, bytes.length - done);
            pages.forWriting(address + done - inPage).put(inPage, bytes, done, part);
            done += part;
        }
    }

    /**
     * Copies all of it into memory of the same size that is still all zero. Zeros are not written, so the host needs no
     * pages for them.
     */
    public void copyTo(GuestMemory fresh) {
        forEachPage(page -> fresh.write(page.address(), page.bytes()));
    }

    /**
     * A page of RAM.
     *
     * @param address the guest physical address of its first byte
     * @param bytes a copy of its 4096 bytes
     */
    public record Page(long address, byte[] bytes) {}

    /**
     * Passes on each page that isn't all zero, in ascending order of address. That takes as long as the guest and the
     * host have used RAM for, however large it is.
     */
    public void forEachPage(Consumer<Page> action) {
        byte[] zeros = new byte[PAGE];
        for (Extent extent : used()) {
            for (long page = extent.start(); page < extent.end(); page += PAGE) {
                byte[] bytes = read(page, PAGE);
                if (!Arrays.equals(bytes, zeros)) {
                    action.accept(new Page(page, bytes));
                }
            }
        }
    }

    /** Returns how many bytes are in pages that may hold something else than zeros: at most {@link #size()}. */
    public long usedBytes() {
        return used().stream().mapToLong(Extent::length).sum();
    }

    private synchronized List<Extent> used() {
        requireOpen();
        return pages.used();
    }

    /** Gives the memory back. Every later access throws {@link IllegalStateException}; a second call does nothing. */
    @Override
    public synchronized void close() {
        if (pages != null) {
            pages = null;
            release.run();
        }
    }

    private long readValue(long address, int width) {
        check(address, width);
        int inPage = inPage(address);
        if (inPage + width > PAGE) {
            return little(ByteBuffer.wrap(Arrays.copyOf(read(address, width), Long.BYTES)))
                    .getLong(0);
        }
        ByteBuffer page = little(pages.forReading(address - inPage));
        return switch (width) {
            case 1 -> page.get(inPage) & 0xffL;
            case 2 -> page.getShort(inPage) & 0xffffL;
            case 4 -> page.getInt(inPage);
            default -> page.getLong(inPage);
        };
    }

    private void writeValue(long address, int width, long value) {
        check(address, width);
        int inPage = inPage(address);
        if (inPage + width > PAGE) {
            byte[] bytes =
                    little(ByteBuffer.allocate(Long.BYTES)).putLong(0, value).array();
            write(address, Arrays.copyOf(bytes, width));
            return;
        }
        ByteBuffer page = little(pages.forWriting(address - inPage));
        switch (width) {
            case 1 -> page.put(inPage, (byte) value);
            case 2 -> page.putShort(inPage, (short) value);
            case 4 -> page.putInt(inPage, (int) value);
            default -> page.putLong(inPage, value);
        }
    }

    private static ByteBuffer little(ByteBuffer buffer) {
        return buffer.order(ByteOrder.LITTLE_ENDIAN);
    }

    private static int inPage(long address) {
        return (int) address & PAGE - 1;
    }

    private void requireOpen() {
        if (pages == null) {
            throw new IllegalStateException("guest memory is closed: its machine has been closed");
        }
    }

    private void check(long address, int length) {
        requireOpen();
        if (!map.contains(address, length)) {
            throw new IndexOutOfBoundsException("guest physical address " + hex(address) + " + " + length
                    + " bytes is outside RAM, " + (map.isSplit() ? map.words() : "which ends at " + hex(size())));
        }
    }
}
