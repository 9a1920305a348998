package dev.kvmguest.vmm.internal.emulator.exec;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import java.util.Arrays;

/**
 * Has the vCPUs of a machine run one after another, so many instructions each, in the order of their numbers: what they
 * do to each other is the same every time then, and locked accesses need no more care than others.
 *
 * <p>A vCPU keeps its turn while the host handles its exits. One that hasn't started yet is waited for; one that rests
 * or has left is passed over.
 */
public final class RoundRobinScheduler {

    private static final long INSTRUCTIONS_A_TURN = 10_000;

    private final boolean[] left;
    private final boolean[] resting;
    private final long[] ends;
    private int current;

    public RoundRobinScheduler(int vcpus) {
        left = new boolean[vcpus];
        resting = new boolean[vcpus];
        ends = new long[vcpus];
        Arrays.fill(ends, INSTRUCTIONS_A_TURN);
    }

    /** Waits for a vCPU's turn; false if it has been interrupted meanwhile. */
    public synchronized boolean take(int vcpu, Cpu cpu) {
        resting[vcpu] = false;
        while (current != vcpu) {
            if (resting[current] || left[current]) {
                // Nobody was there to pass the turn to.
                next();
                continue;
            }
            if (cpu.takeInterrupt()) {
                return false;
            }
            try {
                wait();
            } catch (InterruptedException e) {
                // What the interrupt means is for the caller to say; its hook interrupts the vCPU.
                Thread.currentThread().interrupt();
                return false;
            }
        }
        return true;
    }

    /** Returns the number of retired instructions at which a vCPU's turn ends. */
    public synchronized long end(int vcpu) {
        return left.length == 1 ? Long.MAX_VALUE : ends[vcpu];
    }

    /** Ends a vCPU's turn. */
    public synchronized void pass(int vcpu) {
        ends[vcpu] += INSTRUCTIONS_A_TURN;
        next();
    }

    /** Has a vCPU's turn end where it would have ended if it had retired so many instructions here. */
    public synchronized void restore(int vcpu, long retired) {
        ends[vcpu] = (retired / INSTRUCTIONS_A_TURN + 1) * INSTRUCTIONS_A_TURN;
    }

    /** Takes a vCPU out until it asks for its turn again. */
    public synchronized void rest(int vcpu) {
        resting[vcpu] = true;
        if (current == vcpu) {
            next();
        }
    }

    /** Takes a vCPU out for good. */
    public synchronized void leave(int vcpu) {
        left[vcpu] = true;
        if (current == vcpu) {
            next();
        }
    }

    /** Has waiting vCPUs look whether they have been interrupted. */
    public synchronized void wake() {
        notifyAll();
    }

    private void next() {
        for (int i = 1; i <= left.length; i++) {
            int candidate = (current + i) % left.length;
            if (!left[candidate] && !resting[candidate]) {
                current = candidate;
                break;
            }
        }
        notifyAll();
    }
}
