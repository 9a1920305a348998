package dev.kvmguest.vmm.bundle;

import static dev.kvmguest.vmm.TestGuest.flat;
import static dev.kvmguest.vmm.TestGuest.real;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.Machine;
import dev.kvmguest.vmm.NeedsKvm.Device;
import dev.kvmguest.vmm.OnEachEngine;
import dev.kvmguest.vmm.TestGuest;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.diagnosis.Diagnosis;
import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.diagnosis.GuestInstruction;
import dev.kvmguest.vmm.diagnosis.Standstill;
import dev.kvmguest.vmm.internal.engine.Feature;
import dev.kvmguest.vmm.keyboard.Key;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.report.JsonReport;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The same death with the same diagnosis, from a bundle and without the engine that ran the guest. */
@OnEachEngine
@Timeout(120)
class BundleReplayTests {

    private static final Duration LIMIT = Duration.ofSeconds(30);

    /** What names the engine, or is measured on the host, which decides for how long it looks at a guest that hangs. */
    private static final String OF_THE_RUN = "\"(engine|engineReason|wallMillis|seenBy|times)\": .*";

    private final EngineChoice engine;

    BundleReplayTests(EngineChoice engine) {
        Device.assumeFor(engine);
        this.engine = engine;
    }

    private static BundleReplay replay(Bundle bundle) {
        return Bundle.of("copy", bundle.bytes()).replay(LIMIT);
    }

    private void assertSame(Outcome outcome, BundleReplay replay) {
        assertThat(replay.sentence())
                .isEqualTo("Replayed on the emulator, the guest came to the same end as on " + engine
                        + ": outcome, exit code, console and first exception agree");
        assertThat(replay.cameToTheSameEnd()).isTrue();
        assertThat(report(replay.outcome())).isEqualTo(report(outcome));
        assertThat(replay.outcome().run().engine()).isEqualTo("emulator");
        assertThat(replay.outcome().run().engineReason()).isEqualTo("replayed from a bundle of a run on " + engine);
    }

    /** Returns the report, as far as the run's engine knew what is in it. */
    private Object report(Outcome outcome) {
        return engine == EngineChoice.KVM
                ? knownToKvm(outcome)
                : JsonReport.of(outcome)
                        .lines()
                        .map(line -> line.replaceFirst(OF_THE_RUN, "..."))
                        .collect(Collectors.joining("\n"));
    }

    /**
     * KVM counts nothing, sees no handler entered and, on AMD, loses the registers of what shut down; the replay knows
     * all that. What its devices did in the host's time, such as a tick that nobody took, is not recorded.
     */
    private static List<Object> knownToKvm(Outcome outcome) {
        Diagnosis diagnosis = outcome.run().diagnosis();
        return List.of(
                outcome.describe(),
                outcome.console(),
                outcome.screen().text(),
                outcome.run().unclaimedPorts(),
                outcome.run().unclaimedMemory(),
                outcome.warnings(),
                diagnosis
                        .fault()
                        .map(fault -> List.of(
                                text(fault.at()),
                                fault.chain(),
                                fault.shutdown(),
                                fault.lastInstructions().stream()
                                        .map(BundleReplayTests::text)
                                        .toList(),
                                fault.advice())),
                diagnosis.origin().map(Fault::chain),
                diagnosis.standstill().map(Standstill::advice),
                diagnosis.timeline().entries().stream()
                        .map(entry -> entry.kind() + " " + entry.address() + " "
                                + HexFormat.of().formatHex(entry.values()) + " " + entry.times())
                        .toList());
    }

    private static String text(GuestInstruction instruction) {
        return Long.toHexString(instruction.eip()) + " " + HexFormat.of().formatHex(instruction.bytes()) + " "
                + instruction.text();
    }

    @ParameterizedTest
    @EnumSource
    void guestThatEndsByItselfDoesSoInTheReplay(BundledGuests bundled) {
        bundled.feature.ifPresent(feature -> Device.assumeFor(engine, feature));
        try (Machine machine = Machine.create(BundledGuests.config(bundled.guest, engine))) {
            Outcome outcome = machine.run();

            assertSame(outcome, replay(BundledGuests.bundle(machine)));
        }
    }

    @Test
    void watchedExceptionsAreFoundAgain() {
        Device.assumeFor(engine, Feature.REAL_MODE_INTERRUPTS);
        // mov word [0x18],0x100a; ud2; hlt; nop; 0x100a: add word [esp],2; iret
        VcpuConfig guest = BundledGuests.withVectors("c7 06 18 00 0a 10 0f 0b f4 90 67 83 04 24 02 cf");
        MachineConfig config = MachineConfig.builder()
                .vcpu(guest)
                .engine(engine)
                .watchExceptions(true)
                .build();
        try (Machine machine = Machine.create(config)) {
            Outcome outcome = machine.run();

            assertThat(outcome.run().diagnosis().exceptions().orElseThrow()).hasSize(1);
            assertSame(outcome, replay(BundledGuests.bundle(machine)));
        }
    }

    @ParameterizedTest
    @EnumSource
    void guestThatHangsStillDoes(Hang hang) {
        Device.assumeFor(engine, hang.feature);
        try (Machine machine = TestGuest.hanging(MachineConfig.builder().vcpu(hang.guest), engine)) {
            Outcome outcome = machine.run();

            assertThat(outcome.kind()).isEqualTo(Outcome.Kind.TIMED_OUT);
            BundleReplay replay = replay(BundledGuests.bundle(machine));
            assertThat(replay.sentence()).contains("came to the same end as on " + engine);
            assertThat(replay.outcome().describe()).isEqualTo(outcome.describe());
            assertThat(replay.outcome().run().diagnosis().standstill()).isPresent();
            if (engine == EngineChoice.EMULATOR) {
                assertSame(outcome, replay);
            }
        }
    }

    private enum Hang {
        /** {@code here: inc ecx; jmp here}. */
        SPINS(real("66 41 eb fc")),
        /** {@code wait: in al,0x64; test al,1; jz wait}. */
        POLLS(real("e4 64 a8 01 74 fa")),
        /** Vector 8 to 0x1030, the timer at 100 us; {@code sti; wait: hlt; jmp wait}; ...; out 0x20,0x20; iret. */
        TICKS(BundledGuests.withVectors("c7 06 20 00 30 10 b0 34 e6 43 b0 77 e6 40 b0 00 e6 40 b0 fe e6 21 fb f4 eb fd"
                + " 90".repeat(22) + "b0 20 e6 20 cf")),
        /** {@code mov rax,0xffffffff80100009; jmp rax; here: inc r9; jmp here}. */
        SPINS_IN_LONG_MODE(
                real("48 c7 c0 09 00 10 80 ff e0 49 ff c1 eb fb").withBoot(BootMode.LONG), Feature.LONG_MODE);

        private final VcpuConfig guest;
        private final Feature feature;

        Hang(VcpuConfig guest) {
            this(guest, Feature.REAL_MODE_INTERRUPTS);
        }

        Hang(VcpuConfig guest, Feature feature) {
            this.guest = guest;
            this.feature = feature;
        }
    }

    @Test
    void whatWasTypedLiveIsInTheRecording() throws InterruptedException {
        // mov al,'R'; out 0xe9,al; again: in al,0x64; test al,1; jz again; in al,0x60; out 0xe9,al; cmp al,0x9c;
        // jne again; mov al,3; out 0xf4,al
        VcpuConfig guest = real("b0 52 e6 e9 e4 64 a8 01 74 fa e4 60 e6 e9 3c 9c 75 f2 b0 03 e6 f4");
        try (Machine machine = TestGuest.machine(guest, engine)) {
            machine.start();
            assertThat(machine.console().await("R", LIMIT)).isPresent();
            machine.press(0, Key.A);
            machine.press(0, Key.ENTER);
            Outcome outcome = machine.run();

            Bundle bundle = BundledGuests.bundle(machine);
            assertThat(bundle.config().vcpus().get(0).input()).isEmpty();
            assertSame(outcome, replay(bundle));
        }
    }

    @Test
    void replayDoesTheSameEachTime() {
        Bundle bundle = BundledGuests.of(flat("b0 41 e6 e9 0f 0b")); // mov al,'A'; out 0xe9,al; ud2

        BundleReplay first = replay(bundle);
        BundleReplay second = replay(bundle);

        assertThat(report(second.outcome())).isEqualTo(report(first.outcome()));
    }
}
