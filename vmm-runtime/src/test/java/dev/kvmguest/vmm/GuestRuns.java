package dev.kvmguest.vmm;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeSet;

/** Runs for tests that only look at some of what a run has. */
final class GuestRuns {

    private GuestRuns() {}

    static GuestRun quiet() {
        return withConsole("");
    }

    static GuestRun withConsole(String console) {
        return of(console, Map.of());
    }

    static GuestRun withPorts(Map<Integer, byte[]> ports) {
        return of("", ports);
    }

    static GuestRun withScreen(Screen screen) {
        return of("", Map.of(), screen, Optional.empty());
    }

    static GuestRun withUnclaimedPorts(Integer... ports) {
        GuestRun run = quiet();
        run.unclaimedPorts().addAll(List.of(ports));
        return run;
    }

    static GuestRun withGuestTest(GuestTestResult result) {
        return of("", Map.of(), Screen.BLANK, Optional.of(result));
    }

    private static GuestRun of(String console, Map<Integer, byte[]> ports) {
        return of(console, ports, Screen.BLANK, Optional.empty());
    }

    private static GuestRun of(
            String console, Map<Integer, byte[]> ports, Screen screen, Optional<GuestTestResult> guestTest) {
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
                guestTest);
    }
}
