package dev.kvmguest.vmm.internal.replay;

/** Takes what a guest exchanged with its machine, in order; accesses to memory without RAM are left out. */
public interface ExchangeVisitor {

    /**
     * The guest read a port.
     *
     * @param width 1, 2 or 4 bytes
     * @param value the value, zero-extended
     */
    void in(int port, int width, long value);

    /** The guest wrote a port. */
    void out();

    /** The guest executed HLT. */
    void halt();

    /**
     * The guest was given an interrupt.
     *
     * @param vector 0 to 255
     * @param atOnce whether it had executed nothing since its last access to a port or its last HLT
     */
    void interrupt(int vector, boolean atOnce);
}
