package dev.kvmguest.vmm.faults;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.internal.emulator.EmulatorEngine;
import dev.kvmguest.vmm.internal.engine.VirtualMachine;
import dev.kvmguest.vmm.internal.engine.VmExit;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicContainer;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Runs every line of the fault tables on the emulator. */
class FaultTableTests {

    /** The files, by subject. */
    static final List<String> TABLES = List.of(
            "arithmetic",
            "opcodes",
            "segments",
            "stack",
            "paging",
            "fpu",
            "privilege",
            "debug",
            "gates",
            "double",
            "far",
            "system",
            "alignment",
            "real",
            "long-delivery",
            "long-returns",
            "long-far",
            "long-calls",
            "long-paging",
            "long-canonical",
            "long-system",
            "compatibility");

    /** A line takes some microseconds; one that goes wrong may run for ever. */
    private static final int SECONDS_FOR_A_LINE = 5;

    private static final ScheduledExecutorService WATCHDOG = Executors.newSingleThreadScheduledExecutor(task -> {
        Thread thread = new Thread(task, "watchdog of the fault tables");
        thread.setDaemon(true);
        return thread;
    });

    @TestFactory
    Stream<DynamicContainer> everyCheckOfTheManualGivesItsFault() {
        return TABLES.stream().map(name -> DynamicContainer.dynamicContainer(name, table(name)));
    }

    private static Stream<DynamicTest> table(String name) {
        return FaultLine.table(name).stream().map(line -> DynamicTest.dynamicTest(line.toString(), () -> run(line)));
    }

    private static void run(FaultLine line) {
        try (VirtualMachine machine = EmulatorEngine.instance().createMachine(GuestWorld.SIZE, 1)) {
            Scenario scenario = new Scenario(line, machine.memory());
            ScheduledFuture<?> limit =
                    WATCHDOG.schedule(machine.vcpu(0)::interrupt, SECONDS_FOR_A_LINE, TimeUnit.SECONDS);
            VmExit exit = scenario.run(machine.vcpu(0));
            limit.cancel(false);
            assertThat(new Expected(scenario).differences(exit, machine.vcpu(0).state()))
                    .as(line.toString())
                    .isEmpty();
        }
    }
}
