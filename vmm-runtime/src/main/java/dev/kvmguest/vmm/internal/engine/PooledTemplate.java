package dev.kvmguest.vmm.internal.engine;

import dev.kvmguest.vmm.memory.GuestMemory;
import java.util.ArrayDeque;

/**
 * A template that keeps some of the machines that nobody uses: each is lent to one user after the other.
 *
 * @param <M> the engine's machines
 */
public abstract class PooledTemplate<M extends VirtualMachine> implements MachineTemplate {

    /** More machines than this run at a time on few hosts. */
    private static final int MOST_IDLE = 16;

    private final ArrayDeque<M> idle = new ArrayDeque<>();
    private boolean closed;

    /** Makes another machine. */
    protected abstract M make();

    /** Returns a machine's RAM for its next user, who closes what is returned and no more. */
    protected abstract GuestMemory lend(M machine);

    /** Has RAM be what it was at first, and nothing be asked of the vCPU. */
    protected abstract void reset(M machine);

    /** Frees what the template itself has; called once, maybe before machines are closed. */
    protected abstract void free();

    @Override
    public final synchronized VirtualMachine createMachine() {
        if (closed) {
            throw new IllegalStateException("the template is closed");
        }
        return new Loan(idle.isEmpty() ? make() : idle.removeLast());
    }

    private synchronized void giveBack(M machine) {
        if (closed || idle.size() == MOST_IDLE) {
            machine.close();
        } else {
            idle.addLast(machine);
        }
    }

    @Override
    public final synchronized void close() {
        if (!closed) {
            closed = true;
            idle.forEach(VirtualMachine::close);
            idle.clear();
            free();
        }
    }

    /** A machine until it is closed; then another user has it. */
    private final class Loan implements VirtualMachine {

        private final M machine;
        private final GuestMemory memory;
        private boolean over;

        Loan(M machine) {
            this.machine = machine;
            this.memory = lend(machine);
        }

        @Override
        public GuestMemory memory() {
            return memory;
        }

        @Override
        public VirtualCpu vcpu(int index) {
            return machine.vcpu(index);
        }

        @Override
        public synchronized void close() {
            if (!over) {
                over = true;
                memory.close();
                reset(machine);
                giveBack(machine);
            }
        }
    }
}
