package dev.kvmguest.sample;

import static dev.kvmguest.junit.GuestAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.junit.Guest;
import dev.kvmguest.junit.KvmGuest;
import dev.kvmguest.vmm.outcome.Outcome;
import org.junit.jupiter.api.Test;

/** The kernel by the Limine boot protocol. Each subclass runs it on an engine. */
abstract class LimineGuests {

    private static final int RED = 0xff0000;
    private static final int WHITE = 0xffffff;

    /** Where the framebuffer is: 1024 x 768 pixels at the end of 16 MiB of RAM. */
    private static final long FRAMEBUFFER = (16 << 20) - 4 * 1024 * 768;

    @Test
    @KvmGuest("limine")
    void tellsWhatItsLoaderTold(Outcome outcome) {
        assertThat(outcome)
                .debugExited(0)
                .consoleMatches("booted by kvmguest\nmemory from 0xffff800000000000 on\n0x0-0x9efff usable\n"
                        + "0x9fc00-0x9ffff reserved\n0xf0000-0xfffff reserved\n0x100000-0x1fffff usable\n"
                        + "0x200000-0x[0-9a-f]+ kernel and modules\n0x[0-9a-f]+-0x[0-9a-f]+ the loader's\n"
                        + "0x[0-9a-f]+-0xcfffff usable\n0xd00000-0xffffff framebuffer\n"
                        + "module /greeting.txt: Hello from a module.\n");
        assertThat(outcome.warnings()).isEmpty();
    }

    @Test
    @KvmGuest("limine")
    void drawsASquare(Guest guest) {
        guest.awaitOutput("module.");
        assertThat(guest.await()).debugExited(0);

        assertThat(pixel(guest, 0, 0)).isEqualTo(WHITE);
        assertThat(pixel(guest, 99, 99)).isEqualTo(WHITE);
        assertThat(pixel(guest, 99, 0)).isEqualTo(RED);
        assertThat(pixel(guest, 100, 0)).isZero();
        assertThat(pixel(guest, 0, 100)).isZero();
    }

    private static int pixel(Guest guest, int x, int y) {
        return guest.memory().readInt(FRAMEBUFFER + 4L * (1024 * y + x));
    }
}
