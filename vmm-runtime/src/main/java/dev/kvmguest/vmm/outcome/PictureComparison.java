package dev.kvmguest.vmm.outcome;

import java.util.Locale;
import java.util.Optional;

/** Where two pictures differ. */
public final class PictureComparison {

    private static final int DIFFERENT = 0xff0000;
    private static final int FRAME = 0xffff00;
    /** Pixels between what differs and the frame around it. */
    private static final int MARGIN = 2;

    private final Picture expected;
    private final Picture actual;
    private final PictureTolerance tolerance;
    private final boolean sameSize;
    private int count;
    private int left = Integer.MAX_VALUE;
    private int right = -1;
    private int top = Integer.MAX_VALUE;
    private int bottom = -1;
    private int firstX;

    private PictureComparison(Picture expected, Picture actual, PictureTolerance tolerance) {
        this.expected = expected;
        this.actual = actual;
        this.tolerance = tolerance;
        this.sameSize = expected.width() == actual.width() && expected.height() == actual.height();
        if (sameSize && !expected.equals(actual)) {
            compare();
        }
    }

    /** Compares two pictures. */
    public static PictureComparison of(Picture expected, Picture actual, PictureTolerance tolerance) {
        return new PictureComparison(expected, actual, tolerance);
    }

    private void compare() {
        for (int y = 0; y < expected.height(); y++) {
            for (int x = 0; x < expected.width(); x++) {
                if (differs(x, y)) {
                    if (count == 0) {
                        firstX = x;
                    }
                    count++;
                    left = Math.min(left, x);
                    right = Math.max(right, x);
                    top = Math.min(top, y);
                    bottom = y;
                }
            }
        }
    }

    private boolean differs(int x, int y) {
        int one = expected.rgb(x, y);
        int other = actual.rgb(x, y);
        return one != other && (isFar(one >> 16, other >> 16) || isFar(one >> 8, other >> 8) || isFar(one, other));
    }

    private boolean isFar(int one, int other) {
        return Math.abs((one & 0xff) - (other & 0xff)) > tolerance.color();
    }

    /** Returns whether the pictures have the same size, and no more pixels differ than may. */
    public boolean matches() {
        return sameSize && count <= allowed();
    }

    /** Returns how many pixels differ by more than the tolerance; 0 if the sizes differ. */
    public int count() {
        return count;
    }

    private int allowed() {
        return (int) (tolerance.share() * expected.width() * expected.height());
    }

    /** Returns what is different, to be put after "but"; empty if the pictures match. */
    public Optional<String> sentence() {
        if (matches()) {
            return Optional.empty();
        }
        if (!sameSize) {
            return Optional.of("it is " + actual + ", and not of " + expected.width() + " x " + expected.height());
        }
        int pixels = expected.width() * expected.height();
        return Optional.of(String.format(
                Locale.ROOT,
                "%d of %d pixels differ%s, all within x %d to %d, y %d to %d; the first, at x %d, y %d, is #%06x and not"
                        + " #%06x",
                count,
                pixels,
                tolerance.equals(PictureTolerance.EXACT) ? "" : " (allowed: " + tolerance + ")",
                left,
                right,
                top,
                bottom,
                firstX,
                top,
                actual.rgb(firstX, top),
                expected.rgb(firstX, top)));
    }

    /**
     * Returns a picture of the difference: red where pixels differ by more than the tolerance, with a yellow frame
     * around all of them, and a dark, grey image of the actual picture elsewhere. Empty if the sizes differ.
     */
    public Optional<Picture> picture() {
        return sameSize ? Optional.of(Picture.of(actual.width(), actual.height(), this::color)) : Optional.empty();
    }

    private int color(int x, int y) {
        if (count > 0 && differs(x, y)) {
            return DIFFERENT;
        }
        return count > 0 && isInFrame(x, y) ? FRAME : grey(actual.rgb(x, y));
    }

    private boolean isInFrame(int x, int y) {
        boolean inWidth = x >= left - MARGIN && x <= right + MARGIN;
        boolean inHeight = y >= top - MARGIN && y <= bottom + MARGIN;
        return inHeight && (x == left - MARGIN || x == right + MARGIN)
                || inWidth && (y == top - MARGIN || y == bottom + MARGIN);
    }

    /** Half as bright as the mean of the three colours. */
    private static int grey(int rgb) {
        int grey = ((rgb >> 16 & 0xff) + (rgb >> 8 & 0xff) + (rgb & 0xff)) / 6;
        return grey << 16 | grey << 8 | grey;
    }
}
