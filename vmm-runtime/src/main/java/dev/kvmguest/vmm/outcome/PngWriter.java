package dev.kvmguest.vmm.outcome;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32;
import java.util.zip.Deflater;

/**
 * Writes pictures of at most 16 colours as PNG.
 *
 * <p>Source: W3C, Portable Network Graphics (PNG) Specification, second edition (2003), sections 5 and 11.
 */
final class PngWriter {

    private static final byte[] SIGNATURE = {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    private static final int BITS_PER_DOT = 4;
    private static final int INDEXED_COLOUR = 3;

    private PngWriter() {}

    /**
     * Returns the bytes of a file.
     *
     * @param width the width in dots, an even number
     * @param dots the colour of each dot, line by line
     * @param colors red, green and blue of each colour, 8 bits each; 16 at most
     */
    static byte[] write(int width, int height, byte[] dots, int[] colors) {
        ByteBuffer header = ByteBuffer.allocate(13).putInt(width).putInt(height);
        // Then three zeros: the only compression and the only set of filters that there are, and no interlacing.
        header.put((byte) BITS_PER_DOT).put((byte) INDEXED_COLOUR);
        ByteBuffer palette = ByteBuffer.allocate(3 * colors.length);
        for (int color : colors) {
            palette.put((byte) (color >> 16)).put((byte) (color >> 8)).put((byte) color);
        }
        ByteArrayOutputStream file = new ByteArrayOutputStream();
        file.writeBytes(SIGNATURE);
        file.writeBytes(chunk("IHDR", header.array()));
        file.writeBytes(chunk("PLTE", palette.array()));
        file.writeBytes(chunk("IDAT", deflate(lines(width, height, dots))));
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
