package dev.kvmguest.junit;

import static dev.kvmguest.junit.GuestAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.outcome.Picture;
import dev.kvmguest.vmm.outcome.PictureTolerance;
import dev.kvmguest.vmm.report.TextReport;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Guests that draw into a framebuffer. */
@BootsGuests
@KvmGuest(image = TestGuests.DRAW_AND_HANG, boot = BootMode.MULTIBOOT)
@Tag("kvm")
class GuestPictureTests {

    private static final Picture OTHER = Picture.of(20, 10, (x, y) -> y < 2 ? 0x112233 : 0);
    private static final String DIFFERENCE = "1 of 200 pixels differ, all within x 0 to 0, y 2 to 2; the first, at x 0,"
            + " y 2, is #ff8000 and not #000000\n";
    private static final String SHOWN = "  screen: a picture of 20 x 10 pixels\n";

    @TempDir
    private Path root;

    @Test
    void awaitPictureBootsTheGuestAndReturnsTheScreen(Guest guest) throws IOException {
        assertThat(guest.awaitPicture(TestGuests.DRAWN)).looksLike(TestGuests.DRAWN);
        assertThat(guest).isRunning();
        assertThat(guest).screen().looksLike(TestGuests.DRAWN);
        assertThat(guest.awaitPicture(OTHER, PictureTolerance.EXACT.andShare(0.005))
                        .picture())
                .isEqualTo(TestGuests.DRAWN);
        Path golden = Files.write(root.resolve("golden.png"), TestGuests.DRAWN.toPng());
        assertThat(guest.awaitPicture(golden).picture()).isEqualTo(TestGuests.DRAWN);
        assertThat(guest.awaitPicture(golden, PictureTolerance.ofColor(1)).picture())
                .isEqualTo(TestGuests.DRAWN);
    }

    @Test
    void pictureThatDoesNotComeInTimeFailsWithTheDifference(Guest guest) {
        guest.awaitPicture(TestGuests.DRAWN);

        assertThatThrownBy(() -> guest.awaitPicture(OTHER, PictureTolerance.EXACT, Duration.ofMillis(20)))
                .isInstanceOf(AssertionError.class)
                .hasMessage("expected the screen to look like the expected picture, but " + DIFFERENCE
                        + "that was awaited for " + Fixture.stretched(20)
                        + "\nguest draw-and-hang.bin is still running\n  console: empty\n" + SHOWN);
    }

    @Test
    @KvmGuest(image = TestGuests.DRAW, boot = BootMode.MULTIBOOT)
    void guestThatEndsWithoutThePictureFailsAtOnce(Guest guest) {
        guest.await();

        guest.awaitPicture(TestGuests.DRAWN);
        assertThatThrownBy(() -> guest.awaitPicture(OTHER))
                .isInstanceOf(AssertionError.class)
                .hasMessage("expected the screen to look like the expected picture, but " + DIFFERENCE
                        + "the guest halted with interrupts off\n" + TextReport.brief(guest.await()))
                .hasMessageEndingWith(SHOWN);
    }

    @Test
    void interruptedWaitStopsTheGuest(Guest guest) {
        guest.awaitPicture(TestGuests.DRAWN);
        Thread.currentThread().interrupt();

        assertThatThrownBy(() -> guest.awaitPicture(OTHER))
                .isInstanceOf(VmmException.class)
                .hasMessage("interrupted while awaiting the expected picture; the guest has been stopped");
        assertThat(Thread.interrupted()).isTrue();
        assertThat(guest).ended().stopped();
    }

    @Test
    void failurePublishesThePicturesAndSaysWhere() {
        Throwable failure = failure(LooksOtherwise.class);

        Map<String, Path> files = files();
        assertThat(files)
                .containsOnlyKeys(
                        "console.txt",
                        "guest.html",
                        "guest.json",
                        "guest.txt",
                        "screen.png",
                        "screen-actual.png",
                        "screen-difference.png",
                        "screen-expected.png");
        assertThat(failure)
                .hasMessage("expected the screen to look like the expected picture, but " + DIFFERENCE + SHOWN
                        + "expected picture: "
                        + files.get("screen-expected.png").toAbsolutePath()
                        + "\nactual picture: " + files.get("screen-actual.png").toAbsolutePath()
                        + "\ndifference picture: "
                        + files.get("screen-difference.png").toAbsolutePath());
        assertThat(picture("screen.png")).isEqualTo(TestGuests.DRAWN);
        assertThat(picture("screen-actual.png")).isEqualTo(TestGuests.DRAWN);
        assertThat(picture("screen-expected.png")).isEqualTo(OTHER);
        // Red where they differ, a yellow frame around it, the rest half as bright and grey.
        assertThat(picture("screen-difference.png"))
                .isEqualTo(Picture.of(
                        20,
                        10,
                        (x, y) -> x == 0 && y == 2
                                ? 0xff0000
                                : x <= 2 && y <= 4 && (x == 2 || y == 0 || y == 4) ? 0xffff00 : y < 2 ? 0x111111 : 0));
    }

    static class LooksOtherwise {
        @Test
        @KvmGuest(image = TestGuests.DRAW, boot = BootMode.MULTIBOOT)
        void fails(Outcome outcome) {
            assertThat(outcome).screen().looksLike(OTHER);
        }
    }

    @Test
    void missingGoldenFileIsPublishedAsItWouldBe() {
        Throwable failure = failure(HasNoGoldenFile.class);

        assertThat(files()).containsKey("screen-actual.png").doesNotContainKeys("screen-expected.png");
        assertThat(failure)
                .hasMessage("expected the screen to look like target/no-such.png, but there is no such file; look at"
                        + " the actual picture, and if it is right, copy it to "
                        + Path.of("target/no-such.png").toAbsolutePath() + "\n" + SHOWN + "actual picture: "
                        + files().get("screen-actual.png").toAbsolutePath());
    }

    static class HasNoGoldenFile {
        @Test
        @KvmGuest(image = TestGuests.DRAW, boot = BootMode.MULTIBOOT)
        void fails(Outcome outcome) {
            assertThat(outcome).screen().looksLike(Path.of("target/no-such.png"));
        }
    }

    @Test
    void softAssertionsPublishThePicturesOfEach() {
        Throwable failure = failure(LooksOtherwiseTwice.class);

        assertThat(files())
                .containsKeys("screen-expected.png", "screen-actual.png", "screen-difference.png")
                .containsKeys("screen-2-expected.png", "screen-2-actual.png")
                .doesNotContainKey("screen-2-difference.png");
        assertThat(failure)
                .hasMessageContaining(DIFFERENCE.strip())
                .hasMessageContaining("but it is a picture of 20 x 10 pixels, and not of 1 x 1")
                .hasStackTraceContaining("difference picture: "
                        + files().get("screen-difference.png").toAbsolutePath());
    }

    static class LooksOtherwiseTwice {
        @Test
        @KvmGuest(image = TestGuests.DRAW, boot = BootMode.MULTIBOOT)
        void fails(Outcome outcome) {
            GuestSoftAssertions.assertSoftly(softly -> {
                softly.assertThat(outcome).screen().looksLike(OTHER);
                softly.assertThat(outcome.screen()).looksLike(Picture.of(1, 1, (x, y) -> 0));
            });
        }
    }

    private Throwable failure(Class<?> test) {
        return Fixture.failuresOf(Fixture.run(test, Map.of(), new Fixture.Folder(root)))
                .get(0);
    }

    private Picture picture(String name) {
        try {
            return Picture.read(files().get(name));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Map<String, Path> files() {
        Map<String, Path> files = new TreeMap<>();
        try (Stream<Path> paths = Files.walk(root)) {
            paths.filter(Files::isRegularFile)
                    .forEach(file -> files.put(file.getFileName().toString(), file));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return files;
    }
}
