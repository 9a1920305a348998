package dev.kvmguest.vmm.internal.postmortem;

import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.diagnosis.Standstill;
import dev.kvmguest.vmm.internal.advice.hang.HangTrace;
import dev.kvmguest.vmm.internal.advice.hang.InterruptContext;
import dev.kvmguest.vmm.internal.advice.hang.Standstills;
import dev.kvmguest.vmm.internal.board.Board;
import dev.kvmguest.vmm.internal.device.InputQueue;
import dev.kvmguest.vmm.internal.engine.VirtualCpu;
import dev.kvmguest.vmm.memory.GuestMemory;
import dev.kvmguest.vmm.outcome.GuestRun;
import dev.kvmguest.vmm.outcome.Outcome;
import java.util.Optional;

/**
 * Finds out where a guest was at its end.
 *
 * @param machine the machine
 * @param config the vCPU's part of its configuration
 * @param cpu the vCPU
 * @param memory the machine's RAM
 * @param board the vCPU's board
 */
record StandstillFinder(MachineConfig machine, VcpuConfig config, VirtualCpu cpu, GuestMemory memory, Board board) {

    /**
     * Returns where a guest was that halted, was stopped or still ran at its time limit; the last goes on for a moment,
     * so that its memory, its devices and the engine's record of its exceptions are others afterwards.
     *
     * @param end how it ended
     * @param halted whether it was halted then
     * @return empty for guests that ended otherwise, and where the engine has lost the registers
     */
    Optional<Standstill> find(Outcome end, boolean halted) {
        try {
            return switch (end.kind()) {
                case TIMED_OUT -> Optional.of(ofHang(halted));
                case HALTED -> Optional.of(ofHalt(end.run()));
                case STOPPED ->
                    end.run()
                            .registers()
                            .map(registers -> Standstills.ofStop(registers, halted, config.image(), memory));
                default -> Optional.empty();
            };
        } catch (RuntimeException e) {
            // That it ended so is known all the same.
            PostMortem.stumbled(e);
            return Optional.empty();
        }
    }

    private Standstill ofHang(boolean halted) {
        board.advanceTo(cpu.clock().time());
        InterruptContext context = context();
        HangTrace seen = new HangSampler(cpu, memory, board, machine.timeout()).observe(halted);
        return Standstills.of(seen, context, config.image(), memory);
    }

    private Standstill ofHalt(GuestRun run) {
        board.advanceTo(cpu.clock().time());
        CpuState registers = run.registers().orElseGet(cpu::state);
        if (!registers.interruptsEnabled() && !board.hasInterrupts()) {
            return Standstills.ofHalt(registers, config.image());
        }
        HangTrace seen = HangTrace.of(registers, true, board.interruptsInService());
        return Standstills.of(seen, context(), config.image(), memory);
    }

    private InterruptContext context() {
        InputQueue typed = board.input();
        InterruptContext.Input input = !typed.isEmpty()
                ? InterruptContext.Input.WAITING
                : typed.wasUsed() ? InterruptContext.Input.READ : InterruptContext.Input.NONE;
        return new InterruptContext(
                board.interruptLines(),
                cpu.canInjectInterrupt(),
                board.takesInput(),
                input,
                machine.vcpus().size() == 1,
                board.interruptsWereSetUp(),
                board.interruptsAreCascaded(),
                board.ports().written());
    }
}
