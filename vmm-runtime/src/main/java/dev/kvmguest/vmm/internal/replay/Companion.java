package dev.kvmguest.vmm.internal.replay;

/**
 * What comes along with a replay, such as the devices of a machine: it is told of each exchange of the guest as soon as
 * it has gone as recorded.
 */
public interface Companion {

    /** Comes along with nothing. */
    Companion NONE = new Companion() {};

    /** The guest wrote a port, 1, 2 or 4 bytes. */
    default void out(int port, int width, long value) {}

    /** The guest read a port, and got what was recorded. */
    default void in(int port, int width, long value) {}

    /** The guest's x87 unit reported an error, which was to be ignored or not, as recorded. */
    default void fpuError(boolean ignored) {}

    /** The error is no more. */
    default void fpuErrorCleared() {}

    /** The guest wrote memory where no RAM is, 1 to 8 bytes. */
    default void write(long address, int width, long value) {}

    /** The guest read memory where no RAM is. */
    default void read(long address, int width) {}

    /** The guest executed HLT, and so much of its time passed meanwhile, in nanoseconds. */
    default void halt(long nanos) {}

    /**
     * The guest is about to be given an interrupt.
     *
     * @param vector 0 to 255
     * @param atEvent whether it has executed nothing since its last exchange
     */
    default void interrupt(int vector, boolean atEvent) {}
}
