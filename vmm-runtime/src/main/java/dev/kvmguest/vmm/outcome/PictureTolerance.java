package dev.kvmguest.vmm.outcome;

import java.util.Locale;

/**
 * How far a picture may be from the one that is expected.
 *
 * @param color by how much red, green and blue of a pixel may differ each, 0 to 255; such a pixel doesn't count as one
 *     that differs
 * @param share how many of all pixels may differ, 0 (none) to 1 (all)
 */
public record PictureTolerance(int color, double share) {

    /** No pixel may differ. */
    public static final PictureTolerance EXACT = new PictureTolerance(0, 0);

    /**
     * Checks the numbers.
     *
     * @throws IllegalArgumentException if one is out of range
     */
    public PictureTolerance {
        if (color < 0 || color > 255) {
            throw new IllegalArgumentException("color " + color + " is not 0 to 255");
        }
        if (!(share >= 0 && share <= 1)) {
            throw new IllegalArgumentException("share " + share + " is not 0 to 1");
        }
    }

    /** Returns a tolerance for colours that are a little off, {@code color} at most in red, green and blue each. */
    public static PictureTolerance ofColor(int color) {
        return new PictureTolerance(color, 0);
    }

    /** Returns this tolerance for pictures of which a share of the pixels may differ, 0 to 1. */
    public PictureTolerance andShare(double pixels) {
        return new PictureTolerance(color, pixels);
    }

    /** Returns the tolerance in words; empty if it is {@link #EXACT}. */
    @Override
    public String toString() {
        String colors = color == 0 ? "" : color + " in each colour";
        String pixels = share == 0 ? "" : String.format(Locale.ROOT, "%.4g %% of the pixels", 100 * share);
        return colors + (colors.isEmpty() || pixels.isEmpty() ? "" : ", ") + pixels;
    }
}
