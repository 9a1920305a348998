package dev.kvmguest.vmm.outcome;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.zip.CRC32;
import java.util.zip.Deflater;

/**
 * Writes pictures as PNG: with a palette if they have at most 16 colours that are given, else with 8 bits each of red,
 * green and blue.
 *
 * <p>Source: W3C, Portable Network Graphics (PNG) Specification, second edition (2003), sections 5 and 11.
 */
final class PngWriter {

    private static final byte[] SIGNATURE = {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    private static final int BITS_PER_DOT = 4;
    private static final int INDEXED_COLOUR = 3;
    private static final int BITS_PER_SAMPLE = 8;
    private static final int TRUE_COLOUR = 2;
    /** The filter that writes the difference to the byte above: equal lines, of which screens have many, are zeros. */
    private static final byte UP = 2;

    private PngWriter() {}

    /**
     * Returns the bytes of a file.
     *
     * @param width the width in dots, an even number
     * @param dots the colour of each dot, line by line
     * @param colors red, green and blue of each colour, 8 bits each; 16 at most
     */
    static byte[] write(int width, int height, byte[] dots, int[] colors) {
        ByteBuffer palette = ByteBuffer.allocate(3 * colors.length);
        for (int color : colors) {
            palette.put((byte) (color >> 16)).put((byte) (color >> 8)).put((byte) color);
        }
        return file(
                header(width, height, BITS_PER_DOT, INDEXED_COLOUR),
                chunk("PLTE", palette.array()),
                chunk("IDAT", deflate(lines(width, height, dots))));
    }

    /**
     * Returns the bytes of a file.
     *
     * @param pixels 0xRRGGBB, line by line
     */
    static byte[] write(int width, int height, int[] pixels) {
        return file(
                header(width, height, BITS_PER_SAMPLE, TRUE_COLOUR),
                chunk("IDAT", deflate(lines(width, height, pixels))));
    }

    /** Three zeros end it: the only compression and the only set of filters that there are, and no interlacing. */
    private static byte[] header(int width, int height, int bits, int type) {
        ByteBuffer header = ByteBuffer.allocate(13).putInt(width).putInt(height);
        return chunk("IHDR", header.put((byte) bits).put((byte) type).array());
    }

    private static byte[] file(byte[]... chunks) {
        ByteArrayOutputStream file = new ByteArrayOutputStream();
        file.writeBytes(SIGNATURE);
        List.of(chunks).forEach(file::writeBytes);
        file.writeBytes(chunk("IEND", new byte[0]));
        return file.toByteArray();
    }

    /**
     * Returns the lines, two dots per byte with the left one in the high bits. Each line has a zero for "not filtered"
     * in front.
     */
    private static byte[] lines(int width, int height, byte[] dots) {
        ByteBuffer lines = ByteBuffer.allocate(height * (1 + width / 2));
        for (int i = 0; i < dots.length; i += 2) {
            if (i % width == 0) {
                lines.put((byte) 0);
            }
            lines.put((byte) (dots[i] << BITS_PER_DOT | dots[i + 1]));
        }
        return lines.array();
    }

    private static byte[] lines(int width, int height, int[] pixels) {
        ByteBuffer lines = ByteBuffer.allocate(height * (1 + 3 * width));
        for (int i = 0; i < pixels.length; i++) {
            if (i % width == 0) {
                lines.put(UP);
            }
            int above = i < width ? 0 : pixels[i - width];
            for (int bit = 16; bit >= 0; bit -= 8) {
                lines.put((byte) ((pixels[i] >> bit) - (above >> bit)));
            }
        }
        return lines.array();
    }

    private static byte[] chunk(String type, byte[] data) {
        ByteBuffer chunk = ByteBuffer.allocate(12 + data.length).putInt(data.length);
        chunk.put(type.getBytes(StandardCharsets.US_ASCII)).put(data);
        CRC32 crc = new CRC32();
        crc.update(chunk.array(), 4, 4 + data.length);
        return chunk.putInt((int) crc.getValue()).array();
    }

    private static byte[] deflate(byte[] data) {
        Deflater deflater = new Deflater();
        try {
            deflater.setInput(data);
            deflater.finish();
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            byte[] buffer = new byte[1 << 12];
            while (!deflater.finished()) {
                out.write(buffer, 0, deflater.deflate(buffer));
            }
            return out.toByteArray();
        } finally {
            deflater.end();
        }
    }
}
