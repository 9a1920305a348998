package dev.kvmguest.vmm;

import static dev.kvmguest.vmm.TestGuest.real;
import static dev.kvmguest.vmm.TestGuest.realWithVectors;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.kvmguest.vmm.NeedsKvm.Device;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.TimeFactor;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.internal.engine.Feature;
import dev.kvmguest.vmm.outcome.Outcome;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Interrupts from the board's devices, and guests that halt until there is one. */
@OnEachEngine
@Timeout(60)
class DeviceInterruptTests {

    /**
     * Opens the timer's interrupt, at vector 8 as firmware left it, with 1000 ticks a second.
     *
     * <pre>
     * mov word [0x20],0x1030; mov al,0x34; out 0x43,al; mov al,0xa9; out 0x40,al; mov al,4; out 0x40,al
     * mov al,0xfe; out 0x21,al
     * </pre>
     */
    private static final String TIMER = "c7 06 20 00 30 10 b0 34 e6 43 b0 a9 e6 40 b0 04 e6 40 b0 fe e6 21";

    /** {@code inc bl; mov al,0x20; out 0x20,al; iret}. */
    private static final String TIMER_HANDLER = "fe c3 b0 20 e6 20 cf";

    /** {@code sti; again: hlt; cmp bl,3; jb again; mov al,bl; out 0xf4,al}. */
    private static final String LEAVE_AFTER_THREE_TICKS = "fb f4 80 fb 03 72 fa 88 d8 e6 f4";

    /** {@code sti; again: hlt; jmp again}. */
    private static final String HALT_FOR_EVER = "fb f4 eb fd";

    private static final Duration LONG = Duration.ofSeconds(30);

    private final EngineChoice engine;

    DeviceInterruptTests(EngineChoice engine) {
        Device.assumeFor(engine, Feature.REAL_MODE_INTERRUPTS);
        this.engine = engine;
    }

    /** Returns a guest that opens the timer's interrupt and goes on with {@code code}; its handler is at 0x1030. */
    private static VcpuConfig ticking(String code, String handler) {
        return realWithVectors(padded(TIMER + " " + code, 0x30, handler));
    }

    private static String padded(String start, int offset, String rest) {
        return start + " 90".repeat(offset - TestGuest.bytes(start).length) + rest;
    }

    /** On KVM the guest may be so slow that more ticks pass between two of its instructions. */
    private void assertTicks(Outcome outcome, int ticks) {
        assertThat(outcome.exitCode()).isPresent();
        assertThat(outcome.exitCode().getAsInt())
                .isBetween(ticks, engine == EngineChoice.KVM ? Integer.MAX_VALUE : ticks);
    }

    @Test
    void timerWakesAHaltedGuest() {
        Outcome outcome = TestGuest.run(ticking(LEAVE_AFTER_THREE_TICKS, TIMER_HANDLER), engine);

        assertTicks(outcome, 3);
    }

    @Test
    void timerInterruptsASpinningGuest() {
        // sti; again: nop; cmp bl,3; jb again; mov al,bl; out 0xf4,al
        Outcome outcome = TestGuest.run(ticking("fb 90 80 fb 03 72 fa 88 d8 e6 f4", TIMER_HANDLER), engine);

        assertTicks(outcome, 3);
    }

    @Test
    void requestThatCameWithInterruptsOffIsTakenAsTheyAreSwitchedOn() {
        // again: in al,0x20; test al,1; jz again; sti; wait: test bl,bl; jz wait; xchg ax,bx; out 0xf4,al
        Outcome outcome = TestGuest.run(ticking("e4 20 a8 01 74 fa fb 84 db 74 fc 93 e6 f4", TIMER_HANDLER), engine);

        assertTicks(outcome, 1);
    }

    @Test
    void interruptThatIsNotEndedKeepsTheNextAwayAndTheHaltIsAHang() {
        // inc bl; sti; hlt
        Outcome outcome = TestGuest.run(ticking(LEAVE_AFTER_THREE_TICKS, "fe c3 fb f4"), engine);

        assertThat(outcome)
                .isInstanceOfSatisfying(Outcome.Halted.class, halted -> assertThat(halted.interruptsEnabled())
                        .isTrue());
        assertThat(outcome.run().registers().orElseThrow().get(Register.RBX)).isEqualTo(1);
    }

    @Test
    void allInterruptsAreMaskedAtFirstWhereNoFirmwareHasRun() {
        // in al,0xa1; mov ah,al; in al,0x21; hlt
        Outcome outcome = TestGuest.run(realWithVectors("e4 a1 88 c4 e4 21 f4"), engine);

        assertThat(outcome.run().registers().orElseThrow().get(Register.RAX)).isEqualTo(0xffff);
    }

    @Test
    void maskedTimerWakesNobodySoThatTheHaltIsAHangAtOnce() {
        // mov al,0xff; out 0x21,al; sti; hlt
        Outcome outcome = TestGuest.run(ticking("b0 ff e6 21 fb f4", TIMER_HANDLER), engine, Duration.ofHours(1));

        assertThat(outcome.describe()).isEqualTo("halted with interrupts on, and no device can raise one");
    }

    @Test
    void guestWhoseTimeIsSkippedComesToItsLimitAtOnce() {
        assumeTrue(engine == EngineChoice.EMULATOR, "on KVM guest time is the host's");
        Outcome outcome = TestGuest.run(ticking(HALT_FOR_EVER, TIMER_HANDLER), engine, Duration.ofMinutes(1));

        assertThat(outcome).isInstanceOf(Outcome.TimedOut.class);
        assertThat(outcome.run().wallTime()).isLessThan(TimeFactor.stretch(Duration.ofSeconds(30)));
    }

    @Test
    void liveGuestSleepsUntilItsTimer() throws InterruptedException {
        // sti; again: hlt; mov al,bl; out 0xe9,al; jmp again
        VcpuConfig printing = ticking("fb f4 88 d8 e6 e9 eb f9", TIMER_HANDLER);
        try (Machine machine = TestGuest.machine(printing, engine)) {
            machine.start();

            assertThat(machine.console().await("\3", Duration.ofSeconds(20))).isPresent();

            Thread vcpu = Thread.getAllStackTraces().keySet().stream()
                    .filter(thread -> thread.getName().equals("kvmguest-vcpu-0-test"))
                    .findAny()
                    .orElseThrow();
            while (vcpu.getState() != Thread.State.TIMED_WAITING) {
                Thread.onSpinWait();
            }
            assertThat(machine.isRunning()).isTrue();
        }
    }

    @Test
    void haltedGuestCanBeStopped() {
        try (Machine machine = TestGuest.machine(ticking(HALT_FOR_EVER, TIMER_HANDLER), engine)) {
            machine.start();

            machine.stop();

            assertThat(machine.run()).isInstanceOf(Outcome.Stopped.class);
        }
    }

    @Test
    void runThatIsRepeatedOnTheEmulatorTakesTheSameInterruptsAtTheSameInstructions() {
        assumeTrue(engine == EngineChoice.EMULATOR, "on KVM guest time is the host's");
        // sti; again: inc cx; cmp bl,3; jb again; mov al,bl; out 0xf4,al
        VcpuConfig counting = ticking("fb 41 80 fb 03 72 fa 88 d8 e6 f4", TIMER_HANDLER);

        Outcome first = TestGuest.run(counting, engine);
        Outcome second = TestGuest.run(counting, engine);

        assertThat(first.run().instructions()).isEqualTo(second.run().instructions());
        assertThat(first.run().registers()).isEqualTo(second.run().registers());
        assertThat(first.run().registers().orElseThrow().get(Register.RCX)).isGreaterThan(10_000);
    }

    /**
     * Waits for a byte from COM1, at vector 12, and halts.
     *
     * <pre>
     * mov word [0x30],0x1040; mov dx,0x3f9; mov al,1; out dx,al; mov dx,0x3fc; mov al,8; out dx,al
     * mov al,0xef; out 0x21,al; mov al,'r'; out 0xe9,al; sti; hlt; mov al,'w'; out 0xe9,al; cli; hlt
     * (at 0x1040) mov dx,0x3f8; in al,dx; mov al,0x20; out 0x20,al; iret
     * </pre>
     */
    private static final VcpuConfig READER = realWithVectors(padded(
            "c7 06 30 00 40 10 ba f9 03 b0 01 ee ba fc 03 b0 08 ee b0 ef e6 21 b0 72 e6 e9 fb f4 b0 77 e6 e9 fa f4",
            0x40,
            "ba f8 03 ec b0 20 e6 20 cf"));

    @Test
    void typingWakesAHaltedLiveGuest() throws InterruptedException {
        try (Machine machine = TestGuest.machine(READER, engine)) {
            machine.start();
            machine.console().await("r", LONG);

            machine.type("x");

            assertThat(machine.run().console()).isEqualTo("rw");
        }
    }

    @Test
    void guestThatWaitsForTypingWhereNobodyTypesHangs() {
        assertThat(TestGuest.run(READER, engine).describe())
                .isEqualTo("halted with interrupts on, and no device can raise one");
    }

    @Test
    void whatWasTypedBeforeTheStartIsAnInterruptToo() {
        assertThat(TestGuest.run(READER.withInput("x"), engine).console()).isEqualTo("rw");
    }

    @Test
    void haltedVcpuKeepsNoOtherWaiting() throws InterruptedException {
        Device.assumeFor(engine, Feature.PARALLEL_VCPUS);
        // mov al,'a'; out 0xe9,al; hlt
        VcpuConfig other = real("b0 61 e6 e9 f4").withLoad(0x2000);
        MachineConfig config =
                MachineConfig.builder().vcpu(READER).vcpu(other).engine(engine).build();
        try (Machine machine = Machine.create(config)) {
            machine.start();
            machine.console(0).await("r", LONG);

            assertThat(machine.run(1).console()).isEqualTo("a");
            assertThat(machine.outcome(0)).isEmpty();

            machine.type(0, new byte[] {'x'});
            assertThat(machine.run(0).console()).isEqualTo("rw");
        }
    }
}
