package dev.kvmguest.vmm.outcome;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.function.IntBinaryOperator;

/**
 * A picture of 8 bits each of red, green and blue. Its pixels count from 0, from the upper left corner, to the right
 * and down. It doesn't change.
 *
 * <pre>{@code
 * Picture expected = Picture.of(640, 480, (x, y) -> y < 240 ? 0xff0000 : 0x0000ff);
 * }</pre>
 */
public final class Picture {

    /** Pixels that a picture has at most. */
    public static final int MOST_PIXELS = 1 << 24;

    private static final int RGB = 0xff_ffff;

    private final int width;
    private final int height;
    /** 0xRRGGBB, row by row. */
    private final int[] pixels;

    private Picture(int width, int height, int[] pixels) {
        this.width = width;
        this.height = height;
        this.pixels = pixels;
    }

    /**
     * Returns a picture with the pixels that a formula gives.
     *
     * @param width pixels in a row, 1 or more
     * @param height rows, 1 or more
     * @param color returns the colour 0xRRGGBB at x, y; higher bits don't count
     * @throws IllegalArgumentException if it has no pixels or more than {@link #MOST_PIXELS}
     */
    public static Picture of(int width, int height, IntBinaryOperator color) {
        int[] pixels = new int[count(width, height)];
        for (int i = 0; i < pixels.length; i++) {
            pixels[i] = color.applyAsInt(i % width, i / width) & RGB;
        }
        return new Picture(width, height, pixels);
    }

    /**
     * Returns a picture with these pixels.
     *
     * @param width pixels in a row, 1 or more
     * @param height rows, 1 or more
     * @param colors 0xRRGGBB of each pixel, row by row; higher bits don't count
     * @throws IllegalArgumentException if it has no pixels or more than {@link #MOST_PIXELS}, or there are more or
     *     fewer colours
     */
    public static Picture of(int width, int height, int[] colors) {
        if (colors.length != count(width, height)) {
            throw new IllegalArgumentException("a picture of " + width + " x " + height + " pixels has "
                    + width * height + " colours, and not " + colors.length);
        }
        int[] pixels = new int[colors.length];
        for (int i = 0; i < pixels.length; i++) {
            pixels[i] = colors[i] & RGB;
        }
        return new Picture(width, height, pixels);
    }

    /**
     * Returns the picture in a PNG file: of any colour type and depth; of 16 bits the upper 8 count, and transparency
     * doesn't.
     *
     * @throws IllegalArgumentException if it isn't a whole PNG file, it is interlaced, or it has more pixels than
     *     {@link #MOST_PIXELS}; the message says what is wrong
     */
    public static Picture ofPng(byte[] file) {
        return PngReader.read(file);
    }

    /**
     * Reads a PNG file, as {@link #ofPng} does.
     *
     * @throws IOException if it can't be read
     * @throws IllegalArgumentException as {@link #ofPng} does, with the file's name
     */
    public static Picture read(Path file) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        try {
            return ofPng(bytes);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(file + ": " + e.getMessage(), e);
        }
    }

    static int count(int width, int height) {
        if (width < 1 || height < 1 || (long) width * height > MOST_PIXELS) {
            throw new IllegalArgumentException("a picture of " + width + " x " + height
                    + " pixels can't be had; it has from 1 to " + MOST_PIXELS + " pixels");
        }
        return width * height;
    }

    /** Returns the pixels in a row. */
    public int width() {
        return width;
    }

    /** Returns the rows. */
    public int height() {
        return height;
    }

    /**
     * Returns the colour of a pixel, 0xRRGGBB.
     *
     * @throws IllegalArgumentException if it isn't in the picture
     */
    public int rgb(int x, int y) {
        if (x < 0 || x >= width || y < 0 || y >= height) {
            throw new IllegalArgumentException(
                    "pixel " + x + ", " + y + " is not in a picture of " + width + " x " + height + " pixels");
        }
        return pixels[y * width + x];
    }

    /** Returns a PNG file of it, without transparency. */
    public byte[] toPng() {
        return PngWriter.write(width, height, pixels);
    }

    /** Returns whether the other is a picture of the same size and pixels. */
    @Override
    public boolean equals(Object other) {
        return other instanceof Picture picture
                && width == picture.width
                && height == picture.height
                && Arrays.equals(pixels, picture.pixels);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(pixels) * 31 + width;
    }

    /** Returns its size. */
    @Override
    public String toString() {
        return "a picture of " + width + " x " + height + " pixels";
    }
}
