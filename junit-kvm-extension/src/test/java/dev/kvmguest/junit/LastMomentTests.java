package dev.kvmguest.junit;

import static dev.kvmguest.junit.GuestAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What becomes of a guest that still runs when the body of its test has passed. */
@BootsGuests
@Tag("kvm")
class LastMomentTests {

    private static final String DIED = "expected the guest to end normally, but it triple-faulted";

    @Test
    void deathSoonAfterWhatWasAwaitedFailsTheTest() {
        assertThat(Fixture.failureOf(AwaitsOutput.class)).hasMessageContaining(DIED);
    }

    @KvmGuest(image = TestGuests.DIES_SOON, boot = BootMode.PROTECTED, engine = EngineChoice.EMULATOR)
    static class AwaitsOutput {
        @Test
        void passes(Guest guest) {
            guest.awaitOutput("H");
        }
    }

    @Test
    void whatWasTypedIsReadFirst() {
        assertThat(Fixture.failureOf(Types.class)).hasMessageContaining(DIED);
    }

    @KvmGuest(image = TestGuests.DIES_OF_INPUT, boot = BootMode.PROTECTED, engine = EngineChoice.EMULATOR)
    static class Types {
        @Test
        void passes(Guest guest) {
            guest.type("x");
        }
    }

    @Test
    void deathSoonAfterTheScreenWasSeenFailsTheTest() {
        assertThat(Fixture.failureOf(AwaitsScreen.class)).hasMessageContaining(DIED);
    }

    @KvmGuest(image = TestGuests.SHOWS_AND_DIES, boot = BootMode.PROTECTED, engine = EngineChoice.EMULATOR)
    static class AwaitsScreen {
        @Test
        void passes(Guest guest) {
            guest.awaitScreen("H");
        }
    }

    @Test
    void laterDeathIsNotThisTestsMatter() {
        Fixture.expectPasses(AwaitsOutputOfOneThatDiesLate.class, 1);
    }

    @KvmGuest(image = TestGuests.DIES_LATE, boot = BootMode.PROTECTED, engine = EngineChoice.EMULATOR)
    static class AwaitsOutputOfOneThatDiesLate {
        @Test
        void passes(Guest guest) {
            guest.awaitOutput("H");
        }
    }

    @Test
    void guestOfATestThatFailedIsStoppedAtOnce() {
        assertThat(Fixture.failureOf(Fails.class)).hasMessage("no");
    }

    @KvmGuest(image = TestGuests.DIES_SOON, boot = BootMode.PROTECTED, engine = EngineChoice.EMULATOR)
    static class Fails {
        @Test
        void fails(Guest guest) {
            guest.awaitOutput("H");
            throw new AssertionError("no");
        }
    }
}
