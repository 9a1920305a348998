package dev.kvmguest.vmm.internal.engine;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import java.util.Optional;

/**
 * One vCPU of a {@link VirtualMachine}: it executes guest code, takes interrupts and shows its registers. Its other
 * jobs are interfaces of their own: the {@link #clock}, {@link #debug} and, where the engine has it, the
 * {@link #observer}.
 *
 * <p>All methods but {@link #interrupt} belong to one thread at a time, and from the first {@link #run} on to the
 * thread that called it. The same holds for the clock, the debugger and the observer.
 */
public interface VirtualCpu {

    /**
     * Returns all registers as they are between two instructions. After {@link VmExit.PortIn} or
     * {@link VmExit.MemoryRead} and before the next run, that is before or after the instruction that exited, as the
     * engine has it.
     */
    CpuState state();

    /** Sets all registers. What an exit still asked for is forgotten. */
    void setState(CpuState state);

    /**
     * Returns a single register, at less cost than {@link #state}. Between a port or memory exit and the next run,
     * {@link Register#RIP} may still be that of the instruction that exited; the others are as the instruction sees
     * them.
     */
    long register(Register register);

    /** Returns whether {@link #register} of a general register, RIP or RFLAGS costs next to nothing now. */
    boolean hasRegistersAtHand();

    /**
     * Runs guest code until there is something for the host to do. On an engine whose vCPUs take turns, one that comes
     * back with {@link VmExit.Halt} lets the others run until it runs again.
     */
    VmExit run();

    /**
     * Makes the current run, or the next one if none is under way, return {@link VmExit.Interrupted} soon. May be
     * called by any thread, at any time, also after the machine was closed.
     */
    void interrupt();

    /**
     * Delivers an external interrupt to the guest at the next run.
     *
     * @param vector 0 to 255
     * @throws IllegalStateException if {@link #canInjectInterrupt} is false
     */
    void injectInterrupt(int vector);

    /**
     * Returns whether the guest would take an external interrupt now: IF is set and no shadow or event is in the way.
     */
    boolean canInjectInterrupt();

    /** Asks for {@link VmExit.InterruptWindow} as soon as the guest would take an external interrupt, or no longer. */
    void setInterruptWindow(boolean wanted);

    /**
     * Returns all that the vCPU has. After an exit that reads, what the host has put into its data is part of it.
     *
     * @throws IllegalStateException if the vCPU can't be saved amid the instruction that it is at: run it on first
     * @throws dev.kvmguest.vmm.config.VmmException if the host can't say some of it; the message names what
     */
    VcpuState save();

    /**
     * Makes this vCPU the one that was saved, on the same engine; the RAM is to be as it was then.
     *
     * @throws dev.kvmguest.vmm.config.VmmException if the engine or the host lacks what the state has; the message
     *     names what. The vCPU is not to be run then
     */
    void restore(VcpuState state);

    /**
     * Ends execution for good: {@link #run} is not called again. The alarm is taken back, and vCPUs that took turns
     * with this one no longer wait for it. Registers can still be read. A second call does nothing.
     */
    void finish();

    /** Returns the guest's clock. */
    GuestClock clock();

    /** Returns what stops the vCPU after each instruction. */
    DebugControl debug();

    /** Returns what the engine sees of the guest as it executes; empty if the processor executes unseen, as on KVM. */
    Optional<ExecutionObserver> observer();

    /** Returns what finds out whether the guest comes back to a state; empty where the engine can't, as on KVM. */
    default Optional<StateReturn> stateReturn() {
        return Optional.empty();
    }
}
