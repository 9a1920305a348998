package dev.kvmguest.vmm.internal.kvm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.OwnThread;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.TimeFactor;
import dev.kvmguest.vmm.internal.engine.VmExit;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A guest is stopped by another thread, whatever it is at. */
@OnEachEngineAndMode
@Timeout(60)
class StoppingTests {

    private static final int IRQ = 0x20;
    /** Where guests count what they do. */
    private static final int COUNTER = 0x6000;
    /** How soon after the call a guest stands still. */
    private static final Duration PROMPTLY = Duration.ofSeconds(1);

    private final SystemGuest guest;

    StoppingTests(EngineChoice engine, BootMode mode) {
        guest = new SystemGuest(engine, mode);
    }

    @AfterEach
    void close() {
        guest.close();
    }

    @Test
    void spinningGuestStops() throws Exception {
        guest.start("ff 05 00 60 00 00 eb f8"); // here: inc dword [0x6000]; jmp here

        assertStopsAfter(1000);
    }

    @Test
    void guestThatSpinsWithInterruptsOnStops() throws Exception {
        guest.start("fb ff 05 00 60 00 00 eb f8"); // sti; here: inc dword [0x6000]; jmp here

        assertStopsAfter(1000);
    }

    @Test
    void guestThatHaltsAgainAndAgainStops() throws Exception {
        guest.start("ff 05 00 60 00 00 f4 eb f7"); // here: inc dword [0x6000]; hlt; jmp here

        assertStopsAfter(100);
    }

    @Test
    void guestThatWaitsForInterruptsStops() throws Exception {
        guest.handler(IRQ, "ff 05 00 60 00 00 cf"); // inc dword [0x6000]; iretd
        guest.start("fb f4 eb fd"); // sti; here: hlt; jmp here

        assertStopsAfter(100);
    }

    @Test
    void guestInAStormOfInterruptsStops() throws Exception {
        // mov esp,0x8000; inc dword [0x6000]; sti; nop; here: jmp here
        guest.handler(IRQ, "bc 00 80 00 00 ff 05 00 60 00 00 fb 90 eb fe");
        guest.start("fb 90 eb fe"); // sti; nop; here: jmp here
        guest.vcpu().setInterruptWindow(true);

        assertStopsAfter(100);
    }

    /** Runs the guest on another thread, with an interrupt whenever it takes one, until it has counted so far. */
    private void assertStopsAfter(int count) throws Exception {
        CompletableFuture<VmExit> end = OwnThread.supply(this::runUntilStopped);
        while (guest.memory().readInt(COUNTER) < count && !end.isDone()) {
            Thread.onSpinWait();
        }

        guest.vcpu().interrupt();

        assertThat(end.get(TimeFactor.stretch(PROMPTLY).toMillis(), TimeUnit.MILLISECONDS))
                .isInstanceOf(VmExit.Interrupted.class);
        int counted = guest.memory().readInt(COUNTER);
        assertThat(counted).isGreaterThanOrEqualTo(count);
    }

    private VmExit runUntilStopped() {
        while (true) {
            VmExit exit = guest.vcpu().run();
            if (!(exit instanceof VmExit.Halt) && !(exit instanceof VmExit.InterruptWindow)) {
                return exit;
            }
            if (guest.vcpu().canInjectInterrupt()) {
                guest.vcpu().injectInterrupt(IRQ);
            }
        }
    }
}
