package dev.kvmguest.vmm.image;

import dev.kvmguest.vmm.image.DwarfCursor.DamagedException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The source lines of an ELF file's code, from its section {@code .debug_line}: 32-bit DWARF of the versions 2 to 5.
 *
 * <p>The table is read on first use. A file without lines just has no lines. A file with damaged lines has none for the
 * damaged compilation unit.
 */
public final class LineTable {

    /** Enough for kernels of some hundred thousand lines; this takes 16 MiB. */
    private static final int MOST_ROWS = 1_000_000;

    /** Lengths from this on mark 64-bit DWARF, or are reserved. */
    private static final long FIRST_SPECIAL_LENGTH = 0xffff_fff0L;

    private final byte[] file;
    private final long slide;
    private List<LineSequence> sequences;

    private LineTable(byte[] file, long slide) {
        this.file = file;
        this.slide = slide;
    }

    /** Returns the lines of a file; an empty table if it isn't ELF. The bytes must not be changed. */
    public static LineTable of(byte[] file) {
        return of(file, 0);
    }

    /**
     * Returns the lines of a file whose code is seen elsewhere than it was linked for.
     *
     * @param slide what is added to the file's addresses, in bytes
     */
    static LineTable of(byte[] file, long slide) {
        return new LineTable(file, slide);
    }

    /** Returns the file that the lines are of. */
    byte[] file() {
        return file;
    }

    /**
     * Returns the line that an instruction was compiled from, if the file says.
     *
     * @param address the address of any of its bytes, as the code sees it
     */
    public Optional<SourceLine> lineAt(long address) {
        // A loop, which costs less than a stream: it is asked for each guest that halts.
        for (LineSequence sequence : sequences()) {
            if (sequence.covers(address - slide)) {
                return sequence.lineAt(address - slide);
            }
        }
        return Optional.empty();
    }

    private synchronized List<LineSequence> sequences() {
        if (sequences == null) {
            sequences = read(new DebugSections(file));
        }
        return sequences;
    }

    private static List<LineSequence> read(DebugSections sections) {
        DwarfCursor units = new DwarfCursor(sections.named(".debug_line"));
        LineHeader.Strings strings =
                new LineHeader.Strings(sections.named(".debug_line_str"), sections.named(".debug_str"));
        List<LineSequence> sequences = new ArrayList<>();
        int rowsLeft = MOST_ROWS;
        while (units.remaining() >= Integer.BYTES) {
            long length = units.u32();
            if (length >= FIRST_SPECIAL_LENGTH || length > units.remaining()) {
                break;
            }
            DwarfCursor unit = units.part(length);
            try {
                LineProgram program = new LineProgram(new LineHeader(unit, strings), unit, sections.is64(), rowsLeft);
                // A linker leaves the lines of functions that it removed at addresses where there is no code.
                program.run().stream()
                        .filter(sequence -> sections.isLoaded(sequence.start()))
                        .forEach(sequences::add);
                rowsLeft = program.rowsLeft();
            } catch (DamagedException e) {
                // Where one compilation unit ends and the next one starts is known all the same.
                continue;
            }
        }
        return List.copyOf(sequences);
    }
}
