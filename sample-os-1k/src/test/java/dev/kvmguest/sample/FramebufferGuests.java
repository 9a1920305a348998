package dev.kvmguest.sample;

import static dev.kvmguest.junit.GuestAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.junit.Guest;
import dev.kvmguest.junit.KvmGuest;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.outcome.Picture;
import dev.kvmguest.vmm.outcome.PictureTolerance;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The kernel that draws, compared with pictures. Each subclass runs it on an engine. */
abstract class FramebufferGuests {

    /** What draw.c draws. */
    private static final Picture DRAWN = Picture.of(160, 120, (x, y) -> {
        boolean inDisc = (x - 80) * (x - 80) + (y - 60) * (y - 60) < 40 * 40;
        return x << 16 | 2 * y << 8 | (inDisc ? 0xff : 0);
    });

    @Test
    @KvmGuest("framebuffer")
    void drawsWhatItsFormulaSays(Outcome outcome) {
        assertThat(outcome).halted().hasNoUnclaimedPorts().screen().looksLike(DRAWN);
        assertThat(outcome.screen().hasText()).isFalse();
    }

    @Test
    @KvmGuest("framebuffer")
    void looksLikeItsGoldenFile(Outcome outcome, @TempDir Path folder) throws IOException {
        Path golden = Files.write(folder.resolve("golden.png"), DRAWN.toPng());

        assertThat(outcome).screen().looksLike(golden);
    }

    @Test
    @KvmGuest("framebuffer")
    void nearlyLooksLikeAPictureWithoutTheDisc(Guest guest) {
        Picture withoutDisc = Picture.of(160, 120, (x, y) -> x << 16 | 2 * y << 8);

        // The disc has 5013 of the 19200 pixels.
        guest.awaitPicture(withoutDisc, PictureTolerance.EXACT.andShare(0.27));
        guest.awaitPicture(DRAWN);
    }
}
