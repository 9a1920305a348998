package dev.kvmguest.vmm.internal.replay;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.diagnosis.Timeline.Kind;

/**
 * What a guest exchanged with its machine, as one number: the kind in bits 60 to 63, the width in 56 to 59, and below
 * that port and value, or an address, or whatever the kind has. What is the same gives the same number.
 */
final class Exchange {

    private static final int KIND_SHIFT = 60;
    private static final int WIDTH_SHIFT = 56;
    private static final int PORT_SHIFT = 32;
    private static final long VALUE = 0xffff_ffffL;
    private static final long DETAIL = (1L << WIDTH_SHIFT) - 1;
    private static final long AT_EXCHANGE = 1 << 8;
    private static final int VECTOR = 0xff;
    private static final Kind[] KINDS = Kind.values();
    /** What of an exchange is its subject, by the kind's number. */
    private static final long[] SUBJECTS = new long[KINDS.length];

    static {
        for (Kind kind : KINDS) {
            SUBJECTS[kind.ordinal()] = switch (kind) {
                case IN, OUT -> ~VALUE;
                case HALT -> ~DETAIL;
                case INTERRUPT -> ~AT_EXCHANGE;
                case READ, WRITE -> ~0L;
            };
        }
    }

    private Exchange() {}

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
    static long interrupt(int vector, boolean atExchange) {
        return word(Kind.INTERRUPT, 0) | vector | (atExchange ? AT_EXCHANGE : 0);
    }

    private static long word(Kind kind, int width) {
        return (long) kind.ordinal() << KIND_SHIFT | (long) width << WIDTH_SHIFT;
    }

    static Kind kind(long exchange) {
        return KINDS[(int) (exchange >>> KIND_SHIFT)];
    }

    /** Returns the bytes of an access. */
    static int width(long exchange) {
        return (int) (exchange >>> WIDTH_SHIFT) & 0xf;
    }

    static int port(long exchange) {
        return (int) (exchange >>> PORT_SHIFT) & 0xffff;
    }

    /** Returns what was read from a port or written to it, zero-extended. */
    static long value(long exchange) {
        return exchange & VALUE;
    }

    static long address(long exchange) {
        return exchange & DETAIL;
    }

    /** Returns the guest time that passed in a HLT, in nanoseconds. */
    static long nanos(long exchange) {
        return exchange & DETAIL;
    }

    static int vector(long exchange) {
        return (int) exchange & VECTOR;
    }

    /** Says whether it is an interrupt that came while the guest executed, so that its place has to be known. */
    static boolean hasPlace(long exchange) {
        return kind(exchange) == Kind.INTERRUPT && (exchange & AT_EXCHANGE) == 0;
    }

    /** Says whether it is an access to memory without RAM. */
    static boolean isMemory(long exchange) {
        return kind(exchange) == Kind.READ || kind(exchange) == Kind.WRITE;
    }

    /** Returns what two exchanges have in common that a timeline shows as one: all but values and times. */
    static long subject(long exchange) {
        return exchange & SUBJECTS[(int) (exchange >>> KIND_SHIFT)];
    }

    /** Returns what the guest did, to follow "the guest" in a sentence. */
    static String describe(long exchange) {
        return switch (kind(exchange)) {
            case IN -> "read port " + hex(port(exchange));
            case OUT -> "wrote " + hex(value(exchange)) + " to port " + hex(port(exchange));
            case READ -> "read memory at " + hex(address(exchange));
            case WRITE -> "wrote memory at " + hex(address(exchange));
            case INTERRUPT -> "was given interrupt " + vector(exchange);
            case HALT -> "halted";
        };
    }
}
