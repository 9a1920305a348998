package dev.kvmguest.vmm.internal.advice.hang;

/**
 * What an instruction read.
 *
 * @param from where
 * @param width bytes: 1, 2, 4 or 8
 * @param value the value, zero-extended
 */
public record Read(Source from, int width, long value) {

    /** Where something is read from. */
    public sealed interface Source {}

    /** An I/O port. */
    public record Port(int number) implements Source {}

    /**
     * Guest RAM.
     *
     * @param linear the linear address
     * @param offset its offset in the segment, by which symbols go
     */
    public record Memory(long linear, long offset) implements Source {}

    /**
     * An address without RAM.
     *
     * @param physical the guest physical address
     */
    public record NoRam(long physical) implements Source {}
}
