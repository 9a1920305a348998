package dev.kvmguest.junit;

import static dev.kvmguest.junit.GuestAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.outcome.Outcome;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Guests of 64 bits, named by file and by id. */
@BootsGuests
@Tag("kvm")
class LongModeTests {

    private static final String HIGH = "0xffffffff80100000";

    @GuestTest(id = TestGuests.LONG_ID, console = "Hello 64", engine = EngineChoice.EMULATOR)
    void manifestSaysThatTheGuestIsFor64BitMode() {}

    @Test
    @KvmGuest(image = TestGuests.UD2, boot = BootMode.LONG, entry = HIGH, engine = EngineChoice.EMULATOR)
    void faultOfTheUpperHalfIsComparedWhole(Outcome outcome) {
        assertThat(outcome).tripleFaulted();
        assertThat(outcome).fault().isAt(0xffff_ffff_8010_0000L);
        assertThatThrownBy(() -> assertThat(outcome).fault().isAt(0x8010_0000L))
                .hasMessageContaining("begin at 0x80100000, but it began at 0xffffffff80100000");
    }

    @Test
    @KvmGuest(image = TestGuests.LONG, boot = BootMode.LONG, engine = EngineChoice.EMULATOR)
    void imageIsLoadedAt1MiB(Outcome outcome) {
        assertThat(outcome).halted().hasConsole("Hello 64").hasRegister(Register.RIP, 0x10_0013);
    }

    @Test
    @KvmGuest(image = TestGuests.LONG, boot = BootMode.LONG, entry = HIGH, engine = EngineChoice.EMULATOR)
    void registersOfTheUpperHalfAreComparedWhole(Outcome outcome) {
        assertThat(outcome).halted().hasConsole("Hello 64").hasRegister(Register.RIP, 0xffff_ffff_8010_0013L);
        assertThatThrownBy(() -> assertThat(outcome).hasRegister(Register.RIP, 0x8010_0013L))
                .hasMessageContaining("expected rip to be 0x80100013, but it is 0xffffffff80100013");
    }
}
