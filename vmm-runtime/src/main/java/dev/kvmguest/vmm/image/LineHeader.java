package dev.kvmguest.vmm.image;

import dev.kvmguest.vmm.image.DwarfCursor.DamagedException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The header of a unit's line number program: how to read the program, and the names of the files that it refers to.
 *
 * <p>Source: DWARF Debugging Information Format, version 5, 6.2.4, "The Line Number Program Header"; versions 2 to 4,
 * 6.2.4.
 */
final class LineHeader {

    private static final int DW_LNCT_PATH = 1;
    private static final int DW_LNCT_DIRECTORY_INDEX = 2;

    private static final int DW_FORM_DATA2 = 0x05;
    private static final int DW_FORM_DATA4 = 0x06;
    private static final int DW_FORM_DATA8 = 0x07;
    private static final int DW_FORM_STRING = 0x08;
    private static final int DW_FORM_BLOCK = 0x09;
    private static final int DW_FORM_DATA1 = 0x0b;
    private static final int DW_FORM_STRP = 0x0e;
    private static final int DW_FORM_UDATA = 0x0f;
    private static final int DW_FORM_DATA16 = 0x1e;
    private static final int DW_FORM_LINE_STRP = 0x1f;

    /** More than any compiler's unit has; it limits a damaged count. */
    private static final int MOST_ENTRIES = 100_000;

    private static final DwarfText NO_TEXT = new DwarfText(ByteBuffer.allocate(0), 0);

    /** A directory or a file. A file's directory is a number in the list of those; a directory's own is not used. */
    private record Entry(DwarfText name, long directory) {}

    /** Sections that a header refers to. */
    record Strings(ByteBuffer lineStr, ByteBuffer str) {}

    /** What the program adds to the address for each step, in bytes. */
    final int minimumInstructionLength;
    /** The least that a special opcode adds to the line; may be negative. */
    final int lineBase;
    /** How many lines the special opcodes can tell apart, at least 1. */
    final int lineRange;
    /** The first special opcode, at least 1. */
    final int opcodeBase;

    private final int[] operandCounts;
    private final List<Entry> directories;
    private final List<Entry> files;

    /**
     * Reads a header.
     *
     * @param unit the unit after its length; on return it is at the program's first opcode
     * @throws DamagedException if it makes no sense, or has an unknown version
     */
    LineHeader(DwarfCursor unit, Strings strings) {
        int version = unit.u16();
        if (version < 2 || version > 5) {
            throw new DamagedException("version " + version);
        }
        if (version == 5) {
            // The sizes of addresses, which DW_LNE_set_address says too, and of segment selectors, of which flat
            // code has none.
            unit.skip(2);
        }
        DwarfCursor header = unit.part(unit.u32());
        minimumInstructionLength = header.u8();
        if (version >= 4) {
            // The maximum of operations per instruction, for processors with very long instruction words.
            header.skip(1);
        }
        // The initial value of is_stmt: a row covers its addresses whether or not a breakpoint should go there.
        header.skip(1);
        lineBase = header.s8();
        lineRange = header.u8();
        opcodeBase = header.u8();
        if (lineRange == 0 || opcodeBase == 0) {
            throw new DamagedException("no lines or opcodes");
        }
        operandCounts = new int[opcodeBase];
        for (int opcode = 1; opcode < opcodeBase; opcode++) {
            operandCounts[opcode] = header.u8();
        }
        if (version == 5) {
            directories = readTable(header, strings);
            files = readTable(header, strings);
        } else {
            directories = readDirectories(header);
            files = readFiles(header);
        }
    }

    /** Returns how many LEB128 operands a standard opcode has. */
    int operandCount(int opcode) {
        return operandCounts[opcode];
    }

    /** Returns the name of a file, with its directory's unless that is the one in which the compiler ran. */
    Optional<String> file(int number) {
        if (number < 0 || number >= files.size()) {
            return Optional.empty();
        }
        Entry file = files.get(number);
        return file.name().decode().flatMap(name -> {
            if (file.directory() == 0 || name.startsWith("/")) {
                return Optional.of(name);
            }
            if (file.directory() >= directories.size()) {
                return Optional.empty();
            }
            return directories.get((int) file.directory()).name().decode().map(folder -> folder + "/" + name);
        });
    }

    /** Adds a file, as an opcode of versions 2 to 4 does. */
    void defineFile(DwarfCursor operands) {
        add(files, readFile(operands));
    }

    private static List<Entry> readDirectories(DwarfCursor header) {
        List<Entry> directories = numberedFromOne();
        for (DwarfText name = header.text(); !name.isEmpty(); name = header.text()) {
            add(directories, new Entry(name, 0));
        }
        return directories;
    }

    private static List<Entry> readFiles(DwarfCursor header) {
        List<Entry> files = numberedFromOne();
        for (Entry file = readFile(header); !file.name().isEmpty(); file = readFile(header)) {
            add(files, file);
        }
        return files;
    }

    private static Entry readFile(DwarfCursor cursor) {
        DwarfText name = cursor.text();
        if (name.isEmpty()) {
            return new Entry(name, 0);
        }
        long directory = cursor.uleb();
        // The time of the last change and the size.
        cursor.uleb();
        cursor.uleb();
        return new Entry(name, directory);
    }

    private static List<Entry> numberedFromOne() {
        List<Entry> entries = new ArrayList<>();
        entries.add(new Entry(NO_TEXT, 0));
        return entries;
    }

    private static List<Entry> readTable(DwarfCursor header, Strings strings) {
        int formats = header.u8();
        long[] contents = new long[formats];
        long[] forms = new long[formats];
        for (int i = 0; i < formats; i++) {
            contents[i] = header.uleb();
            forms[i] = header.uleb();
        }
        long count = header.uleb();
        if (formats == 0 && count > 0) {
            throw new DamagedException("entries without a form");
        }
        List<Entry> entries = new ArrayList<>();
        for (long entry = 0; entry < count; entry++) {
            DwarfText name = NO_TEXT;
            long directory = 0;
            for (int i = 0; i < formats; i++) {
                if (contents[i] == DW_LNCT_PATH) {
                    name = readText(header, forms[i], strings);
                } else if (contents[i] == DW_LNCT_DIRECTORY_INDEX) {
                    directory = readNumber(header, forms[i]);
                } else {
                    skip(header, forms[i]);
                }
            }
            add(entries, new Entry(name, directory));
        }
        return entries;
    }

    private static void add(List<Entry> entries, Entry entry) {
        if (entries.size() == MOST_ENTRIES) {
            throw new DamagedException("more than " + MOST_ENTRIES + " files or directories");
        }
        entries.add(entry);
    }

    private static DwarfText readText(DwarfCursor header, long form, Strings strings) {
        if (form == DW_FORM_STRING) {
            return header.text();
        }
        if (form == DW_FORM_LINE_STRP) {
            return new DwarfText(strings.lineStr(), header.u32());
        }
        if (form == DW_FORM_STRP) {
            return new DwarfText(strings.str(), header.u32());
        }
        throw new DamagedException("a text of form " + form);
    }

    private static long readNumber(DwarfCursor header, long form) {
        if (form == DW_FORM_UDATA) {
            return header.uleb();
        }
        if (form == DW_FORM_DATA1) {
            return header.u8();
        }
        if (form == DW_FORM_DATA2) {
            return header.u16();
        }
        if (form == DW_FORM_DATA4) {
            return header.u32();
        }
        throw new DamagedException("a number of form " + form);
    }

    private static void skip(DwarfCursor header, long form) {
        if (form == DW_FORM_STRING) {
            header.text();
        } else if (form == DW_FORM_LINE_STRP || form == DW_FORM_STRP) {
            header.skip(4);
        } else if (form == DW_FORM_DATA8) {
            header.skip(8);
        } else if (form == DW_FORM_DATA16) {
            header.skip(16);
        } else if (form == DW_FORM_BLOCK) {
            header.skip(header.uleb());
        } else {
            readNumber(header, form);
        }
    }
}
