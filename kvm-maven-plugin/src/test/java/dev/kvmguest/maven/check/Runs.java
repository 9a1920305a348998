package dev.kvmguest.maven.check;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.diagnosis.Diagnosis;
import dev.kvmguest.vmm.memory.MemoryLayout;
import dev.kvmguest.vmm.outcome.Expectation;
import dev.kvmguest.vmm.outcome.GuestRun;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.outcome.Screen;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeSet;

/** Checks and outcomes that no machine has made. */
final class Runs {

    private Runs() {}

    static GuestCheck check(String guest, String name) {
        return check(guest, name, Expectation.builder().build());
    }

    static GuestCheck check(String guest, String name, Expectation expectation) {
        return new GuestCheck(
                guest,
                name,
                "",
                Optional.empty(),
                expectation,
                Duration.ofSeconds(1),
                MachineConfig.DEFAULT_DATE,
                EngineChoice.AUTO,
                List.of(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty());
    }

    /** Returns a check that is worth points. */
    static GuestCheck check(String guest, String name, String points) {
        GuestCheck plain = check(guest, name);
        return new GuestCheck(
                guest,
                name,
                plain.input(),
                plain.bootedUntil(),
                plain.expectation(),
                plain.timeout(),
                plain.date(),
                plain.engine(),
                plain.qemuArguments(),
                plain.commandLine(),
                plain.modules(),
                plain.guestTest(),
                Optional.of(Points.parse(points)),
                plain.obstacle());
    }

    static CheckResult passed(GuestCheck check, String console) {
        return CheckResult.ran(check, Duration.ofMillis(12), exit(0, console));
    }

    static CheckResult passed(GuestCheck check, Screen screen) {
        return CheckResult.ran(check, Duration.ofMillis(12), new Outcome.Halted(false, run("", screen)));
    }

    static CheckResult failed(GuestCheck check, Screen screen) {
        return CheckResult.ran(check, Duration.ofMillis(12), new Outcome.TripleFault(run("", screen)));
    }

    static CheckResult failed(GuestCheck check) {
        return CheckResult.ran(check, Duration.ofMillis(1500), new Outcome.TripleFault(run("dying\n")));
    }

    static CheckResult notRun(GuestCheck check, Exception error) {
        return CheckResult.notRun(check, Duration.ZERO, error);
    }

    static Outcome exit(int code, String console) {
        return new Outcome.DebugExit(code, run(console));
    }

    private static GuestRun run(String console) {
        return run(console, Screen.BLANK);
    }

    private static GuestRun run(String console, Screen screen) {
        return new GuestRun(
                "kernel",
                BootMode.PROTECTED,
                0,
                "kvm",
                "asked for",
                console.getBytes(StandardCharsets.UTF_8),
                Map.of(),
                new TreeSet<>(),
                new TreeSet<>(),
                OptionalLong.empty(),
                Duration.ofMillis(3),
                Optional.empty(),
                MemoryLayout.UNKNOWN,
                screen,
                Optional.empty(),
                Diagnosis.NONE);
    }
}
