package dev.kvmguest.vmm.outcome;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.zip.CRC32;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/**
 * Reads PNG files that aren't interlaced, without java.desktop. A file can't make it take more memory than its picture
 * needs.
 *
 * <p>Source: W3C, Portable Network Graphics (PNG) Specification, second edition (2003), sections 5, 9 and 11.
 */
final class PngReader {

    private static final byte[] SIGNATURE = {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    private static final int CHUNK = 12;
    private static final int HEADER_SIZE = 13;

    private static final int GREY = 0;
    private static final int COLOUR = 2;
    private static final int INDEXED = 3;
    private static final int GREY_WITH_ALPHA = 4;
    private static final int COLOUR_WITH_ALPHA = 6;

    private final ByteBuffer file;
    private final Inflater inflater = new Inflater();
    private int width;
    private int height;
    private int depth;
    private int type;
    private byte[] lines;
    private int filled;
    private int[] palette = {};

    private PngReader(byte[] bytes) {
        file = ByteBuffer.wrap(bytes);
    }

    /** Reads one, as {@link Picture#ofPng} says. */
    static Picture read(byte[] bytes) {
        PngReader reader = new PngReader(bytes);
        try {
            return reader.picture();
        } finally {
            reader.inflater.end();
        }
    }

    private Picture picture() {
        if (file.capacity() < SIGNATURE.length || !Arrays.equals(SIGNATURE, 0, 8, file.array(), 0, 8)) {
            throw new IllegalArgumentException("it is no PNG file: it doesn't begin with the signature of one");
        }
        file.position(SIGNATURE.length);
        String chunk;
        do {
            chunk = readChunk();
        } while (!chunk.equals("IEND"));
        if (lines == null || filled < lines.length) {
            throw damaged("it has fewer pixels than its header says");
        }
        unfilter();
        return Picture.of(width, height, this::color);
    }

    private String readChunk() {
        if (file.remaining() < CHUNK) {
            throw damaged("it ends too early");
        }
        int start = file.position();
        int length = file.getInt();
        if (length < 0 || length > file.remaining() - 8) {
            throw damaged("it ends too early");
        }
        String name = new String(file.array(), start + 4, 4, StandardCharsets.ISO_8859_1);
        CRC32 crc = new CRC32();
        crc.update(file.array(), start + 4, 4 + length);
        if (file.getInt(start + 8 + length) != (int) crc.getValue()) {
            throw damaged("the checksum of its part " + name + " is wrong");
        }
        ByteBuffer data = file.slice(start + 8, length);
        file.position(start + CHUNK + length);
        if (lines == null && !name.equals("IHDR")) {
            throw damaged("it doesn't begin with a header");
        }
        switch (name) {
            case "IHDR" -> readHeader(data);
            case "PLTE" -> readPalette(data);
            case "IDAT" -> inflate(data);
            default -> {
                // What else there may be doesn't change a pixel's colour here.
            }
        }
        return name;
    }

    private void readHeader(ByteBuffer header) {
        if (header.remaining() != HEADER_SIZE || lines != null) {
            throw damaged("its header has a wrong size, or there are two");
        }
        width = header.getInt();
        height = header.getInt();
        depth = header.get();
        type = header.get();
        boolean possible =
                switch (type) {
                    case GREY -> depth == 1 || depth == 2 || depth == 4 || depth == 8 || depth == 16;
                    case INDEXED -> depth == 1 || depth == 2 || depth == 4 || depth == 8;
                    case COLOUR, GREY_WITH_ALPHA, COLOUR_WITH_ALPHA -> depth == 8 || depth == 16;
                    default -> false;
                };
        if (!possible) {
            throw damaged("there is no colour type " + type + " with " + depth + " bits");
        }
        if (header.getShort() != 0) {
            throw damaged("its compression or its filters are unknown");
        }
        if (header.get() != 0) {
            throw new IllegalArgumentException("the PNG file is interlaced, which is not supported; save it without");
        }
        Picture.count(width, height);
        lines = new byte[height * (1 + lineLength())];
    }

    private void readPalette(ByteBuffer data) {
        palette = new int[data.remaining() / 3];
        for (int i = 0; i < palette.length; i++) {
            palette[i] = rgb(data.get(), data.get(), data.get());
        }
    }

    /** What comes after the last line is ignored. */
    private void inflate(ByteBuffer data) {
        inflater.setInput(data);
        try {
            int count = 1;
            while (count > 0 && filled < lines.length) {
                count = inflater.inflate(lines, filled, lines.length - filled);
                filled += count;
            }
        } catch (DataFormatException e) {
            throw new IllegalArgumentException("the PNG file is damaged: " + e.getMessage(), e);
        }
    }

    private int samples() {
        return switch (type) {
            case GREY, INDEXED -> 1;
            case GREY_WITH_ALPHA -> 2;
            case COLOUR -> 3;
            default -> 4;
        };
    }

    private int lineLength() {
        return (int) (((long) width * samples() * depth + 7) / 8);
    }

    /** Undoes the filter of each line, whose number is in front of it. */
    private void unfilter() {
        int length = lineLength();
        int pixel = Math.max(1, samples() * depth / 8);
        for (int y = 0; y < height; y++) {
            int from = y * (1 + length) + 1;
            int filter = lines[from - 1];
            if (filter < 0 || filter > 4) {
                throw damaged("there is no filter " + filter);
            }
            for (int x = 0; x < length; x++) {
                int left = x < pixel ? 0 : lines[from + x - pixel] & 0xff;
                int above = y == 0 ? 0 : lines[from + x - length - 1] & 0xff;
                int aboveLeft = x < pixel || y == 0 ? 0 : lines[from + x - length - 1 - pixel] & 0xff;
                int predicted =
                        switch (filter) {
                            case 0 -> 0;
                            case 1 -> left;
                            case 2 -> above;
                            case 3 -> (left + above) / 2;
                            default -> paeth(left, above, aboveLeft);
                        };
                lines[from + x] += (byte) predicted;
            }
        }
    }

    /** Returns which of the three is nearest to left + above - aboveLeft (9.4). */
    private static int paeth(int left, int above, int aboveLeft) {
        int toLeft = Math.abs(above - aboveLeft);
        int toAbove = Math.abs(left - aboveLeft);
        int toAboveLeft = Math.abs(left + above - 2 * aboveLeft);
        if (toLeft <= toAbove && toLeft <= toAboveLeft) {
            return left;
        }
        return toAbove <= toAboveLeft ? above : aboveLeft;
    }

    private int color(int x, int y) {
        int line = y * (1 + lineLength()) + 1;
        if (type == GREY || type == INDEXED) {
            int value = sample(line, x);
            if (type == GREY) {
                int grey = depth >= 8 ? value : value * 0xff / ((1 << depth) - 1);
                return rgb(grey, grey, grey);
            }
            if (value >= palette.length) {
                throw damaged("its palette has " + palette.length + " colours, and a pixel has colour " + value);
            }
            return palette[value];
        }
        int first = x * samples();
        int red = sample(line, first);
        return type == GREY_WITH_ALPHA
                ? rgb(red, red, red)
                : rgb(red, sample(line, first + 1), sample(line, first + 2));
    }

    /** Returns a value of a line; of 16 bits the upper ones. */
    private int sample(int line, int index) {
        if (depth >= 8) {
            return lines[line + index * (depth / 8)] & 0xff;
        }
        int bit = index * depth;
        return lines[line + bit / 8] >> 8 - depth - bit % 8 & (1 << depth) - 1;
    }

    private static int rgb(int red, int green, int blue) {
        return (red & 0xff) << 16 | (green & 0xff) << 8 | blue & 0xff;
    }

    private static IllegalArgumentException damaged(String why) {
        return new IllegalArgumentException("the PNG file is damaged: " + why);
    }
}
