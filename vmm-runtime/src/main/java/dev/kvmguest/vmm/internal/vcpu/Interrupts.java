package dev.kvmguest.vmm.internal.vcpu;

import dev.kvmguest.vmm.internal.board.Board;
import dev.kvmguest.vmm.internal.bus.TimedDevice;
import dev.kvmguest.vmm.internal.engine.GuestClock;
import dev.kvmguest.vmm.internal.engine.VirtualClock;
import dev.kvmguest.vmm.internal.engine.VirtualCpu;
import dev.kvmguest.vmm.internal.replay.Recording;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.LongConsumer;

/**
 * Has the devices of a board live in the guest's time, and brings their interrupts into its vCPU. All methods belong to
 * the thread that runs the vCPU.
 */
public final class Interrupts {

    private final VirtualCpu cpu;
    private final GuestClock clock;
    private final Board board;
    private final Recording recording;
    private boolean windowWanted;

    public Interrupts(VirtualCpu cpu, Board board, Recording recording) {
        this.cpu = cpu;
        this.clock = cpu.clock();
        this.board = board;
        this.recording = recording;
    }

    /**
     * Lets the devices do what is due, and delivers an interrupt if the guest takes one. To be called before each run.
     *
     * @param alarm the guest time at which the run is to return if nothing makes it return before
     */
    public void beforeRun(long alarm) {
        board.advanceTo(clock.time());
        if (board.interruptRequested() && cpu.canInjectInterrupt()) {
            int vector = board.acknowledgeInterrupt();
            recording.interrupt(vector);
            cpu.injectInterrupt(vector);
        }
        wantWindow(board.interruptRequested());
        clock.setAlarm(Math.min(board.nextInterrupt(), alarm));
    }

    /** Lets the devices do what is due, and returns whether no interrupt waits and none will come by itself. */
    public boolean noneIsToCome() {
        board.advanceTo(clock.time());
        return !board.interruptIsToCome();
    }

    private void wantWindow(boolean wanted) {
        if (wanted != windowWanted) {
            cpu.setInterruptWindow(wanted);
            windowWanted = wanted;
        }
    }

    /**
     * Waits for an interrupt while the vCPU is halted with interrupts on. It costs no processor time on the host, and
     * no time at all where nobody can type and guest time is the engine's own: what nothing happens in is skipped.
     *
     * @param live whether somebody may type meanwhile; whoever does, or ends the run, unparks this thread
     * @param ended says whether the run has been ended
     * @param skipped takes the nanoseconds that were skipped
     * @return false if no interrupt can ever come
     */
    public boolean await(boolean live, BooleanSupplier ended, LongConsumer skipped) {
        return await(live, ended, TimedDevice.NEVER, skipped);
    }

    /**
     * Waits likewise, and not for longer than until a certain time.
     *
     * @param until the guest time at which {@code ended} is to be asked again; see there for the others
     */
    public boolean await(boolean live, BooleanSupplier ended, long until, LongConsumer skipped) {
        while (!ended.getAsBoolean()) {
            long now = clock.time();
            board.advanceTo(now);
            if (board.interruptRequested()) {
                return true;
            }
            long next = board.nextInterrupt();
            if (next != TimedDevice.NEVER && clock instanceof VirtualClock virtual && !live) {
                long skip = Math.min(next, until) - now;
                virtual.advance(skip);
                skipped.accept(skip);
            } else if (next != TimedDevice.NEVER || live && board.takesInput()) {
                sleep(Math.min(next, until) - now);
            } else {
                return false;
            }
        }
        return true;
    }

    private void sleep(long nanos) {
        long start = System.nanoTime();
        LockSupport.parkNanos(this, nanos);
        if (clock instanceof VirtualClock virtual) {
            // Never more than asked for: the guest's timer would be late by what the host took to wake up.
            virtual.advance(Math.min(System.nanoTime() - start, nanos));
        }
    }
}
