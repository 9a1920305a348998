package dev.kvmguest.vmm.image;

import java.util.Arrays;
import java.util.Optional;

/** Rows of a line table whose addresses ascend; each covers the addresses up to the next one. */
final class LineSequence {

    private final LineHeader header;
    private final long end;
    private final long[] addresses;
    private final int[] files;
    private final int[] lines;

    private LineSequence(LineHeader header, long end, long[] addresses, int[] files, int[] lines) {
        this.header = header;
        this.end = end;
        this.addresses = addresses;
        this.files = files;
        this.lines = lines;
    }

    /** Returns the first address. */
    long start() {
        return addresses[0];
    }

    /** Returns whether one of its rows covers an address. */
    boolean covers(long address) {
        return start() <= address && address < end;
    }

    /** Returns the line of an address that it covers; empty if the compiler gave no line. */
    Optional<SourceLine> lineAt(long address) {
        int row = Arrays.binarySearch(addresses, address);
        if (row < 0) {
            row = -row - 2;
        }
        // Of several rows at one address the last one counts: the others cover nothing.
        while (row + 1 < addresses.length && addresses[row + 1] == addresses[row]) {
            row++;
        }
        int line = lines[row];
        return line <= 0 ? Optional.empty() : header.file(files[row]).map(file -> new SourceLine(file, line));
    }

    /** Collects the rows of a sequence. */
    static final class Builder {

        private static final int FEW = 16;

        private long[] addresses = new long[FEW];
        private int[] files = new int[FEW];
        private int[] lines = new int[FEW];
        private int size;
        private boolean ascends = true;

        void add(long address, int file, int line) {
            if (size == addresses.length) {
                addresses = Arrays.copyOf(addresses, 2 * size);
                files = Arrays.copyOf(files, 2 * size);
                lines = Arrays.copyOf(lines, 2 * size);
            }
            ascends &= size == 0 || address >= addresses[size - 1];
            addresses[size] = address;
            files[size] = file;
            lines[size] = line;
            size++;
        }

        /** Returns the sequence, and starts an empty one; empty if it covers nothing or doesn't ascend. */
        Optional<LineSequence> build(LineHeader header, long end) {
            // In one half of linear memory signed numbers are in the order of addresses.
            boolean covers = ascends
                    && size > 0
                    && end > addresses[0]
                    && end >= addresses[size - 1]
                    && (addresses[0] ^ end) >= 0;
            Optional<LineSequence> sequence = covers
                    ? Optional.of(new LineSequence(
                            header,
                            end,
                            Arrays.copyOf(addresses, size),
                            Arrays.copyOf(files, size),
                            Arrays.copyOf(lines, size)))
                    : Optional.empty();
            size = 0;
            ascends = true;
            return sequence;
        }
    }
}
