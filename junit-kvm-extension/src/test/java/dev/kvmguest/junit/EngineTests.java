package dev.kvmguest.junit;

import static dev.kvmguest.junit.GuestAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.outcome.Outcome;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What the engine attribute does, and what happens where it says nothing. */
@BootsGuests
@KvmGuest(image = TestGuests.HELLO)
@Tag("kvm")
class EngineTests {

    @GuestTest(image = TestGuests.HELLO, boot = BootMode.PAGED, console = "Hello")
    void aPagedGuestRunsOnAnyHost() {}

    @Test
    @KvmGuest(engine = EngineChoice.EMULATOR)
    void theEmulatorRunsAnywhere(Outcome outcome) {
        assertThat(outcome).halted().ranOn("emulator").hasConsole("Hello");
    }

    @Test
    @EnabledIfKvm
    @KvmGuest(engine = EngineChoice.KVM)
    void kvmRunsWhereItCan(Outcome outcome) {
        assertThat(outcome).halted().ranOn("kvm").hasConsole("Hello");
    }

    @Nested
    @KvmGuest(engine = EngineChoice.EMULATOR)
    class OnAClass {

        @Test
        void holdsForItsTests(Outcome outcome) {
            assertThat(outcome).ranOn("emulator");
            assertThat(outcome.run().engineReason()).isEqualTo("asked for");
        }

        @Test
        @EnabledIfKvm
        @KvmGuest(engine = EngineChoice.KVM)
        void andOfAMethodWins(Outcome outcome) {
            assertThat(outcome).ranOn("kvm");
        }
    }
}
