package dev.kvmguest.vmm.internal.replay;

import static dev.kvmguest.vmm.TestGuest.flat;
import static dev.kvmguest.vmm.TestGuest.real;
import static dev.kvmguest.vmm.TestGuest.realWithVectors;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.kvmguest.vmm.FakeVirtualCpu;
import dev.kvmguest.vmm.FpuErrorTests;
import dev.kvmguest.vmm.RecordedRun;
import dev.kvmguest.vmm.TestGuest;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.diagnosis.GuestInstruction;
import dev.kvmguest.vmm.diagnosis.HandledException;
import dev.kvmguest.vmm.diagnosis.Parting;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.internal.engine.ExecutionObserver;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A guest that was recorded on the emulator does the same again, without its machine. */
@Timeout(60)
class ReplayTests {

    private static final Duration LIMIT = Duration.ofSeconds(20);
    /** mov ecx, 0x1b; xor edx, edx; mov eax, 0xfee00900; wrmsr. */
    private static final String ENABLE_APIC = "66 b9 1b 00 00 00 66 31 d2 66 b8 00 09 e0 fe 0f 30";

    /**
     * mov esp,0x8000; IDT[8] to 0x1053; out 0x21,0xfe; sti; wait: hlt; rdtsc; mov esi,eax; cmp byte [ticks],3; jb wait;
     * mov dx,0x3f8; in al,dx; out 0xe9,al; in al,dx; out 0xe9,al; mov word [0x56c],0; ud2; 0x1053: inc byte [ticks];
     * push eax; out 0x20,0x20; pop eax; iretd
     */
    private static final VcpuConfig TICKING =
            flat("bc 00 80 00 00 b8 53 10 00 00 66 a3 68 05 00 00 66 c7 05 6a 05 00 00 08 00 66 c7 05 6c 05 00 00"
                            + " 00 8e c1 e8 10 66 a3 6e 05 00 00 b0 fe e6 21 fb f4 0f 31 89 c6 80 3d 60 10 00 00 03 72 f2 66 ba"
                            + " f8 03 ec e6 e9 ec e6 e9 66 c7 05 6c 05 00 00 00 00 0f 0b fe 05 60 10 00 00 50 b0 20 e6 20 58 cf"
                            + " 00")
                    .withInput("ab");

    /**
     * Vector 8 to 0x101c; mov es,0x2000; xor di,di; mov cx,60000; sti; nop; 0x1018: rep stosb; cli; hlt;
     * 0x101c: mov bx,cx; iret
     */
    private static final VcpuConfig FILLING =
            real("c7 06 20 00 1c 10 c7 06 22 00 00 00 b8 00 20 8e c0 31 ff b9 60 ea fb 90 f3 aa fa f4 89 cb cf");

    private static Replay replay(RecordedRun run) {
        return Replay.of(run.recording(), Origin.boot(run.config(), 0), LIMIT);
    }

    private static void assertReplaysExactly(RecordedRun run) {
        assertReplaysExactly(run, Origin.boot(run.config(), 0));
    }

    private static void assertReplaysExactly(RecordedRun run, Origin origin) {
        try (Replay replay = Replay.of(run.recording(), origin, LIMIT)) {
            assertThat(replay.run()).isEmpty();
            assertThat(replay.instructions()).isEqualTo(run.instructions());
            assertThat(replay.cpu().state()).isEqualTo(run.state());
            assertThat(replay.memory().read(0, run.memory().length)).isEqualTo(run.memory());
            assertThat(replay.fault().map(fault -> fault.first().toString()))
                    .isEqualTo(run.fault().map(fault -> fault.first().toString()));
        }
    }

    @Test
    void guestWithTimerAndInputDiesAsItDid() {
        RecordedRun run = RecordedRun.of(TICKING);

        assertThat(run.fault().orElseThrow().first()).hasToString("#UD");
        assertReplaysExactly(run);
    }

    @Test
    void interruptsComeAtTheSameInstruction() {
        // vector 8 to 0x102b; timer at 100 us; sti; spin: inc cx; cmp byte [ticks],50; jb spin; cli; mov ax,cx;
        // out 0xe9,al; hlt; 0x102b: inc byte [ticks]; push ax; out 0x20,0x20; pop ax; iret
        RecordedRun run = RecordedRun.of(
                real("c7 06 20 00 2b 10 c7 06 22 00 00 00 b0 34 e6 43 b0 77 e6 40 b0 00 e6 40 b0 fe e6 21 fb 41 80 3e"
                        + " 36 10 32 72 f8 fa 89 c8 e6 e9 f4 fe 06 36 10 50 b0 20 e6 20 58 cf 00"));

        assertThat(run.recording().events()).isGreaterThan(100);
        assertThat(run.state().get(Register.RCX)).isGreaterThan(1000);
        assertReplaysExactly(run);
    }

    @Test
    void replayCanStartInTheMiddleOfARun() {
        RecordedRun run = RecordedRun.of(TICKING);
        GuestImage image = TICKING.image();

        try (Replay replay = replay(run)) {
            for (long at = 1; replay.runTo(at); at++) {
                assertReplaysExactly(run, replay.here(image));
            }
        }
    }

    @Test
    void originThatIsAfterTheRecordingIsRefused() {
        RecordedRun run = RecordedRun.of(TICKING);
        try (Replay replay = replay(run)) {
            replay.run();
            Origin end = replay.here(TICKING.image());
            Recording other = RecordedRun.of(real("f4")).recording();

            assertThatIllegalArgumentException()
                    .isThrownBy(() -> Replay.of(other, end, LIMIT))
                    .withMessage("the origin is after " + end.events() + " exchanges, and the recording has 1");
        }
    }

    @Test
    void guestThatLeftOrHaltedEndsThere() {
        assertReplaysExactly(RecordedRun.of(real("b0 05 e6 f4 b0 07 eb fe"))); // mov al,5; out 0xf4,al; mov al,7; jmp $
        assertReplaysExactly(RecordedRun.of(real("b0 05 f4 b0 07"))); // mov al,5; hlt; mov al,7
    }

    @Test
    void guestThatWasEndedByTheHostIsThereAgain() {
        assertReplaysExactly(RecordedRun.of(real("66 41 eb fc"), 1_000_000)); // here: inc ecx; jmp here
        assertReplaysExactly(RecordedRun.of(TICKING, 60_000_000)); // in the first HLT or behind it
        assertReplaysExactly(RecordedRun.of(real("e4 60 eb fc"), 100_000)); // here: in al,0x60; jmp here
    }

    @Test
    void stringsOfPortsAndMemoryWithoutRamAreReplayed() {
        // mov dx,0x3f8; mov edi,0x2000; mov ecx,3; rep insb; mov esi,0x2000; mov ecx,3; mov dx,0xe9; rep outsb;
        // mov eax,[0x7000000]; mov [0x7000004],eax; ud2
        assertReplaysExactly(
                RecordedRun.of(flat("66 ba f8 03 bf 00 20 00 00 b9 03 00 00 00 f3 6c be 00 20 00 00 b9 03 00 00 00"
                                + " 66 ba e9 00 f3 6e a1 00 00 00 07 a3 04 00 00 07 0f 0b")
                        .withInput("xyz")));
    }

    @Test
    void interruptAmidARepeatedInstructionIsFoundByTheRegisters() {
        try (Replay replay = Replay.of(recordingOfFilling(), Origin.boot(config(FILLING), 0), LIMIT)) {
            assertThat(replay.run()).isEmpty();
            assertThat(replay.cpu().state().get(Register.RBX)).isEqualTo(30_000);
        }
    }

    @Test
    void interruptThatAnEngineGivesBehindStiIsGivenThere() {
        // mov word [0x20],0x100b; sti; here: inc ecx; jmp here; 0x100b: pop bx; hlt, with the return address in bx
        VcpuConfig guest = realWithVectors("c7 06 20 00 0b 10 fb 66 41 eb fc 5b f4");
        Recording recording = recordingOfAnInterrupt(CpuState.builder().set(Register.RIP, 0x1007));

        try (Replay replay = Replay.of(recording, Origin.boot(config(guest), 0), LIMIT)) {
            assertThat(replay.run()).isEmpty();
            assertThat(replay.cpu().state().get(Register.RBX)).isEqualTo(0x1007);
            assertThat(replay.cpu().state().get(Register.RCX)).isZero();
        }
    }

    @Test
    void divergenceBehindSuchAnInterruptSaysThatItsPlaceIsAGuess() {
        Recording recording = recordingOfFilling();
        recording.out(0x80, 1, 1);

        assertThat(parting(recording, FILLING, LIMIT)).hasValueSatisfying(sentence -> assertThat(sentence)
                .endsWith("; where its interrupts came is known by the registers only"));
    }

    /** Returns what an engine that counts no instructions records of it. */
    private static Recording recordingOfFilling() {
        return recordingOfAnInterrupt(CpuState.builder()
                .set(Register.RAX, 0x2000)
                .set(Register.RCX, 30_000)
                .set(Register.RDI, 30_000)
                .set(Register.RSP, 0x1000)
                .set(Register.RIP, 0x1018));
    }

    /** Returns what such an engine records of a guest that takes the timer's interrupt, then halts. */
    private static Recording recordingOfAnInterrupt(CpuState.Builder registers) {
        FakeVirtualCpu uncounted = new FakeVirtualCpu();
        uncounted.setState(registers.set(Register.RFLAGS, CpuState.EFLAGS_IF).build());
        Recording recording = new Recording(uncounted);
        recording.ranOn();
        recording.interrupt(8);
        recording.halt(0);
        return recording;
    }

    @Test
    void replayStopsAtExactlyTheInstructionAskedForAndGoesOn() {
        RecordedRun run = RecordedRun.of(TICKING);
        try (Replay replay = replay(run);
                Replay stepped = replay(run)) {
            for (long i = 1; i < run.instructions(); i++) {
                assertThat(replay.runTo(i)).isTrue();
                assertThat(replay.instructions()).isEqualTo(i);
            }
            while (stepped.step()) {
                assertThat(stepped.instructions()).isLessThan(run.instructions() + 1);
            }
            assertThat(replay.run()).isEmpty();
            assertThat(stepped.run()).isEmpty();
            assertThat(replay.cpu().state())
                    .isEqualTo(run.state())
                    .isEqualTo(stepped.cpu().state());
        }
    }

    @Test
    void exceptionsOfTheReplayCanBeWatched() {
        // mov word [0xc],0x1010; mov word [0xe],0; int3; hlt; nop; nop; 0x1010: iret
        RecordedRun run = RecordedRun.of(real("c7 06 0c 00 10 10 c7 06 0e 00 00 00 cc f4 90 90 cf"));
        try (Replay replay = replay(run)) {
            ExecutionObserver observer = replay.cpu().observer().orElseThrow();
            observer.watchExceptions();

            assertThat(replay.run()).isEmpty();

            assertThat(observer.exceptions())
                    .extracting(HandledException::exception)
                    .hasToString("[#BP]");
        }
    }

    @Test
    void recordingWithoutItsBeginningIsRefused() {
        Recording small = new Recording(new FakeVirtualCpu(), 2);
        small.out(1, 1, 1);
        small.out(2, 1, 1);
        small.out(3, 1, 1);

        assertThatIllegalArgumentException()
                .isThrownBy(() -> Replay.of(small, Origin.boot(config(real("f4")), 0), LIMIT))
                .withMessageContaining("too many exchanges");
    }

    // What follows replays one guest by what was recorded of another.

    private static Optional<String> parting(VcpuConfig recorded, VcpuConfig replayed) {
        return parting(RecordedRun.of(recorded).recording(), replayed, LIMIT);
    }

    private static Optional<String> parting(Recording recording, VcpuConfig replayed, Duration limit) {
        try (Replay replay = Replay.of(recording, Origin.boot(config(replayed), 0), limit)) {
            return replay.run().map(divergence -> divergence.sentence("kvm", replayed.image()));
        }
    }

    private static MachineConfig config(VcpuConfig guest) {
        return MachineConfig.builder().vcpu(guest).memory(1 << 20).build();
    }

    @Test
    void otherValueIsADivergence() {
        // mov al,1; out 0xe9,al; mov al,0x41 or 0x42; out 0xe9,al; hlt
        assertThat(parting(real("b0 01 e6 e9 b0 41 e6 e9 f4"), real("b0 01 e6 e9 b0 42 e6 e9 f4")))
                .contains(
                        "kvm and the emulator part after 1 exchange, at 0x1006: on kvm the guest wrote 0x41 to port 0xe9,"
                                + " on the emulator it wrote 0x42 to port 0xe9");
    }

    @Test
    void divergenceHasTheInstructionThatDidSomethingElse() {
        // mov esi,0x1000; mov ecx,3; mov edx,0xe9; rep outsb; hlt
        String repeated = "be 00 10 00 00 b9 03 00 00 00 ba e9 00 00 00 f3 6e f4";

        assertThat(place(real("b0 01 e6 e9 f4"), real("b0 02 e6 e9 f4"))).isEqualTo("out 0xe9, al at 0x1002, e6 e9");
        assertThat(place(real("b0 01 e6 e9 f4"), real("90 e4 60 f4"))).isEqualTo("in al, 0x60 at 0x1001, e4 60");
        assertThat(place(real("b0 01 e6 e9 f4"), real("90 90 f4"))).isEqualTo("hlt at 0x1002, f4");
        assertThat(place(real("b0 01 e6 e9 f4"), flat("90 0f 0b"))).isEqualTo("ud2 at 0x1001, 0f 0b");
        assertThat(place(flat("fa f4"), flat(repeated))).isEqualTo("rep outsb at 0x100f, f3 6e");
    }

    private static String place(VcpuConfig recorded, VcpuConfig replayed) {
        Recording recording = RecordedRun.of(recorded).recording();
        try (Replay replay = Replay.of(recording, Origin.boot(config(replayed), 0), LIMIT)) {
            GuestInstruction at = replay.run().orElseThrow().at();
            return at.inWords() + ", " + HexFormat.ofDelimiter(" ").formatHex(at.bytes());
        }
    }

    @Test
    void partingHasTheNamesOfTheImage() {
        GuestImage image = TestGuest.image("b0 02 e6 e9 f4", new GuestImage.Symbol("putc", 0x1000, 5, 0x1005, false));
        Recording recording = RecordedRun.of(real("b0 01 e6 e9 f4")).recording();
        try (Replay replay = Replay.of(recording, Origin.boot(config(VcpuConfig.of(image)), 0), LIMIT)) {
            Parting parting = replay.run().orElseThrow().parting("kvm", image);

            assertThat(parting.sentence())
                    .startsWith("kvm and the emulator part at once, at 0x1002 (putc+0x2): on kvm");
            assertThat(parting.at().orElseThrow().symbol()).contains("putc+0x2");
        }
    }

    @Test
    void otherWidthIsADivergenceThatIsNamed() {
        assertThat(parting(real("e4 60 f4"), real("e5 60 f4"))) // in al,0x60; hlt, and in ax,0x60; hlt
                .contains(
                        "kvm and the emulator part at once, at 0x1000: on kvm the guest read port 0x60, on the emulator"
                                + " it read port 0x60 (2 bytes)");
        // mov ax,1; out 0x80,al; hlt, and mov ax,1; out 0x80,ax; hlt
        assertThat(parting(real("b8 01 00 e6 80 f4"), real("b8 01 00 e7 80 f4")))
                .get()
                .asString()
                .endsWith("wrote 0x1 to port 0x80, on the emulator it wrote 0x1 to port 0x80 (2 bytes)");
    }

    @Test
    void deathOfOneIsADivergence() {
        assertThat(parting(real("b0 41 e6 e9 f4"), flat("0f 0b")))
                .contains(
                        "kvm and the emulator part at once, at 0x1000: on kvm the guest wrote 0x41 to port 0xe9, on the"
                                + " emulator it shut down by #UD");
        assertThat(parting(flat("0f 0b"), real("e4 60 f4")))
                .contains(
                        "kvm and the emulator part at once, at 0x1000: on kvm the guest shut down, on the emulator it read"
                                + " port 0x60");
        assertThat(parting(flat("0f 0b"), real("f4")))
                .contains("kvm and the emulator part at once, at 0x1000: on kvm the guest shut down, on the emulator it"
                        + " halted");
    }

    @Test
    void guestThatNeverComesToItIsADivergenceAtTheEndOfTheTime() {
        Recording recording = RecordedRun.of(flat("0f 0b")).recording();

        assertThat(parting(recording, real("eb fe"), Duration.ofMillis(50)).orElseThrow())
                .matches(
                        "kvm and the emulator part at once, at 0x1000: on kvm the guest shut down, on the emulator it had not"
                                + " come to that after \\d+ ms of wall time and \\d+ instructions");
        assertThat(parting(recording, real("a0 00 00 e6 80 eb fe"), Duration.ofMillis(50)))
                .isPresent();
    }

    @Test
    void interruptThatWouldNotBeTakenIsADivergence() {
        // vector 8 to 0x1016; out 0x21,0xfe; sti or cli; here: hlt; jmp here; nop; nop; 0x1016: mov al,1; out 0xf4,al
        String before = "c7 06 20 00 16 10 c7 06 22 00 00 00 b0 fe e6 21";
        String after = "f4 eb fd 90 90 b0 01 e6 f4";

        assertThat(parting(real(before + "fb" + after), real(before + "fa" + after)))
                .hasValueSatisfying(sentence -> assertThat(sentence)
                        .contains(
                                "on kvm the guest was given interrupt 8, on the emulator it would not have taken it"));
    }

    @Test
    void x87ErrorsAreReportedAsTheyWere() {
        assertReplaysExactly(RecordedRun.of(FpuErrorTests.TWO_ERRORS));
    }

    @Test
    void placeThatIsNeverComeToIsADivergence() {
        // vector 8 to 0x1018; out 0x21,0xfe; sti; here: jmp here, or three nops before it; 0x1018: mov al,1; out
        // 0xf4,al
        String before = "c7 06 20 00 18 10 c7 06 22 00 00 00 b0 fe e6 21 fb";
        String after = "b0 01 e6 f4";

        assertThat(parting(
                        real(before + "eb fe 90 90 90 90 90" + after), real(before + "90 90 90 eb fe 90 90" + after)))
                .hasValueSatisfying(sentence -> assertThat(sentence)
                        .contains("was given interrupt 8 at 0x1011, on the emulator it was elsewhere then"));
    }

    @Test
    void whatTheEmulatorCanNotExecuteIsSaid() {
        assertThat(parting(real("f4"), real(ENABLE_APIC))) // hlt
                .hasValueSatisfying(sentence ->
                        assertThat(sentence).contains("on kvm the guest halted, on the emulator it can't go on: "));
    }

    @Test
    void guestThatDoesNotComeByItsLastPlaceHasRunOn() {
        // mov al,1; out 0x80,al; again: inc ecx; out 0x80,al; jmp again
        VcpuConfig guest = real("b0 01 e6 80 66 41 e6 80 eb fa");
        FakeVirtualCpu uncounted = new FakeVirtualCpu();
        uncounted.setState(CpuState.builder().set(Register.RIP, 0x7777).build());
        Recording recording = new Recording(uncounted);
        recording.out(0x80, 1, 1);
        recording.stopHere();

        try (Replay replay = Replay.of(recording, Origin.boot(config(guest), 0), LIMIT)) {
            assertThat(replay.run()).isPresent();
            assertThat(replay.ranOn()).isTrue();
        }
        Recording other = RecordedRun.of(flat("0f 0b")).recording(); // ud2
        try (Replay replay = Replay.of(other, Origin.boot(config(guest), 0), LIMIT)) {
            assertThat(replay.run()).isPresent();
            assertThat(replay.ranOn()).isFalse();
        }
    }
}
