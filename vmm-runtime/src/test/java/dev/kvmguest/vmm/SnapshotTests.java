package dev.kvmguest.vmm;

import static dev.kvmguest.vmm.TestGuest.flat;
import static dev.kvmguest.vmm.TestGuest.real;
import static dev.kvmguest.vmm.TestGuest.realWithVectors;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kvmguest.vmm.NeedsKvm.Device;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.Milestone;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.internal.kvm.KvmEngine;
import dev.kvmguest.vmm.memory.GuestMemory;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.report.JsonReport;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Guests that go on from a snapshot do what they do when they are run from their boot, and are told of alike. */
@OnEachEngine
@Timeout(60)
class SnapshotTests {

    private static final Milestone PROMPT = Milestone.console(">");

    private static final Duration LONG = Duration.ofSeconds(30);

    /** mov al,'>'; out 0xe9,al */
    private static final String WRITE_PROMPT = "b0 3e e6 e9";

    /** Counts in memory and in BX, prompts, counts on and writes both: mov bx,'0'; mov byte [0x2000],'0'; ... */
    private static final VcpuConfig COUNTER = real(
            "bb 31 00" // mov bx, '1'
                    + "c6 06 00 20 31" // mov byte [0x2000], '1'
                    + WRITE_PROMPT
                    + "43" // inc bx
                    + "fe 06 00 20" // inc byte [0x2000]
                    + "88 d8 e6 e9" // mov al, bl; out 0xe9, al
                    + "a0 00 20 e6 e9" // mov al, [0x2000]; out 0xe9, al
                    + "f4");

    /** The prompt is on the screen only, and the guest halts for a timer that comes every 55 ms. */
    private static final VcpuConfig TICKS_ONCE = realWithVectors(
            "c7 06 20 00 23 10" // mov word [4*8], handler
                    + "b0 34 e6 43 30 c0 e6 40 e6 40" // mode 2, 65536
                    + "b0 fe e6 21" // mov al, 0xfe; out 0x21, al
                    + "b8 00 b8 8e c0" // mov ax, 0xb800; mov es, ax
                    + "26 c6 06 00 00 3e" // mov byte [es:0], '>'
                    + "fb" // sti
                    + "f4" // hlt
                    + "fa" // cli
                    + "f4" // hlt
                    + "b0 74 e6 e9" // handler: mov al, 't'; out 0xe9, al
                    + "b0 20 e6 20" // mov al, 0x20; out 0x20, al
                    + "cf");

    private final EngineChoice engine;

    SnapshotTests(EngineChoice engine) {
        Device.assumeFor(engine);
        this.engine = engine;
    }

    private MachineConfig config(VcpuConfig guest) {
        return MachineConfig.builder().vcpu(guest).engine(engine).build();
    }

    private Snapshot snapshot(VcpuConfig guest, Milestone milestone) {
        try (Machine machine = Machine.create(config(guest))) {
            assertThat(machine.runUntil(milestone))
                    .as(() -> "" + machine.outcome(0))
                    .isTrue();
            return machine.snapshot();
        }
    }

    private Outcome resumed(VcpuConfig guest, Milestone milestone) {
        try (Snapshot snapshot = snapshot(guest, milestone);
                Machine machine = Machine.create(snapshot)) {
            return machine.run();
        }
    }

    /** Requires the same report of both, but for what takes time on the host, and what KVM's host decides. */
    private void requireSame(VcpuConfig guest) {
        Outcome whole = TestGuest.run(guest, engine);
        Outcome resumed = resumed(guest, PROMPT);
        assertThat(facts(resumed)).isEqualTo(facts(whole));
    }

    private static String facts(Outcome outcome) {
        return JsonReport.of(outcome).replaceAll("\"wallMillis\": [0-9.]+", "");
    }

    @Test
    void goesOnWithRegistersAndMemoryAsTheyWere() {
        assertThat(resumed(COUNTER, PROMPT).console()).isEqualTo(">22");
        requireSame(COUNTER);
    }

    @Test
    void eachMachineOfASnapshotIsItsOwn() {
        try (Snapshot snapshot = snapshot(COUNTER, PROMPT)) {
            List<CompletableFuture<String>> consoles = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                consoles.add(CompletableFuture.supplyAsync(() -> {
                    try (Machine machine = Machine.create(snapshot)) {
                        return machine.run().console();
                    }
                }));
            }

            assertThat(consoles)
                    .allSatisfy(console -> assertThat(console.join()).isEqualTo(">22"));
        }
    }

    @Test
    void whatAMachineDoesToItsCodeAndDevicesTheNextDoesNotSee() {
        VcpuConfig guest = real(WRITE_PROMPT + "e4 21 e6 e9" // in al, 0x21; out 0xe9, al
                + "fe 06 11 10" // inc byte [0x1011]
                + "b0 00 e6 21" // mov al, 0; out 0x21, al
                + "b0 61 e6 e9" // mov al, 'a', which is a letter further by now; out 0xe9, al
                + "f4");
        try (Snapshot snapshot = snapshot(guest, PROMPT)) {
            for (int i = 0; i < 3; i++) {
                try (Machine machine = Machine.create(snapshot)) {
                    assertThat(machine.run().run().consoleBytes()).containsExactly('>', 0xff, 'b');
                }
            }
        }
    }

    @Test
    void whatTheHostWritesToOneMachineTheNextDoesNotHave() {
        VcpuConfig guest = real(WRITE_PROMPT + "b0 61 e6 e9 f4"); // mov al, 'a'; out 0xe9, al; hlt
        try (Snapshot snapshot = snapshot(guest, PROMPT)) {
            for (String letter : List.of("a", "z", "a")) {
                try (Machine machine = Machine.create(snapshot)) {
                    assertThat(machine.memory().readByte(0x1005)).isEqualTo('a');
                    assertThat(machine.memory().readByte(0x20_0000)).isZero();
                    if (letter.equals("z")) {
                        machine.memory().writeByte(0x1005, 'z');
                        machine.memory().writeByte(0x20_0000, 1);
                    }
                    assertThat(machine.run().console()).isEqualTo(">" + letter);
                }
            }
        }
    }

    @Test
    void memoryOfAClosedMachineIsNotThatOfTheNext() {
        try (Snapshot snapshot = snapshot(COUNTER, PROMPT)) {
            GuestMemory gone;
            try (Machine machine = Machine.create(snapshot)) {
                gone = machine.memory();
            }
            try (Machine machine = Machine.create(snapshot)) {
                assertThat(machine.memory().readByte(0x2000)).isEqualTo('1');
                assertThatThrownBy(() -> gone.readByte(0x2000)).isInstanceOf(IllegalStateException.class);
            }
        }
    }

    @Test
    void machinesOutliveTheirSnapshot() {
        Snapshot snapshot = snapshot(COUNTER, PROMPT);
        try (Machine machine = Machine.create(snapshot)) {
            snapshot.close();

            assertThat(machine.run().console()).isEqualTo(">22");
        }
    }

    @Test
    void machineThatItWasTakenOfGoesOnToo() {
        try (Machine machine = Machine.create(config(COUNTER))) {
            assertThat(machine.runUntil(PROMPT)).isTrue();
            assertThat(machine.console().text()).isEqualTo(">");
            assertThat(machine.isRunning()).isFalse();
            try (Snapshot snapshot = machine.snapshot()) {
                assertThat(machine.run().console()).isEqualTo(">22");
                try (Machine other = Machine.create(snapshot)) {
                    assertThat(other.run().console()).isEqualTo(">22");
                }
            }
        }
    }

    @Test
    void snapshotsCanBeTakenOneAfterTheOther() {
        VcpuConfig twice = real(WRITE_PROMPT + "b3 61" // mov bl, 'a'
                + WRITE_PROMPT + "88 d8 e6 e9" // mov al, bl; out 0xe9, al
                + "f4");
        try (Snapshot first = snapshot(twice, PROMPT);
                Machine machine = Machine.create(first)) {
            assertThat(machine.runUntil(PROMPT)).isTrue();
            assertThat(machine.console().text()).isEqualTo(">>");
            try (Snapshot second = machine.snapshot();
                    Machine last = Machine.create(second)) {
                assertThat(last.run().console()).isEqualTo(">>a");
            }
        }
    }

    @Test
    void deathIsExplainedAsAfterABoot() {
        // One instruction before the prompt and one after it are among the last that are told.
        VcpuConfig guest = flat(
                "b3 07" // mov bl, 7
                        + WRITE_PROMPT + "fe c3" // inc bl
                        + "0f 0b"); // ud2

        Outcome outcome = resumed(guest, PROMPT);

        assertThat(outcome.kind()).isEqualTo(Outcome.Kind.TRIPLE_FAULT);
        requireSame(guest);
    }

    @Test
    void deathInAHandlerThatWasEnteredBeforeIsExplainedAsAfterABoot() {
        VcpuConfig guest = real(
                "c7 06 80 00 0f 10" // mov word [0x80], 0x100f
                        + "c7 06 82 00 00 00" // mov word [0x82], 0
                        + "cd 20" // int 0x20
                        + "f4" // hlt
                        + WRITE_PROMPT
                        + "0f 0b"); // ud2

        requireSame(guest);
    }

    @Test
    void machineThatDiedLeavesNothingForTheNext() {
        VcpuConfig guest =
                flat(WRITE_PROMPT + "b0 02 66 ba 00 05 ee ec" // mov al, 2; mov dx, 0x500; out dx, al; in al, dx
                        + "3c 64 74 03" // cmp al, 'd'; je to the end
                        + "e6 e9 f4" // out 0xe9, al; hlt
                        + "0f 0b"); // ud2
        try (Snapshot snapshot = snapshot(guest, PROMPT)) {
            for (String letter : List.of("x", "d", "y", "d", "z")) {
                try (Machine machine = Machine.create(snapshot)) {
                    machine.type(letter);
                    Outcome outcome = machine.run();
                    assertThat(outcome.kind())
                            .isEqualTo(letter.equals("d") ? Outcome.Kind.TRIPLE_FAULT : Outcome.Kind.HALTED);
                    assertThat(outcome.console()).isEqualTo(letter.equals("d") ? ">" : ">" + letter);
                }
            }
        }
    }

    @Test
    void guestThatWaitsForAKeyIsGivenOne() {
        // The keyboard's interrupt writes and counts the scan codes, of a key pressed and released.
        VcpuConfig guest = realWithVectors(
                "c7 06 24 00 1e 10" // mov word [4*9], 0x101e
                        + "b0 fd e6 21" // mov al, 0xfd; out 0x21, al
                        + WRITE_PROMPT
                        + "fa 80 3e 00 30 02 73 04" // next: cli; cmp byte [0x3000], 2; jae to the end
                        + "fb f4 eb f4" // sti; hlt; jmp next
                        + "b0 7a e6 f4" // mov al, 'z'; out 0xf4, al
                        + "e4 60 e6 e9 fe 06 00 30" // handler: in al, 0x60; out 0xe9, al; inc byte [0x3000]
                        + "b0 20 e6 20 cf"); // mov al, 0x20; out 0x20, al; iret
        try (Snapshot snapshot = snapshot(guest, PROMPT)) {
            for (String key : List.of("a", "b")) {
                try (Machine machine = Machine.create(snapshot)) {
                    machine.type(key);
                    Outcome outcome = machine.run();
                    byte[] console = outcome.run().consoleBytes();
                    assertThat(outcome.kind()).isEqualTo(Outcome.Kind.DEBUG_EXIT);
                    assertThat(console[1]).isEqualTo((byte) (key.equals("a") ? 0x1e : 0x30));
                }
            }
        }
    }

    @Test
    void haltedGuestIsStillHalted() {
        // iret

        Outcome outcome = resumed(TICKS_ONCE, Milestone.screen(">"));

        assertThat(outcome.kind()).isEqualTo(Outcome.Kind.HALTED);
        assertThat(outcome.console()).isEqualTo("t");
    }

    @Test
    void fpuIsAsItWas() {
        VcpuConfig guest = real("0f 20 e0 80 cc 02 0f 22 e0" // mov rax, cr4; or ah, 2; mov cr4, rax
                        + "0f 10 04 25 01 00 10 00" // movups xmm0, [0x100001]
                        + WRITE_PROMPT + "0f 11 04 25 00 20 00 00" // movups [0x2000], xmm0
                        + "8a 04 25 00 20 00 00 e6 e9" // mov al, [0x2000]; out 0xe9, al
                        + "f4")
                .withBoot(BootMode.LONG);

        assertThat(resumed(guest, PROMPT).console()).isEqualTo("> ");
        requireSame(guest);
    }

    @Test
    void inputThatWaitsIsReadByEach() {
        VcpuConfig guest = real(WRITE_PROMPT + "b0 02 ba 00 05 ee ec e6 e9 f4") // arm a read; in al, dx; out 0xe9, al
                .withInput("xy");

        try (Snapshot snapshot = snapshot(guest, PROMPT)) {
            for (int i = 0; i < 2; i++) {
                try (Machine machine = Machine.create(snapshot)) {
                    assertThat(machine.run().console()).isEqualTo(">x");
                }
            }
        }
    }

    @Test
    void portIsAMilestone() {
        VcpuConfig guest = real(
                "b0 01 e6 80" // mov al, 1; out 0x80, al
                        + "b0 02 e6 84" // mov al, 2; out 0x84, al
                        + "b0 33 e6 e9 f4"); // mov al, '3'; out 0xe9, al; hlt

        Outcome outcome = resumed(guest, Milestone.port(0x84));

        assertThat(outcome.console()).isEqualTo("3");
        assertThat(outcome.run().port(0x84)).containsExactly(2);
    }

    @Test
    void guestThatRunsHasSnapshotsToo() throws InterruptedException {
        // Counts the bytes that it reads at COM1 in memory, and writes the count; a q ends it.
        VcpuConfig guest = real(WRITE_PROMPT
                + "ba fd 03 ec a8 01 74 fb b2 f8 ec" // poll the status; mov dl, 0xf8; in al, dx
                + "3c 71 74 0d" // cmp al, 'q'; je to the end
                + "fe 06 00 30 a0 00 30 04 30 e6 e9" // inc byte [0x3000]; mov al, [0x3000]; add al, '0'; out 0xe9, al
                + "eb e4 f4"); // jmp to the poll; hlt
        try (Machine machine = Machine.create(config(guest))) {
            machine.start();
            machine.type("ab");
            assertThat(machine.console().await(">12", LONG)).isPresent();
            try (Snapshot snapshot = machine.snapshot()) {
                machine.type("c");
                assertThat(machine.console().await("3", LONG)).isPresent();
                for (int i = 0; i < 2; i++) {
                    try (Machine other = Machine.create(snapshot)) {
                        other.type("xyq");
                        assertThat(other.run().console()).isEqualTo(">1234");
                    }
                }
            }
            machine.type("q");
            assertThat(machine.run().console()).isEqualTo(">123");
        }
    }

    @Test
    void guestThatWaitsInAHltHasSnapshotsToo() throws InterruptedException {
        // Each key's interrupt writes its scan code, and the guest halts for the next.
        VcpuConfig guest = realWithVectors(
                "c7 06 24 00 12 10" // mov word [4*9], 0x1012
                        + "b0 fd e6 21" // mov al, 0xfd; out 0x21, al
                        + WRITE_PROMPT
                        + "fb f4 eb fc" // next: sti; hlt; jmp next
                        + "e4 60 e6 e9 b0 20 e6 20 cf"); // handler: in al, 0x60; out 0xe9, al; mov al, 0x20; out 0x20,
        // al; iret
        try (Machine machine = Machine.create(config(guest))) {
            machine.start();
            assertThat(machine.console().await(">", LONG)).isPresent();
            try (Snapshot snapshot = machine.snapshot();
                    Machine other = Machine.create(snapshot)) {
                other.start();
                other.type("a");
                assertThat(other.console().await("\u001e", LONG)).isPresent();
                assertThat(machine.console().text()).isEqualTo(">");
            }
            machine.stop();
            assertThat(machine.run().kind()).isEqualTo(Outcome.Kind.STOPPED);
            assertThatThrownBy(machine::snapshot).isInstanceOf(IllegalStateException.class);
        }
    }

    @Test
    void symbolIsAMilestone() {
        // Both are come to by running on into them, the second one in a loop.
        VcpuConfig guest = VcpuConfig.of(TestGuest.image(
                "b3 61" // mov bl, 'a'
                        + "88 d8 e6 e9" // ready: mov al, bl; out 0xe9, al
                        + "fe c3 80 fb 63 75 f5" // again: inc bl; cmp bl, 'c'; jne ready
                        + "f4",
                new GuestImage.Symbol("ready", 0x1002, 4, 0x100e),
                new GuestImage.Symbol("again", 0x1006, 7, 0x100e)));
        try (Machine machine = Machine.create(config(guest))) {
            Optional<String> whyNot =
                    engine == EngineChoice.KVM ? KvmEngine.instance().whyNoBreakpoints() : Optional.empty();
            if (whyNot.isPresent()) {
                assertThatThrownBy(() -> machine.runUntil(Milestone.symbol("ready")))
                        .isInstanceOf(VmmException.class)
                        .hasMessageContaining(whyNot.get());
                return;
            }
            assertThat(machine.runUntil(Milestone.symbol("ready"))).isTrue();
            assertThat(machine.console().text()).isEmpty();
            assertThat(machine.runUntil(Milestone.symbol("again"))).isTrue();
            assertThat(machine.console().text()).isEqualTo("a");
            try (Snapshot snapshot = machine.snapshot();
                    Machine other = Machine.create(snapshot)) {
                assertThat(other.run().console()).isEqualTo("ab");
            }
            assertThat(machine.run().console()).isEqualTo("ab");
        }
    }

    @Test
    void symbolThatTheImageLacksIsAnErrorAndLosesNothing() {
        VcpuConfig guest =
                VcpuConfig.of(TestGuest.image("f4", new GuestImage.Symbol("kernel_ready", 0x1000, 1, 0x1001)));
        try (Machine machine = Machine.create(config(guest))) {
            assertThatThrownBy(() -> machine.runUntil(Milestone.symbol("kernel_redy")))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("image guest has no symbol \"kernel_redy\"; did you mean kernel_ready?");
            assertThat(machine.run().kind()).isEqualTo(Outcome.Kind.HALTED);
        }
    }

    /** From KVM to the emulator, and from the emulator to KVM where that is there. */
    @Test
    void guestGoesOnOnTheOtherEngine() {
        EngineChoice other = engine == EngineChoice.KVM ? EngineChoice.EMULATOR : EngineChoice.KVM;
        Device.assumeFor(other);
        try (Snapshot snapshot = snapshot(COUNTER, PROMPT)) {
            for (int i = 0; i < 2; i++) {
                try (Machine machine = Machine.create(snapshot, other)) {
                    Outcome outcome = machine.run();
                    assertThat(outcome.console()).isEqualTo(">22");
                    assertThat(outcome.run().engine()).isEqualTo(other.id());
                }
            }
            try (Machine machine = Machine.create(snapshot, engine)) {
                assertThat(machine.run().run().engine()).isEqualTo(engine.id());
            }
        }
    }

    @Test
    void guestThatHaltsGoesOnOnTheOtherEngine() {
        EngineChoice other = engine == EngineChoice.KVM ? EngineChoice.EMULATOR : EngineChoice.KVM;
        Device.assumeFor(other);
        try (Snapshot snapshot = snapshot(TICKS_ONCE, Milestone.screen(">"));
                Machine machine = Machine.create(snapshot, other)) {
            assertThat(machine.run().console()).isEqualTo("t");
        }
    }

    @Test
    void qemuGoesOnFromNoSnapshot() {
        try (Snapshot snapshot = snapshot(COUNTER, PROMPT)) {
            assertThatThrownBy(() -> Machine.create(snapshot, EngineChoice.QEMU))
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void milestoneThatNeverComesIsTheGuestsEnd() {
        try (Machine machine = Machine.create(config(COUNTER))) {
            assertThat(machine.runUntil(Milestone.console("never"))).isFalse();
            assertThat(machine.outcome(0)).get().extracting(Outcome::console).isEqualTo(">22");
            assertThatThrownBy(machine::snapshot)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("the guest has come to its end");
            assertThatThrownBy(() -> machine.runUntil(PROMPT)).isInstanceOf(IllegalStateException.class);
        }
    }

    @Test
    void milestoneIsFoundAmongManyBytesOfOneInstruction() {
        // mov si, 0x100c; mov cx, 7; mov dx, 0xe9; rep outsb; hlt; "abready"
        VcpuConfig guest = real("be 0c 10 b9 07 00 ba e9 00 f3 6e f4 61 62 72 65 61 64 79");

        assertThat(resumed(guest, Milestone.console("bre")).console()).isEqualTo("abready");
    }

    @Test
    void timeLimitIsThatOfTheMachine() {
        VcpuConfig guest = real(WRITE_PROMPT + "40 eb fd"); // here: inc ax; jmp here

        try (Snapshot snapshot = snapshot(guest, PROMPT);
                Machine machine = Machine.create(snapshot, Duration.ofMillis(40))) {
            assertThat(machine.run()).isInstanceOfSatisfying(Outcome.TimedOut.class, end -> assertThat(
                            end.run().console())
                    .isEqualTo(">"));
        }
    }

    @Test
    void closedSnapshotMakesNoMachine() {
        Snapshot snapshot = snapshot(COUNTER, PROMPT);
        assertThat(snapshot.usedBytes()).isPositive();
        snapshot.close();
        snapshot.close();

        assertThatThrownBy(() -> Machine.create(snapshot))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("the snapshot is closed");
    }

    @Test
    void pausedMachineIsNotStartedOnAnotherThread() {
        try (Machine machine = Machine.create(config(COUNTER))) {
            assertThat(machine.runUntil(PROMPT)).isTrue();

            assertThatThrownBy(machine::start)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageStartingWith("the guest is paused");
        }
    }

    @Test
    void machineThatWasNotRunYetHasASnapshot() {
        try (Machine machine = Machine.create(config(COUNTER));
                Snapshot snapshot = machine.snapshot();
                Machine other = Machine.create(snapshot)) {
            assertThat(other.run().console()).isEqualTo(">22");
        }
    }

    @Test
    void severalVcpusHaveNone() {
        MachineConfig config = MachineConfig.builder()
                .vcpu(COUNTER)
                .vcpu(COUNTER.withLoad(0x8000))
                .engine(engine)
                .build();
        try (Machine machine = Machine.create(config)) {
            assertThatThrownBy(machine::snapshot)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("a machine with 2 vCPUs has no snapshot");
            assertThatThrownBy(() -> machine.runUntil(PROMPT)).isInstanceOf(IllegalStateException.class);
        }
    }
}
