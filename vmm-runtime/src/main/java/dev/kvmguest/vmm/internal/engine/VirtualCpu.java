package dev.kvmguest.vmm.internal.engine;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.diagnosis.HandledException;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * One vCPU of a {@link VirtualMachine}.
 *
 * <p>All methods but {@link #interrupt} belong to one thread at a time, and from the first {@link #run} on to the thread
 * that called it.
 */
public interface VirtualCpu {

    /**
     * Returns all registers as they are between two instructions. After {@link VmExit.PortIn} or
     * {@link VmExit.MemoryRead} and before the next run, that is before the instruction that exited or behind it, as the
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

    /** Runs guest code until there is something for the host to do. */
    VmExit run();

    /**
     * Makes the current run, or the next one if none is under way, return {@link VmExit.Interrupted} soon. May be called
     * by any thread, at any time, also after the machine was closed.
     */
    void interrupt();

    /**
     * Delivers an external interrupt to the guest at the next run.
     *
     * @param vector 0 to 255
     * @throws IllegalStateException if {@link #canInjectInterrupt} is false
     */
    void injectInterrupt(int vector);

    /** Returns whether the guest would take an external interrupt now: IF is set and no shadow or event is in the way. */
    boolean canInjectInterrupt();

    /** Asks for {@link VmExit.InterruptWindow} as soon as the guest would take an external interrupt, or no longer. */
    void setInterruptWindow(boolean wanted);

    /**
     * Makes {@link #run} return {@link VmExit.SingleStep} after each instruction, or no longer.
     *
     * <p>The emulator steps through handlers of exceptions and interrupts too, and the guest can't tell. KVM steps by the
     * guest's TF: PUSHF and the frames of handlers show the bit, and a handler runs through until its IRET takes the bit
     * from the frame. To end stepping within a handler is to have that IRET raise #DB in the guest. Behind a fault that
     * KVM raises itself, as #UD on AMD's processors, it doesn't step before the next exit.
     */
    void setSingleStep(boolean on);

    /** Returns the number of instructions retired since the start, if the engine counts them. */
    OptionalLong instructions();

    /**
     * Returns what led to the {@link VmExit.Shutdown} with which the last run ended, without symbols and advice; empty if
     * it ended otherwise, or if the engine can't see it.
     */
    Optional<Fault> fault();

    /** Takes note of the exceptions that the guest takes from now on, if the engine can see them. */
    void watchExceptions();

    /**
     * Returns the exceptions whose handlers the guest has entered since {@link #watchExceptions}, the first 1,000 of them,
     * without symbols. INT3, INTO and INT1 raise exceptions, INT n doesn't. Empty if nobody has asked for them, or if the
     * engine can't see them.
     */
    Optional<List<HandledException>> exceptions();

    /**
     * Returns the guest's time, in nanoseconds since it started: the host's where the engine is as fast as the host, else
     * the engine's own, the same in every run.
     */
    long time();

    /** Returns whether guest time is the engine's own and stands still while the vCPU doesn't run. */
    boolean isVirtualTime();

    /** Lets guest time pass, in nanoseconds, while the vCPU is halted. Does nothing if it passes by itself. */
    void advance(long nanos);

    /**
     * Makes {@link #run} return {@link VmExit.Interrupted} when guest time has come to {@code time}, or soon after;
     * {@link Long#MAX_VALUE} for never. It stays set.
     */
    void setAlarm(long time);

    /** Says that this vCPU is halted, so that no other waits for it until it runs again. */
    void rest();

    /** Says that this vCPU will not run again, so that no other waits for it. May be called by any thread. */
    void leave();
}
