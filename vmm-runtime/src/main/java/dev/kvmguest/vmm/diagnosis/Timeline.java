package dev.kvmguest.vmm.diagnosis;

import java.util.List;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * The last of what a guest exchanged with its machine, in order.
 *
 * @param entries the oldest first; equal exchanges in a row are one entry
 * @param omitted how many exchanges came before these
 */
public record Timeline(List<Entry> entries, long omitted) {

    /** The timeline of a guest that exchanged nothing. */
    public static final Timeline EMPTY = new Timeline(List.of(), 0);

    /** The kinds of exchange. */
    public enum Kind {
        /** The guest read a port. */
        IN,
        /** The guest wrote a port. */
        OUT,
        /** The guest read an address without RAM. */
        READ,
        /** The guest wrote an address without RAM. */
        WRITE,
        /** The guest got an interrupt. */
        INTERRUPT,
        /** The guest executed HLT. */
        HALT
    }

    /**
     * An exchange, or several equal ones in a row.
     *
     * @param kind what it was
     * @param address the port, the guest physical address, or the vector of an interrupt; 0 for a HLT
     * @param values what was read or written, as little-endian bytes, the last few; empty for interrupts and HLT
     * @param times how often, at least once
     * @param eip EIP of the first one, as the engine has it at the exit: at the instruction or after it
     * @param width bytes of a read or write
     */
    public record Entry(Kind kind, long address, byte[] values, long times, OptionalLong eip, OptionalInt width) {}

    public Timeline {
        entries = List.copyOf(entries);
    }
}
