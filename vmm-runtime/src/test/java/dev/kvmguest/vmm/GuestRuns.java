package dev.kvmguest.vmm;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.diagnosis.Diagnosis;
import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.diagnosis.GuestInstruction;
import dev.kvmguest.vmm.memory.MemoryLayout;
import dev.kvmguest.vmm.outcome.GuestRun;
import dev.kvmguest.vmm.outcome.GuestTestResult;
import dev.kvmguest.vmm.outcome.Screen;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.TreeSet;

/** Runs for tests that only look at some of what a run has. */
public final class GuestRuns {

    private GuestRuns() {}

    public static GuestRun quiet() {
        return withConsole("");
    }

    public static GuestRun withConsole(String console) {
        return of(console, Map.of());
    }

    public static GuestRun withPorts(Map<Integer, byte[]> ports) {
        return of("", ports);
    }

    public static GuestRun withScreen(Screen screen) {
        return of("", Map.of(), screen, Optional.empty(), Optional.empty());
    }

    public static GuestRun withUnclaimedPorts(Integer... ports) {
        GuestRun run = quiet();
        run.unclaimedPorts().addAll(List.of(ports));
        return run;
    }

    public static GuestRun withGuestTest(GuestTestResult result) {
        return of("", Map.of(), Screen.BLANK, Optional.of(result), Optional.empty());
    }

    /** Returns a run that an exception without a handler has ended. */
    public static GuestRun withFault(int vector) {
        Fault.Event first = new Fault.Event(vector, OptionalInt.empty(), OptionalLong.empty(), Optional.empty());
        Fault fault = new Fault(
                new GuestInstruction(0x1000, new byte[0], "", Optional.empty(), Optional.empty()),
                List.of(first),
                "there is no handler",
                List.of(),
                CpuState.builder().build(),
                "the emulator",
                List.of());
        return of("", Map.of(), Screen.BLANK, Optional.empty(), Optional.of(fault));
    }

    private static GuestRun of(String console, Map<Integer, byte[]> ports) {
        return of(console, ports, Screen.BLANK, Optional.empty(), Optional.empty());
    }

    private static GuestRun of(
            String console,
            Map<Integer, byte[]> ports,
            Screen screen,
            Optional<GuestTestResult> guestTest,
            Optional<Fault> fault) {
        return new GuestRun(
                "kernel",
                BootMode.REAL,
                0,
                "kvm",
                "asked for",
                console.getBytes(StandardCharsets.UTF_8),
                ports,
                new TreeSet<>(),
                new TreeSet<>(),
                OptionalLong.empty(),
                Duration.ofMillis(1),
                Optional.empty(),
                MemoryLayout.UNKNOWN,
                screen,
                guestTest,
                fault.map(Diagnosis.NONE::withFault).orElse(Diagnosis.NONE));
    }
}
