package dev.kvmguest.vmm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.report.TextReport;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** {@link Machine#finish}. */
@Timeout(60)
class FinishedGuestTests {

    private static final Duration LONG = Duration.ofSeconds(30);
    /** mov al,'H'; out 0xe9,al. */
    private static final String SAY = "b0 48 e6 e9 ";
    /** 100 ms in instructions, which take 10 ns. */
    private static final long MOMENT = 10_000_000;

    private static Outcome finished(Machine machine) throws InterruptedException {
        machine.start();
        assertThat(machine.console().await("H", LONG)).isPresent();
        machine.finish();
        return machine.run();
    }

    private static long instructions(Outcome outcome) {
        return outcome.run().instructions().orElseThrow();
    }

    @Test
    void busyGuestIsStoppedAMomentAfterWhatWasAwaitedLast() throws InterruptedException {
        // here: jmp here
        try (Machine machine = TestGuest.machine(TestGuest.flat(SAY + "eb fe"), EngineChoice.EMULATOR)) {
            Outcome outcome = finished(machine);

            assertThat(outcome).isInstanceOf(Outcome.Stopped.class);
            // The port access took 1 us, and when it was is known to 100 us.
            assertThat(instructions(outcome)).isBetween(MOMENT - 20_000, MOMENT + 20_000);
            assertThat(TextReport.line(outcome))
                    .startsWith("guest test (boot protected) was stopped while it was running at 0x8:0x1004, after ");
            assertThat(TextReport.standstill(outcome)).isEqualTo("""
                      last seen: jmp 0x1004  (eb fe)
                      interrupts: off
                    """);
        }
    }

    @Test
    void guestThatWaitsForItsKeyboardIsStoppedAtOnce() throws InterruptedException {
        // mov al,0xfd; out 0x21,al; sti; hlt
        try (Machine machine =
                TestGuest.machine(TestGuest.flat("b0 fd e6 21 " + SAY + "fb f4"), EngineChoice.EMULATOR)) {
            Outcome outcome = finished(machine);

            assertThat(outcome).isInstanceOf(Outcome.Stopped.class);
            assertThat(instructions(outcome)).isLessThan(10);
            assertThat(TextReport.line(outcome))
                    .startsWith("guest test (boot protected) was stopped while it was running at 0x8:0x1009,"
                            + " where it waited for an interrupt, after ");
        }
    }

    @Test
    void guestThatSleepsIsNotWaitedForByTheClock() throws InterruptedException {
        // The timer will come in 55 ms, once in 30 hours: mov al,0xfe; out 0x21,al; sti; hlt. Its gate is empty, so
        // that the guest dies of the interrupt.
        try (Machine machine = TestGuest.machine(
                TestGuest.flat("b0 34 e6 43 30 c0 e6 40 e6 40 b0 fe e6 21 " + SAY + "fb f4"), EngineChoice.EMULATOR)) {
            assertThat(finished(machine)).isInstanceOf(Outcome.TripleFault.class);
        }
    }

    @Test
    void whatWasTypedIsReadAndAMomentIsGivenAfterThat() throws InterruptedException {
        // poll COM1 for two bytes; then count 50 ms and ud2: mov dx,0x3fd; in al,dx; test al,1; jz -5
        String read = "66 ba fd 03 ec a8 01 74 fb 66 ba f8 03 ec ";
        try (Machine machine = TestGuest.machine(
                TestGuest.flat(SAY + read + read + "b9 40 4b 4c 00 e2 fe 0f 0b"), EngineChoice.EMULATOR)) {
            machine.start();
            assertThat(machine.console().await("H", LONG)).isPresent();
            machine.type("ab");
            machine.finish();

            assertThat(machine.run()).isInstanceOf(Outcome.TripleFault.class);
        }
    }

    @Test
    void guestWhoseMemoryWasLookedAtGetsItsMomentFromNowOn() throws InterruptedException {
        // mov ecx,5000000; loop; mov byte [0x2000],1; mov ecx,7000000; loop; ud2
        try (Machine machine = TestGuest.machine(
                TestGuest.flat(SAY + "b9 40 4b 4c 00 e2 fe c6 05 00 20 00 00 01 b9 c0 cf 6a 00 e2 fe 0f 0b"),
                EngineChoice.EMULATOR)) {
            machine.start();
            assertThat(machine.console().await("H", LONG)).isPresent();
            while (machine.memory().read(0x2000, 1)[0] == 0 && machine.isRunning()) {
                Thread.onSpinWait();
            }
            machine.finish();

            assertThat(machine.run()).isInstanceOf(Outcome.TripleFault.class);
        }
    }

    @Test
    void guestThatEndsByItselfEndsSo() throws InterruptedException {
        // mov al,3; out 0xf4,al
        try (Machine machine = TestGuest.machine(TestGuest.flat(SAY + "b0 03 e6 f4"), EngineChoice.EMULATOR)) {
            assertThat(finished(machine)).isInstanceOf(Outcome.DebugExit.class);
        }
    }
}
