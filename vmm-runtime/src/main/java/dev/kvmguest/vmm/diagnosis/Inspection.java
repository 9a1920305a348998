package dev.kvmguest.vmm.diagnosis;

import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * What the memory of a guest tells that died or got stuck.
 *
 * @param callChain the functions that it was in, the innermost first and without the one at EIP; empty if the stack tells
 *     nothing
 * @param pageWalk the walk through the page tables for the address that faulted, or for EIP if none did; empty where
 *     paging is off
 * @param tables the descriptor tables in effect: GDT, IDT and, if there is one, LDT
 * @param places where in physical memory the registers point that hold addresses
 */
public record Inspection(
        List<Frame> callChain, Optional<PageWalk> pageWalk, List<Table> tables, List<PointerTarget> places) {

    /** The most frames of a call chain that are looked for. */
    public static final int MOST_FRAMES = 32;

    /**
     * A function that waits for another one, or for a handler, to return.
     *
     * @param eip the return address; of a function that was interrupted, the instruction it goes on with
     * @param symbol the function, such as {@code main+0x1f}, if the image says
     * @param source the line of the call, such as {@code main.c:6}, if the image says
     * @param interrupted whether an exception or an interrupt came in it; else it has called the function before
     * @param certain whether code and stack prove it; else it is a guess: a number on the stack that points behind a CALL
     */
    public record Frame(
            long eip, Optional<String> symbol, Optional<String> source, boolean interrupted, boolean certain) {

        /** Creates a function that has called another one. */
        public Frame(long eip, Optional<String> symbol, Optional<String> source, boolean certain) {
            this(eip, symbol, source, false, certain);
        }
    }

    /**
     * A walk through the page tables.
     *
     * @param linear the linear address
     * @param levels what was read, the outermost table first
     * @param result what came of it, in words, such as {@code not present} or {@code physical 0x1000, read-only}
     */
    public record PageWalk(long linear, List<Level> levels, String result) {

        /**
         * An entry that was read.
         *
         * @param name what it is, such as {@code page-directory entry 512}
         * @param address its guest physical address
         * @param entry its value
         * @param meaning its bits in words, such as {@code 4 MiB page at 0x0, present, writable, supervisor}
         */
        public record Level(String name, long address, long entry, String meaning) {}

        public PageWalk {
            levels = List.copyOf(levels);
        }
    }

    /**
     * A descriptor table.
     *
     * @param name such as {@code GDT}
     * @param base its linear address
     * @param limit the offset of its last byte
     * @param rows its entries; what is alike in a row is one row
     */
    public record Table(String name, long base, int limit, List<Row> rows) {

        /**
         * An entry, or several alike.
         *
         * @param first the index of the first one
         * @param last the index of the last one
         * @param raw its eight bytes, little-endian
         * @param meaning the same in words, such as {@code 32-bit code, base 0x0, limit 0xffffffff, DPL 0}
         */
        public record Row(int first, int last, long raw, String meaning) {}

        public Table {
            rows = List.copyOf(rows);
        }
    }

    /**
     * A place in physical memory that a register points to.
     *
     * @param register its name, such as {@code ESP}
     * @param linear the linear address; of CR3 the physical one
     * @param physical the guest physical address; empty if the page is not present
     */
    public record PointerTarget(String register, long linear, OptionalLong physical) {}

    public Inspection {
        callChain = List.copyOf(callChain);
        tables = List.copyOf(tables);
        places = List.copyOf(places);
    }

    /** Creates what is known without any place in physical memory. */
    public Inspection(List<Frame> callChain, Optional<PageWalk> pageWalk, List<Table> tables) {
        this(callChain, pageWalk, tables, List.of());
    }
}
