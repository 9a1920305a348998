package dev.kvmguest.vmm.internal.trial;

import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.diagnosis.TakenEvent;
import dev.kvmguest.vmm.internal.board.PcBoard;
import dev.kvmguest.vmm.internal.emulator.EmulatedVirtualCpu;
import dev.kvmguest.vmm.internal.engine.DeliveryLog;
import dev.kvmguest.vmm.internal.engine.ExecutionObserver;
import dev.kvmguest.vmm.internal.engine.VmExit;
import dev.kvmguest.vmm.internal.replay.Recording;
import dev.kvmguest.vmm.internal.vcpu.ExitHandler;
import dev.kvmguest.vmm.outcome.Ending;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * Has an emulated vCPU go on for itself, wherever it is: with a board that was just switched on, without interrupts,
 * and with something typed for whoever waits for a key. Whatever the guest does, this ends by itself.
 */
final class FreeRun {

    /** More than a guest has that prints a screen. */
    private static final int MOST_EXITS = 50_000;

    private static final String TYPED = "\n".repeat(16);

    private final EmulatedVirtualCpu cpu;
    private final ExitHandler exits;
    private Optional<Ending> ended = Optional.empty();

    FreeRun(EmulatedVirtualCpu cpu, MachineConfig machine) {
        this.cpu = cpu;
        PcBoard board = new PcBoard(octet -> {}, new PcBoard.Setup(machine.memorySize(), machine.date(), false));
        board.input().add(TYPED.getBytes(StandardCharsets.US_ASCII));
        this.exits = new ExitHandler(cpu, board, new Recording(cpu));
        cpu.stopAt(null);
    }

    EmulatedVirtualCpu cpu() {
        return cpu;
    }

    /** Returns how the guest came to an end; empty if it didn't. */
    Optional<Ending> ended() {
        return ended;
    }

    /** Returns whether the guest took an exception or died, since the vCPU was given its registers. */
    boolean tookExceptions() {
        DeliveryLog taken = cpu.observer().map(ExecutionObserver::handlers).orElse(DeliveryLog.EMPTY);
        return taken.counts().stream().anyMatch(one -> one.kind() == TakenEvent.Kind.EXCEPTION)
                || ended.filter(end -> end instanceof Ending.TripleFault || end instanceof Ending.Unsupported)
                        .isPresent();
    }

    /** Runs the guest for some instructions, or to its end. */
    void run(long instructions) {
        long end = cpu.instructions() + instructions;
        for (int i = 0; i < MOST_EXITS && ended.isEmpty() && cpu.instructions() < end; i++) {
            ended = exits.handle(cpu.runTo(end));
        }
    }

    /**
     * Executes one instruction, or delivers one exception.
     *
     * @return false if the guest has come to its end
     */
    boolean step() {
        cpu.setSingleStep(true);
        boolean stepped = false;
        for (int i = 0; i < MOST_EXITS && ended.isEmpty() && !stepped; i++) {
            VmExit exit = cpu.run();
            stepped = exit instanceof VmExit.SingleStep;
            ended = exits.handle(exit);
        }
        cpu.setSingleStep(false);
        return ended.isEmpty();
    }
}
