package dev.kvmguest.junit;

import java.util.HexFormat;

/** Bytes as assertions take and show them: numbers from 0 to 255, in hexadecimal. */
final class Octets {

    private Octets() {}

    /**
     * Returns the bytes with these unsigned values.
     *
     * @throws IllegalArgumentException if one is not between 0 and 255
     */
    static byte[] of(int... values) {
        byte[] bytes = new byte[values.length];
        for (int i = 0; i < values.length; i++) {
            if (values[i] < 0 || values[i] > 0xff) {
                throw new IllegalArgumentException("byte " + values[i] + " is not between 0 and 255");
            }
            bytes[i] = (byte) values[i];
        }
        return bytes;
    }

    static String text(byte[] bytes) {
        return bytes.length == 0 ? "nothing" : HexFormat.ofDelimiter(" ").formatHex(bytes);
    }
}
