package dev.kvmguest.junit;

import dev.kvmguest.vmm.outcome.Picture;
import dev.kvmguest.vmm.outcome.PictureComparison;
import dev.kvmguest.vmm.outcome.PictureTolerance;
import dev.kvmguest.vmm.outcome.Screen;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The picture that a test expects a screen to show.
 *
 * @param name what it is called in messages
 * @param file the file that it is read from, if it is from one
 * @param picture the picture; empty if there is no such file
 * @param tolerance how far the screen may be from it
 */
record ExpectedPicture(String name, Optional<Path> file, Optional<Picture> picture, PictureTolerance tolerance) {

    static ExpectedPicture of(Picture picture, PictureTolerance tolerance) {
        return new ExpectedPicture("the expected picture", Optional.empty(), Optional.of(picture), tolerance);
    }

    /**
     * Reads the picture if there is one.
     *
     * @throws IllegalArgumentException if it isn't a PNG file that can be read
     */
    static ExpectedPicture in(Path file, PictureTolerance tolerance) {
        try {
            Optional<Picture> picture = Files.exists(file) ? Optional.of(Picture.read(file)) : Optional.empty();
            return new ExpectedPicture(file.toString(), Optional.of(file), picture, tolerance);
        } catch (IOException e) {
            throw new UncheckedIOException("the picture " + file + " can't be read: " + e.getMessage(), e);
        }
    }

    boolean isShownBy(Screen screen) {
        return picture.isPresent() && compare(screen, picture.get()).matches();
    }

    private PictureComparison compare(Screen screen, Picture expected) {
        return PictureComparison.of(expected, screen.picture(), tolerance);
    }

    /** Returns why a screen doesn't look like it, to be put after "expected". */
    String mismatch(Screen screen) {
        if (picture.isEmpty()) {
            return "the screen to look like " + name + ", but there is no such file; look at the actual picture, and if"
                    + " it is right, copy it to " + file.orElseThrow().toAbsolutePath();
        }
        return "the screen to look like " + name + ", but "
                + compare(screen, picture.get()).sentence().orElseThrow();
    }

    /** Returns a failure with this message, which ends with LF, beside which are the pictures of the difference. */
    PictureFailure failure(String message, Screen screen) {
        Map<String, Picture> pictures = new LinkedHashMap<>();
        picture.ifPresent(expected -> pictures.put("expected", expected));
        pictures.put("actual", screen.picture());
        picture.flatMap(expected -> compare(screen, expected).picture())
                .ifPresent(difference -> pictures.put("difference", difference));
        return new PictureFailure(message, new ScreenPictures(pictures));
    }
}
