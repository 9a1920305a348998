package dev.kvmguest.vmm.internal.advice;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.Machine;
import dev.kvmguest.vmm.NeedsKvm.Device;
import dev.kvmguest.vmm.OnEachEngine;
import dev.kvmguest.vmm.TestGuest;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.diagnosis.Inspection;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.image.GuestImage.Symbol;
import dev.kvmguest.vmm.internal.engine.Feature;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.report.TextReport;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Which ends are looked at, whatever ran the guest. */
@OnEachEngine
@Timeout(60)
class InspectedEndsTests {

    /** mov esp,0x9000; call 100b; 100a: hlt */
    private static final String CALL = "bc 00 90 00 00 e8 01 00 00 00 f4 ";

    private final EngineChoice engine;

    InspectedEndsTests(EngineChoice engine) {
        this.engine = engine;
    }

    @BeforeEach
    void needsProtectedMode() {
        Device.assumeFor(engine, Feature.neededBy(BootMode.PROTECTED));
    }

    @Test
    void guestThatTripleFaultedIsLookedAt() {
        // ud2
        assertThat(caller(TestGuest.run(guest("0f 0b"), engine), Outcome.Kind.TRIPLE_FAULT))
                .isEqualTo(0x100a);
    }

    @Test
    void guestThatHangsIsLookedAt() {
        // jmp $
        assertThat(caller(run("eb fe"), Outcome.Kind.TIMED_OUT)).isEqualTo(0x100a);
    }

    @Test
    void guestThatWasResetIsLookedAt() {
        // mov al,0xfe; out 0x64,al
        assertThat(caller(TestGuest.run(guest("b0 fe e6 64"), engine), Outcome.Kind.RESET))
                .isEqualTo(0x100a);
    }

    @Test
    void guestThatHaltedWithInterruptsOnIsLookedAt() {
        // sti; hlt
        assertThat(caller(run("fb f4"), Outcome.Kind.HALTED)).isEqualTo(0x100a);
    }

    @Test
    void guestThatEndedInOrderIsNot() {
        // hlt; mov al,1, out 0xf4,al
        assertThat(inspection(TestGuest.run(guest("f4"), engine))).isEmpty();
        assertThat(inspection(TestGuest.run(guest("b0 01 e6 f4"), engine))).isEmpty();
    }

    @Test
    void guestThatHaltedInAFunctionIsLookedAt() {
        // hlt; (at 0x100c) nop
        GuestImage image =
                TestGuest.image(CALL + "f4 90", new Symbol("panic", 0x100b, 1), new Symbol("next", 0x100c, 1));

        Outcome outcome = TestGuest.run(VcpuConfig.of(image).withBoot(BootMode.PROTECTED), engine);

        assertThat(inspection(outcome).orElseThrow().callChain())
                .as("the caller of panic, and not of what follows its HLT")
                .containsExactly(new Inspection.Frame(0x100a, Optional.empty(), Optional.empty(), true));
        assertThat(TextReport.brief(outcome)).contains("\n  called from 0x100a\n");
    }

    @Test
    void guestThatWasStoppedIsNot() {
        try (Machine machine = TestGuest.machine(guest("eb fe"), engine)) {
            machine.start();
            machine.stop();

            assertThat(inspection(machine.run())).isEmpty();
        }
    }

    private static long caller(Outcome outcome, Outcome.Kind kind) {
        assertThat(outcome.kind()).isEqualTo(kind);
        return inspection(outcome).orElseThrow().callChain().get(0).eip();
    }

    private static Optional<Inspection> inspection(Outcome outcome) {
        return outcome.run().diagnosis().inspection();
    }

    private Outcome run(String function) {
        return TestGuest.hang(guest(function), engine);
    }

    private static VcpuConfig guest(String function) {
        return TestGuest.flat(CALL + function);
    }
}
