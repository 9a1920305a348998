package dev.kvmguest.vmm.internal.run;

import dev.kvmguest.vmm.config.Milestone;
import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.internal.device.Keystroke;
import dev.kvmguest.vmm.internal.device.MouseMove;
import dev.kvmguest.vmm.internal.replay.Recording;
import dev.kvmguest.vmm.memory.GuestMemory;
import dev.kvmguest.vmm.outcome.Console;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.outcome.Screen;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;

/**
 * What runs the guests of a machine: vCPUs of an engine on boards of this project, or a program that is a whole
 * machine. vCPUs are numbered from 0. Any thread may call any method.
 */
public interface MachineBackend {

    /** Returns the number of vCPUs. */
    int vcpus();

    /** Starts every vCPU on a thread of its own, live; called at most once, and not with {@link #runHere}. */
    void start();

    /** Runs the only vCPU on the calling thread, to its end. */
    void runHere();

    /** Returns whether {@link #upTo} can pause it. */
    boolean canBePaused();

    /**
     * Returns what runs the only vCPU on the calling thread until it comes to a milestone, pauses it there, and returns
     * false if it has come to its end before.
     *
     * @throws IllegalArgumentException if it can't be paused, or its image lacks the symbol
     * @throws VmmException if this host can't stop at a symbol
     */
    BooleanSupplier upTo(Milestone milestone);

    /**
     * Returns the machine as it is between two instructions of its only vCPU.
     *
     * @throws IllegalStateException if that has come to its end
     * @throws VmmException if the host can't say some of it; the message names what
     */
    SavedMachine save();

    /** Completes when a vCPU has ended. */
    CompletableFuture<Outcome> outcome(int vcpu);

    /** Ends every vCPU that is still running. Does not wait for it. */
    void stop();

    /**
     * Says that nobody talks to the guests any more.
     *
     * @param looked whether the screen or the memory was looked at
     */
    void finish(boolean looked);

    /** Returns the console of a vCPU. */
    Console console(int vcpu);

    /** Types bytes for a vCPU. */
    void type(int vcpu, byte[] bytes);

    /** Presses keys of a vCPU's keyboard. */
    void press(int vcpu, List<Keystroke> keystrokes);

    /** Moves a vCPU's mouse. */
    void move(int vcpu, List<MouseMove> moves);

    /** Returns what the screen shows now, as the first vCPU's display controller has it. */
    Screen screen();

    /** Returns the guests' RAM. */
    GuestMemory memory();

    /** Returns what a vCPU exchanged with its devices, once it has ended; empty if nobody has recorded it. */
    Optional<Recording> recording(int vcpu);

    /**
     * Stops what is running, waits for it to end, and frees everything; called once.
     *
     * @param started whether it was ever started or run
     */
    void close(boolean started);
}
