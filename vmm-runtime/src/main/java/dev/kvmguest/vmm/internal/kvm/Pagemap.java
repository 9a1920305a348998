package dev.kvmguest.vmm.internal.kvm;

import dev.kvmguest.vmm.memory.RamMap.Extent;
import dev.kvmguest.vmm.memory.RamPages;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;

/**
 * Which pages of this process are in memory or swapped out. Others of a private anonymous mapping were never touched,
 * and are zeros.
 *
 * <p>Source: Linux, Documentation/admin-guide/mm/pagemap.rst.
 */
final class Pagemap {

    private static final Path FILE = Path.of("/proc/self/pagemap");
    /** Entries that are read at once: those of 64 MiB. */
    private static final int ENTRIES = 1 << 14;
    /** The pages that have one are present (bit 63) or swapped out (bit 62). */
    private static final long POPULATED = 3L << 62;

    private Pagemap() {}

    /**
     * Returns the parts of a range of addresses that may hold something else than zeros, in ascending order; all of it
     * if the kernel doesn't tell.
     *
     * @param start a multiple of the page size
     * @param length a multiple of the page size
     */
    static List<Extent> populated(long start, long length) {
        try (FileChannel file = FileChannel.open(FILE, StandardOpenOption.READ)) {
            return populated(file, start, start + length);
        } catch (IOException e) {
            return List.of(new Extent(start, start + length));
        }
    }

    private static List<Extent> populated(FileChannel file, long start, long end) throws IOException {
        List<Extent> populated = new ArrayList<>();
        ByteBuffer entries = ByteBuffer.allocateDirect(ENTRIES * Long.BYTES).order(ByteOrder.nativeOrder());
        long[] numbers = new long[ENTRIES];
        long from = -1;
        long page = start;
        while (page < end) {
            entries.clear().limit((int) Math.min(entries.capacity(), (end - page) / RamPages.PAGE * Long.BYTES));
            if (file.read(entries, page / RamPages.PAGE * Long.BYTES) < entries.limit()) {
                throw new IOException(FILE + " ends early");
            }
            // Many at once, since most say nothing.
            int read = entries.limit() / Long.BYTES;
            entries.flip().asLongBuffer().get(numbers, 0, read);
            for (int i = 0; i < read; i++) {
                boolean here = (numbers[i] & POPULATED) != 0;
                if (here && from < 0) {
                    from = page;
                } else if (!here && from >= 0) {
                    populated.add(new Extent(from, page));
                    from = -1;
                }
                page += RamPages.PAGE;
            }
        }
        if (from >= 0) {
            populated.add(new Extent(from, end));
        }
        return populated;
    }
}
