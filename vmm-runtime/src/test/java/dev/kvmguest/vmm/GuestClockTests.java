package dev.kvmguest.vmm;

import static dev.kvmguest.vmm.TestGuest.realWithVectors;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.kvmguest.vmm.NeedsKvm.Device;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.internal.engine.Feature;
import dev.kvmguest.vmm.outcome.Outcome;
import java.time.Duration;
import java.time.LocalDateTime;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Guests that measure time and read the date. */
@OnEachEngine
@Timeout(60)
class GuestClockTests {

    private final EngineChoice engine;

    GuestClockTests(EngineChoice engine) {
        Device.assumeFor(engine, Feature.REAL_MODE_INTERRUPTS);
        this.engine = engine;
    }

    @Test
    void timerMeasuresADelayWithoutAnInterrupt() {
        // mov al,0; out 0x61,al; mov al,0xb0; out 0x43,al; mov al,0x9c; out 0x42,al; mov al,0x2e; out 0x42,al
        // mov al,1; out 0x61,al; again: in al,0x61; test al,0x20; jz again; hlt
        Outcome outcome = TestGuest.run(
                realWithVectors("b0 00 e6 61 b0 b0 e6 43 b0 9c e6 42 b0 2e e6 42 b0 01 e6 61 e4 61 a8 20 74 fa f4"),
                engine);

        assertThat(outcome).isInstanceOf(Outcome.Halted.class);
        if (engine == EngineChoice.EMULATOR) {
            // 10 ms of three instructions, at 10 ns each, and one port access, at 1 us.
            assertThat(outcome.run().instructions().orElseThrow()).isCloseTo(3 * 10_000_000 / 1030, within(100L));
        } else {
            assertThat(outcome.run().wallTime()).isGreaterThan(Duration.ofMillis(10));
        }
    }

    @Test
    void waitForTheNextSecondByTheClockTakesThatLong() {
        // mov al,0; out 0x70,al; again: in al,0x71; cmp al,0x59; je again; hlt
        MachineConfig config = MachineConfig.builder()
                .vcpu(realWithVectors("b0 00 e6 70 e4 71 3c 59 74 fa f4"))
                .engine(engine)
                .date(LocalDateTime.parse("2026-01-31T23:59:59.9"))
                .build();
        try (Machine machine = Machine.create(config)) {
            Outcome outcome = machine.run();

            assertThat(outcome).isInstanceOf(Outcome.Halted.class);
            if (engine == EngineChoice.EMULATOR) {
                // 100 ms of three instructions, at 10 ns each, and one port access, at 1 us.
                assertThat(outcome.run().instructions().orElseThrow()).isCloseTo(3 * 100_000_000 / 1030, within(100L));
            } else {
                // The clock was set when the machine was made, some time before it ran.
                assertThat(outcome.run().wallTime()).isGreaterThan(Duration.ofMillis(10));
            }
        }
    }

    @Test
    void endOfTheDaysLastSecondWakesAHaltedGuest() {
        // mov word [0x1c0],0x1030; mov al,0x0b; out 0x70,al; mov al,0x12; out 0x71,al; mov al,0xfe; out 0xa1,al;
        // mov al,0xfb; out 0x21,al; sti; again: hlt; test bl,bl; jz again; mov al,7; out 0x70,al; in al,0x71; out
        // 0xf4,al
        String halting = "c7 06 c0 01 30 10 b0 0b e6 70 b0 12 e6 71 b0 fe e6 a1 b0 fb e6 21"
                + " fb f4 84 db 74 fb b0 07 e6 70 e4 71 e6 f4";
        // At 0x1030, vector 0x70: inc bl; mov al,0x0c; out 0x70,al; in al,0x71; mov al,0x20; out 0xa0,al; out 0x20,al;
        // iret
        String handler = "fe c3 b0 0c e6 70 e4 71 b0 20 e6 a0 e6 20 cf";
        String padding = " 90".repeat(0x30 - TestGuest.bytes(halting).length);
        MachineConfig config = MachineConfig.builder()
                .vcpu(realWithVectors(halting + padding + handler))
                .engine(engine)
                .date(LocalDateTime.parse("2026-01-31T23:59:59.9"))
                .build();
        try (Machine machine = Machine.create(config)) {
            assertThat(machine.run().exitCode()).as("day of the month").hasValue(1);
        }
    }
}
