package dev.kvmguest.vmm.internal.run;

import dev.kvmguest.vmm.internal.board.PcBoard;
import dev.kvmguest.vmm.internal.emulator.EmulatedVirtualCpu;
import dev.kvmguest.vmm.internal.emulator.EmulatorEngine;
import dev.kvmguest.vmm.internal.emulator.EmulatorEngine.EmulatedMachine;
import dev.kvmguest.vmm.internal.engine.VirtualCpu;
import dev.kvmguest.vmm.internal.engine.VmExit;
import dev.kvmguest.vmm.internal.replay.Recording;
import dev.kvmguest.vmm.internal.vcpu.ExitHandler;
import dev.kvmguest.vmm.internal.vcpu.Interrupts;
import dev.kvmguest.vmm.memory.GuestMemory;

/**
 * Types a key again that came too early. Where IRQ 1 is open before there is a keyboard driver, the handler that is
 * there first often sends an EOI and reads nothing. The scan code stays in the controller then, and no interrupt comes
 * for it any more, nor for all that was typed after it. A person would have pressed the key when the guest was ready.
 *
 * <p>When that is, a copy of the guest shows: it is given the interrupt once more, and another copy is not. Only if the
 * first reads the key and the second doesn't, the guest itself is given it. So a guest whose handler never reads the
 * port sees what it sees on a PC, one interrupt; and one that reads the port later, with no need of an interrupt, isn't
 * disturbed. The copies run on the emulator, whatever the guest runs on.
 */
final class KeyRetry {

    /** For how long a copy is watched, in ns of guest time: two ticks of a timer at 100 Hz. */
    private static final long WATCHED = 20_000_000;

    /** To copy more takes too long. */
    private static final long LARGEST_COPY = 64 << 20;

    private final VirtualCpu cpu;
    private final GuestMemory memory;
    private final PcBoard board;

    KeyRetry(VirtualCpu cpu, GuestMemory memory, PcBoard board) {
        this.cpu = cpu;
        this.memory = memory;
        this.board = board;
    }

    /** Returns the guest time at which {@link #attempt} is to be called next, in ns; the greatest if not at all. */
    long next() {
        return board.keyboard().keyRetry();
    }

    /**
     * Has the interrupt come again for a key that wasn't read, if the guest reads it now. The vCPU must be between two
     * runs, with no access under way.
     *
     * @param halted whether the vCPU is halted
     */
    void attempt(boolean halted) {
        if (!board.keyboard().hasUnreadKey()) {
            return;
        }
        // One moment for both copies: where guest time is the host's, it goes on while the first one runs.
        long now = cpu.clock().time();
        board.keyboard().postponeKeyRetry(now);
        boolean possible = board.couldInterruptForUnreadKey() && memory.usedBytes() <= LARGEST_COPY;
        if (possible && !isRead(false, now, halted) && isRead(true, now, halted)) {
            board.keyboard().interruptAgain();
        }
    }

    /** Returns whether a copy of the guest as it is now reads the key, given the interrupt again or not. */
    private boolean isRead(boolean again, long now, boolean halted) {
        try (EmulatedMachine machine = EmulatorEngine.instance().createMachine(memory.size(), 1)) {
            memory.copyTo(machine.memory());
            PcBoard copy = board.copy();
            if (again) {
                copy.keyboard().interruptAgain();
            }
            run(copyOfCpu(machine, now), copy, halted);
            return !copy.keyboard().hasUnreadKey();
        }
    }

    private EmulatedVirtualCpu copyOfCpu(EmulatedMachine machine, long now) {
        EmulatedVirtualCpu copy = machine.vcpu(0);
        if (cpu instanceof EmulatedVirtualCpu) {
            copy.restore(cpu.save());
        } else {
            // Handlers that decide whether to read a port don't go by the FPU.
            copy.setState(cpu.state());
            copy.clock().advance(now);
        }
        return copy;
    }

    private static void run(EmulatedVirtualCpu cpu, PcBoard board, boolean halted) {
        Recording unused = new Recording(cpu);
        ExitHandler exits = new ExitHandler(cpu, board, unused);
        Interrupts interrupts = new Interrupts(cpu, board, unused);
        long end = cpu.clock().time() + WATCHED;
        boolean sleeps = halted;
        while (cpu.clock().time() < end && board.keyboard().hasUnreadKey()) {
            if (sleeps && !(exits.interruptsEnabled() && interrupts.await(false, () -> false, skipped -> {}))) {
                return;
            }
            interrupts.beforeRun(end);
            VmExit exit = cpu.run();
            sleeps = exit instanceof VmExit.Halt;
            if (!sleeps && exits.handle(exit).isPresent()) {
                return;
            }
        }
    }
}
