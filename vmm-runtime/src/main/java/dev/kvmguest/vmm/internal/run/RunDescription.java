package dev.kvmguest.vmm.internal.run;

import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.diagnosis.Diagnosis;
import dev.kvmguest.vmm.image.GuestImage.Symbol;
import dev.kvmguest.vmm.internal.board.PcBoard;
import dev.kvmguest.vmm.internal.engine.VirtualCpu;
import dev.kvmguest.vmm.internal.vcpu.FirmwareCalls;
import dev.kvmguest.vmm.memory.MemoryLayout;
import dev.kvmguest.vmm.outcome.Console;
import dev.kvmguest.vmm.outcome.GuestRun;
import dev.kvmguest.vmm.outcome.Screen;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * What a run's record says that isn't found out while it runs.
 *
 * @param vcpu the number of the vCPU, from 0
 * @param config what it runs
 * @param timeout its time limit
 * @param engine the engine, and why it
 * @param layout what lies where in memory
 * @param screen gives what the machine's screen shows
 */
record RunDescription(
        int vcpu,
        VcpuConfig config,
        Duration timeout,
        EngineSelection engine,
        MemoryLayout layout,
        Supplier<Screen> screen) {

    /** Returns the record of a run that has ended, without a diagnosis. */
    GuestRun record(VirtualCpu cpu, PcBoard board, Console console, FirmwareCalls firmware, Duration wallTime) {
        return new GuestRun(
                config.image().name(),
                config.boot(),
                vcpu,
                engine.engine().name(),
                engine.reason(),
                console.bytes(),
                board.ports().written(),
                board.ports().unclaimed(),
                board.memory().unclaimed(),
                cpu.observer().map(seen -> OptionalLong.of(seen.instructions())).orElse(OptionalLong.empty()),
                wallTime,
                registers(cpu, firmware),
                layout,
                screen.get(),
                board.testPort().result(),
                Diagnosis.NONE,
                symbols());
    }

    private Set<String> symbols() {
        return config.image().symbols().stream().map(Symbol::name).collect(Collectors.toSet());
    }

    private static Optional<CpuState> registers(VirtualCpu cpu, FirmwareCalls firmware) {
        try {
            return Optional.of(cpu.state())
                    .filter(state -> !state.isResetState())
                    .map(firmware::atTheEnd);
        } catch (RuntimeException e) {
            // The engine's failure is what the outcome tells; that its registers can't be read adds nothing.
            return Optional.empty();
        }
    }
}
