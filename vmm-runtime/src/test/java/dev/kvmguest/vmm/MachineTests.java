package dev.kvmguest.vmm;

import static dev.kvmguest.vmm.TestGuest.bytes;
import static dev.kvmguest.vmm.TestGuest.flat;
import static dev.kvmguest.vmm.TestGuest.real;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kvmguest.vmm.NeedsKvm.Device;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.EntryPoint;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.TimeFactor;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.internal.engine.Feature;
import dev.kvmguest.vmm.outcome.Outcome;
import java.time.Duration;
import java.time.LocalDateTime;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

@OnEachEngine
@Timeout(60)
class MachineTests {

    private static final Duration LONG = Duration.ofSeconds(30);

    /** here: jmp here */
    private static final String HANG = "eb fe";

    /** mov dx, 0x3fd; wait: in al, dx; test al, 1; jz wait; mov dl, 0xf8; in al, dx; out dx, al; mov dl, 0xfd; jmp wait */
    private static final String ECHO = "ba fd 03 ec a8 01 74 fb b2 f8 ec ee b2 fd eb f3";

    private final EngineChoice engine;

    MachineTests(EngineChoice engine) {
        Device.assumeFor(engine);
        this.engine = engine;
    }

    private Machine machine(VcpuConfig guest) {
        return TestGuest.machine(guest, engine);
    }

    private Outcome run(VcpuConfig guest) {
        return TestGuest.run(guest, engine);
    }

    private Outcome run(VcpuConfig guest, Duration timeout) {
        return TestGuest.run(guest, engine, timeout);
    }

    @Test
    void consoleHasDebugPortSerialLineAndHypercallInTheOrderWritten() {
        // mov al,'a'; out 0xe9,al; mov dx,0x3f8; mov al,'b'; out dx,al; mov dx,0x500; mov bl,'c'; mov al,1; out dx,al;
        // mov al,'d'; out 0xe9,al; hlt
        Outcome outcome = run(real("b0 61 e6 e9 ba f8 03 b0 62 ee ba 00 05 b3 63 b0 01 ee b0 64 e6 e9 f4"));

        assertThat(outcome.console()).isEqualTo("abcd");
        assertThat(outcome.run().port(0x3f8)).containsExactly('b');
        assertThat(outcome.run().port(0x500)).containsExactly(1);
    }

    @Test
    void haltWithInterruptsOffIsANormalEnd() {
        Outcome outcome = run(real("f4")); // hlt

        assertThat(outcome).isInstanceOf(Outcome.Halted.class);
        assertThat(outcome.endedNormally()).isTrue();
        assertThat(outcome.run().registers().orElseThrow().instructionPointer()).isEqualTo("0000:1001");
        assertThat(outcome.run().engine()).isEqualTo(engine.id());
        assertThat(outcome.run().engineReason()).isEqualTo("asked for");
    }

    @Test
    void haltWithInterruptsOnIsReportedAtOnceAsAHang() {
        Outcome outcome = run(real("fb f4"), LONG); // sti; hlt

        assertThat(outcome)
                .isInstanceOfSatisfying(Outcome.Halted.class, halted -> assertThat(halted.interruptsEnabled())
                        .isTrue());
        assertThat(outcome.endedNormally()).isFalse();
        assertThat(outcome.run().wallTime()).isLessThan(LONG);
    }

    @ParameterizedTest
    @CsvSource({
        "b0 05 e6 f4,                   5", // mov al,5; out 0xf4,al
        "b8 34 12 e7 f4,                0x1234", // mov ax,0x1234; out 0xf4,ax
        "66 b8 78 56 34 12 66 e7 f4,    0x12345678", // mov eax,0x12345678; out 0xf4,eax
    })
    void debugExitHasTheValueWritten(String code, String value) {
        Outcome outcome = run(real(code));

        assertThat(outcome.kind()).isEqualTo(Outcome.Kind.DEBUG_EXIT);
        assertThat(outcome.exitCode()).hasValue(Integer.decode(value));
    }

    @ParameterizedTest
    @CsvSource({
        "b0 fe e6 64,                          8042 command 0xfe pulsed the reset line",
        "b0 03 e6 92,                          bit 0 of system control port A was set",
        "ba f9 0c b0 06 ee,                    0x06 to the reset control register asked for a hard reset",
    })
    void resetByADeviceNamesIt(String code, String cause) {
        assertThat(run(real(code))).isInstanceOfSatisfying(Outcome.Reset.class, reset -> assertThat(reset.cause())
                .isEqualTo(cause));
    }

    @Test
    void undefinedInstructionWithoutAGateIsATripleFault() {
        Outcome outcome = run(flat("0f 0b")); // ud2

        assertThat(outcome.kind()).isEqualTo(Outcome.Kind.TRIPLE_FAULT);
        assertThat(outcome.endedNormally()).isFalse();
    }

    @Test
    void registersAtTheEndAreThoseBehindTheLastInstruction() {
        // mov eax,0x12345678; mov ebx,cr0; mov al,7; out 0xf4,al
        Outcome outcome = run(flat("b8 78 56 34 12 0f 20 c3 b0 07 e6 f4"));

        CpuState state = outcome.run().registers().orElseThrow();
        assertThat(state.get(Register.RAX)).isEqualTo(0x12345607);
        assertThat(state.get(Register.RBX)).isEqualTo(0x11);
        assertThat(state.eip()).isEqualTo(0x100c);
    }

    @Test
    void cmosClockStartsAtTheDateOfTheConfiguration() {
        // mov al,9; out 0x70,al; in al,0x71; out 0xf4,al
        MachineConfig config = MachineConfig.builder()
                .vcpu(real("b0 09 e6 70 e4 71 e6 f4"))
                .engine(engine)
                .date(LocalDateTime.of(1987, 6, 5, 4, 3, 2))
                .build();
        try (Machine machine = Machine.create(config)) {
            assertThat(machine.run().exitCode()).hasValue(0x87);
        }
    }

    @Test
    void stringOutputIsTakenElementByElement() {
        // mov si,0x100f; mov cx,3; mov dx,0xe9; rep outsb; mov dx,0x510; inc si; (data "abc", then a word)
        // rep outsb writes "abc"; mov cx,2; rep outsw to 0x510 takes the four bytes behind it
        Outcome outcome = run(real(
                "be 18 10 b9 03 00 ba e9 00 f3 6e b9 02 00 ba 10 05 f3 6f f4 00 00 00 00 61 62 63" + "01 02 03 04"));

        assertThat(outcome.console()).isEqualTo("abc");
        assertThat(outcome.run().port(0x510)).containsExactly(1, 2, 3, 4);
        assertThat(outcome.run().unclaimedPorts()).containsExactly(0x510, 0x511);
    }

    @Test
    void nothingBehindTheEndOfARunIsWritten() {
        // mov si,0x1010; mov cx,3; mov dx,0xf4; rep outsb; hlt
        Outcome outcome = run(real("be 10 10 b9 03 00 ba f4 00 f3 6e f4 00 00 00 00 09 08 07"));

        assertThat(outcome.exitCode()).hasValue(9);
        assertThat(outcome.run().port(0xf4)).containsExactly(9);
    }

    @Test
    void stringInputReadsWhatWasTyped() {
        // mov di,0x3000; mov cx,3; mov dx,0x3f8; rep insb; hlt
        try (Machine machine =
                machine(real("bf 00 30 b9 03 00 ba f8 03 f3 6c f4").withInput("xyz"))) {
            machine.run();

            assertThat(machine.memory().read(0x3000, 3)).containsExactly('x', 'y', 'z');
        }
    }

    @Test
    void portWithoutADeviceReadsAllOnesAndIsRecorded() {
        // mov dx,0x510; in eax,dx; hlt
        Outcome outcome = run(real("ba 10 05 66 ed f4"));

        assertThat(outcome.run().registers().orElseThrow().get(Register.RAX)).isEqualTo(0xffff_ffffL);
        assertThat(outcome.run().unclaimedPorts()).containsExactly(0x510, 0x511, 0x512, 0x513);
    }

    @Test
    void addressWithoutRamReadsAllOnesAndIsRecorded() {
        // mov eax,[0x10000000]; mov [0x20000000],eax; hlt
        Outcome outcome = run(flat("a1 00 00 00 10 a3 00 00 00 20 f4"));

        assertThat(outcome.kind()).isEqualTo(Outcome.Kind.HALTED);
        assertThat(outcome.run().registers().orElseThrow().get(Register.RAX)).isEqualTo(0xffff_ffffL);
        assertThat(outcome.run().unclaimedMemory()).containsExactly(0x1000_0000L, 0x2000_0000L);
    }

    @Test
    void spinningGuestIsStoppedAtItsTimeLimit() {
        Duration limit = Duration.ofMillis(100);

        // inc ecx; jmp -4: no state comes round again, which would end the run before
        Outcome outcome = run(real("66 41 eb fc"), limit);

        assertThat(outcome).isInstanceOfSatisfying(Outcome.TimedOut.class, timedOut -> assertThat(timedOut.timeout())
                .isEqualTo(TimeFactor.stretch(limit)));
        assertThat(outcome.run().wallTime()).isGreaterThanOrEqualTo(limit);
        assertThat(outcome.run().registers().orElseThrow().instructionPointer()).isIn("0000:1000", "0000:1002");
    }

    @Test
    void guestThatFloodsAPortIsStoppedAtItsTimeLimitToo() {
        // mov dx,0x3f8; again: out dx,al; jmp again
        Outcome outcome = run(real("ba f8 03 ee eb fd"), Duration.ofMillis(100));

        assertThat(outcome.kind()).isEqualTo(Outcome.Kind.TIMED_OUT);
        assertThat(outcome.run().consoleBytes()).isNotEmpty();
    }

    @Test
    void inputTypedWhileTheGuestRunsIsEchoedAndAwaited() throws InterruptedException {
        try (Machine machine = machine(real(ECHO))) {
            machine.start();
            machine.type("first\n");
            assertThat(machine.console().await("first\n", LONG)).contains("first\n");
            machine.type("second\n");
            assertThat(machine.console().await("second\n", LONG)).contains("second\n");
            assertThat(machine.isRunning()).isTrue();
        }
    }

    @Test
    void awaitEndsWithTheGuestWhenTheTextNeverComes() throws InterruptedException {
        try (Machine machine = machine(real("f4"))) {
            machine.start();

            assertThat(machine.console().await("never", LONG)).isEmpty();
            assertThat(machine.run().kind()).isEqualTo(Outcome.Kind.HALTED);
        }
    }

    @Test
    void stoppedGuestHasNoVerdict() {
        try (Machine machine = machine(real(HANG))) {
            machine.start();
            machine.stop();

            Outcome stopped = machine.run();
            assertThat(stopped.kind()).isEqualTo(Outcome.Kind.STOPPED);
            assertThat(stopped.endedNormally()).isFalse();
            assertThat(stopped.run().diagnosis().standstill())
                    .hasValueSatisfying(standstill -> assertThat(standstill.at().eip())
                            .isBetween(0x1000L, 0x1000L + TestGuest.bytes(HANG).length));
        }
    }

    @Test
    void machineClosedWhileItsGuestSpinsEndsTheThread() {
        Machine machine = machine(VcpuConfig.of(GuestImage.flat("spinner", TestGuest.bytes(HANG))));
        machine.start();

        machine.close();
        machine.close();

        assertThat(machine.isRunning()).isFalse();
        assertThat(Thread.getAllStackTraces().keySet())
                .noneMatch(thread -> thread.getName().equals("kvmguest-vcpu-0-spinner") && thread.isAlive());
        assertThatThrownBy(() -> machine.memory().readByte(0))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("guest memory is closed: its machine has been closed");
        assertThatThrownBy(machine::start)
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("the machine is closed");
    }

    @Test
    void interruptedWaiterStopsTheGuest() {
        try (Machine machine = machine(real(HANG))) {
            Thread.currentThread().interrupt();

            assertThatThrownBy(machine::run)
                    .isInstanceOf(VmmException.class)
                    .hasMessage("interrupted while the guest was running; it has been stopped");
            assertThat(Thread.interrupted()).isTrue();
            assertThat(machine.run().kind()).isEqualTo(Outcome.Kind.STOPPED);
        }
    }

    @Test
    void imageThatDoesNotFitIsRefusedBeforeItRuns() {
        assertThatThrownBy(() -> machine(real("f4").withLoad(0x200_0000).withEntry(EntryPoint.segmented(0xf000, 0))))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @ParameterizedTest
    @EnumSource(names = {"PAGED", "PAGED_4K"})
    void pagedGuestRuns(BootMode mode) {
        Device.assumeFor(engine, Feature.neededBy(mode));

        // mov eax,[0x80001000]; mov ebx,cr3; hlt
        Outcome outcome = run(real("a1 00 10 00 80 0f 20 db f4").withBoot(mode));

        assertThat(outcome.kind()).isEqualTo(Outcome.Kind.HALTED);
        assertThat(outcome.run().registers().orElseThrow().get(Register.RAX)).isEqualTo(0x0010_00a1);
        assertThat(outcome.run().registers().orElseThrow().get(Register.RBX)).isEqualTo(0x10_0000);
    }

    @Test
    void fourVcpusRunAtTheSameTimeEachWithItsOwnSegmentAndConsole() {
        Device.assumeFor(engine, Feature.PARALLEL_VCPUS);
        // Entered at SEG:0. mov ax,cs; mov al,ah; shr al,4; (1 to 4) mov bl,al; add al,'0'; out 0xe9,al;
        // xor ax,ax; mov ds,ax; xor bh,bh; mov byte [bx+0x4ff],1;
        // all: cmp dword [0x500],0x01010101; jne all; mov al,'!'; out 0xe9,al; hlt
        VcpuConfig guest = real("8c c8 88 e0 c0 e8 04 88 c3 04 30 e6 e9 31 c0 8e d8 30 ff c6 87 ff 04 01"
                        + "66 81 3e 00 05 01 01 01 01 75 f5 b0 21 e6 e9 f4")
                .withLoad(0x1_0000)
                .withEntry(EntryPoint.segmented(0x1000, 0));
        MachineConfig config = MachineConfig.builder()
                .vcpu(guest)
                .vcpu(guest)
                .vcpu(guest)
                .vcpu(guest)
                .engine(engine)
                .build();

        try (Machine machine = Machine.create(config)) {
            List<Outcome> outcomes = machine.runAll();

            assertThat(outcomes).extracting(Outcome::kind).containsOnly(Outcome.Kind.HALTED);
            assertThat(outcomes).extracting(Outcome::console).containsExactly("1!", "2!", "3!", "4!");
            assertThat(outcomes).extracting(outcome -> outcome.run().vcpu()).containsExactly(0, 1, 2, 3);
            assertThatThrownBy(machine::run)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("this machine has 4 vCPUs, each with its own outcome");
        }
    }

    @Test
    void vcpuThatHaltsLeavesTheOthersRunning() throws InterruptedException {
        Device.assumeFor(engine, Feature.PARALLEL_VCPUS);
        VcpuConfig halting = real("f4");
        VcpuConfig echoing = real(ECHO).withLoad(0x2000);
        MachineConfig config = MachineConfig.builder()
                .vcpu(halting)
                .vcpu(echoing)
                .engine(engine)
                .build();

        try (Machine machine = Machine.create(config)) {
            machine.start();
            machine.console(0).await("nothing", LONG); // returns when the first vCPU has ended
            machine.type(1, bytes("68 69"));

            assertThat(machine.console(1).await("hi", LONG)).contains("hi");
            machine.stop();
            assertThat(machine.runAll())
                    .extracting(Outcome::kind)
                    .containsExactly(Outcome.Kind.HALTED, Outcome.Kind.STOPPED);
        }
    }
}
