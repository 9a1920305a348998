package dev.kvmguest.vmm.internal.replay;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.diagnosis.Timeline.Kind;

/**
 * What a guest exchanged with its machine, as one number: the kind in bits 60 to 63, the width in 56 to 59, and below
 * that port and value, or an address, or whatever the kind has. What is the same gives the same number.
 */
final class IoEvent {

    private static final int KIND_SHIFT = 60;
    private static final int WIDTH_SHIFT = 56;
    private static final int PORT_SHIFT = 32;
    private static final long VALUE = 0xffff_ffffL;
    private static final long DETAIL = (1L << WIDTH_SHIFT) - 1;
    private static final long AT_EVENT = 1 << 8;
    private static final int VECTOR = 0xff;
    private static final Kind[] KINDS = Kind.values();
    /** What of an exchange is its subject, by the kind's number. */
    private static final long[] SUBJECTS = new long[KINDS.length];

    static {
        for (Kind kind : KINDS) {
            SUBJECTS[kind.ordinal()] = switch (kind) {
                case IN, OUT -> ~VALUE;
                case HALT -> ~DETAIL;
                case INTERRUPT -> ~AT_EVENT;
                case READ, WRITE -> ~0L;
            };
        }
    }

    private IoEvent() {}

    /** Returns an access to a port, of 1, 2 or 4 bytes. */
    static long port(Kind kind, int port, int width, long value) {
        return word(kind, width) | (long) port << PORT_SHIFT | value & VALUE;
    }

    /** Returns an access to memory without RAM, of 1 to 8 bytes. */
    static long memory(Kind kind, long address, int width) {
        return word(kind, width) | address & DETAIL;
    }

    /** Returns a HLT after which guest time passed by itself, in nanoseconds. */
    static long halt(long nanos) {
        return word(Kind.HALT, 0) | nanos & DETAIL;
    }

    /**
     * Returns an interrupt.
     *
     * @param atExchange whether the guest executed nothing between the exchange before and this
     */
    static long interrupt(int vector, boolean atEvent) {
        return word(Kind.INTERRUPT, 0) | vector | (atEvent ? AT_EVENT : 0);
    }

    private static long word(Kind kind, int width) {
        return (long) kind.ordinal() << KIND_SHIFT | (long) width << WIDTH_SHIFT;
    }

    static Kind kind(long event) {
        return KINDS[(int) (event >>> KIND_SHIFT)];
    }

    /** Returns the bytes of an access. */
    static int width(long event) {
        return (int) (event >>> WIDTH_SHIFT) & 0xf;
    }

    static int port(long event) {
        return (int) (event >>> PORT_SHIFT) & 0xffff;
    }

    /** Returns what was read from a port or written to it, zero-extended. */
    static long value(long event) {
        return event & VALUE;
    }

    static long address(long event) {
        return event & DETAIL;
    }

    /** Returns the guest time that passed in a HLT, in nanoseconds. */
    static long nanos(long event) {
        return event & DETAIL;
    }

    static int vector(long event) {
        return (int) event & VECTOR;
    }

    /** Returns whether it is an interrupt that came while the guest executed, so that its place has to be known. */
    static boolean hasPoint(long event) {
        return kind(event) == Kind.INTERRUPT && (event & AT_EVENT) == 0;
    }

    /** Returns whether it is an access to memory without RAM. */
    static boolean isMemory(long event) {
        return kind(event) == Kind.READ || kind(event) == Kind.WRITE;
    }

    /** Returns what two exchanges have in common that a timeline shows as one: all but values and times. */
    static long subject(long event) {
        return event & SUBJECTS[(int) (event >>> KIND_SHIFT)];
    }

    /** Returns what the guest did, to follow "the guest" in a sentence. */
    static String describe(long event) {
        return switch (kind(event)) {
            case IN -> "read port " + hex(port(event)) + bytes(event);
            case OUT -> "wrote " + hex(value(event)) + " to port " + hex(port(event)) + bytes(event);
            case READ -> "read memory at " + hex(address(event));
            case WRITE -> "wrote memory at " + hex(address(event));
            case INTERRUPT -> "was given interrupt " + vector(event);
            case HALT -> "halted";
        };
    }

    /** Two exchanges may differ in their width only. Most are a byte wide, and that is not said. */
    private static String bytes(long event) {
        return width(event) == 1 ? "" : " (" + width(event) + " bytes)";
    }
}
