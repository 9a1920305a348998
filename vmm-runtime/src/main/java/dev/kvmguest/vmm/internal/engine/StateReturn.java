package dev.kvmguest.vmm.internal.engine;

/**
 * Finds out whether a vCPU comes back to a state in which it has been before, its RAM included. To be used by the
 * thread that runs the vCPU.
 */
public interface StateReturn {

    /**
     * Marks where the vCPU is: its EIP and general registers. From now on a run ends with {@link VmExit.Interrupted}
     * when the guest comes back there with these registers. That costs next to nothing.
     *
     * @return false if the vCPU is not between two instructions with nothing due; nothing is marked then
     */
    boolean mark();

    /**
     * Keeps what RAM held wherever it is written to from now on.
     *
     * @return false if the vCPU is not where the mark is, with nothing due; nothing is kept then
     */
    boolean watchMemory();

    /**
     * Remembers the whole state if RAM is as it was at {@link #watchMemory}. That takes as long as some thousand
     * instructions do.
     *
     * @return false if RAM is different, or the vCPU is not where the mark is, with nothing due; nothing is remembered
     *     then
     */
    boolean remember();

    /**
     * Returns whether the state is again the one that was remembered, all registers and all RAM, and the guest has not
     * asked for anything meanwhile that time decides, such as the time-stamp counter.
     */
    boolean isBack();

    /** Returns whether the guest has had interrupts on at any time since the state was remembered. */
    boolean wasInterruptible();

    /** Forgets the mark and what was remembered, so that runs are as fast as before. */
    void forget();
}
