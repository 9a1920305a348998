package dev.kvmguest.vmm.diagnosis;

import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * What the memory of a guest that died or got stuck tells.
 *
 * @param callChain the functions that called the one at EIP, the innermost first; empty if the stack tells nothing
 * @param pageWalk the walk through the page tables for the address that faulted, else for EIP; empty if paging is off
 * @param tables the descriptor tables in effect: GDT, IDT and, if there is one, LDT
 * @param places where in physical memory the registers that hold addresses point
 */
public record Inspection(
        List<Frame> callChain, Optional<PageWalk> pageWalk, List<Table> tables, List<PointerTarget> places) {

    /** The largest number of frames in a call chain. */
    public static final int MOST_FRAMES = 32;

    /**
     * A function that waits for another one, or for a handler, to return.
     *
     * @param eip the return address; if the function was interrupted, the address of its next instruction
     * @param symbol the function, such as {@code main+0x1f}, if the image says
     * @param source the line of the call, such as {@code main.c:6}, if the image says
     * @param interrupted whether an exception or an interrupt came in it; else it called the function in front of it in
     *     the chain
     * @param certain whether code and stack prove it; else it is a guess: a number on the stack that points just after
     *     a CALL
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
     * @param result the result in words, such as {@code not present} or {@code physical 0x1000, read-only}
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
     * @param rows its entries; equal entries in a row are one row
     */
    public record Table(String name, long base, int limit, List<Row> rows) {

        /**
         * An entry, or several equal ones.
         *
         * @param first the index of the first one
         * @param last the index of the last one
         * @param raw its eight bytes, little-endian; of a gate of long mode the first eight
         * @param meaning the same in words, such as {@code 32-bit code, base 0x0, limit 0xffffffff, DPL 0}
         */
        public record Row(int first, int last, long raw, String meaning) {}

        public Table {
            rows = List.copyOf(rows);
        }
    }

    /**
     * An address in physical memory that a register points to.
     *
     * @param register its name, such as {@code ESP}
     * @param linear the linear address; for CR3 the physical one
     * @param physical the guest physical address; empty if the page is not present
     */
    public record PointerTarget(String register, long linear, OptionalLong physical) {}

    public Inspection {
        callChain = List.copyOf(callChain);
        tables = List.copyOf(tables);
        places = List.copyOf(places);
    }

    /** Creates an inspection without register targets. */
    public Inspection(List<Frame> callChain, Optional<PageWalk> pageWalk, List<Table> tables) {
        this(callChain, pageWalk, tables, List.of());
    }
}
