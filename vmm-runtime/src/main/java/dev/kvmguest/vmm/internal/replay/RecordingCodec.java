package dev.kvmguest.vmm.internal.replay;

import dev.kvmguest.vmm.internal.replay.Recording.End;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.zip.CRC32;

/**
 * A recording as bytes, for a file that goes to another machine: the form is in docs/bundle.md, and is big-endian.
 *
 * <p>What is read may be damaged or forged. Whatever it is, it becomes a recording of which a replay comes to an end
 * within its time, or an {@link IllegalArgumentException}.
 */
public final class RecordingCodec {

    /** The version of the form. */
    static final int FORMAT = 1;

    private static final byte[] MAGIC = "KVMGREC\n".getBytes(StandardCharsets.US_ASCII);
    private static final int HEAD = MAGIC.length + 3 * Integer.BYTES;

    private RecordingCodec() {}

    /**
     * Returns a recording's bytes, once its run has ended.
     *
     * @throws IllegalArgumentException if it is too long to be kept
     */
    public static byte[] encode(Recording recording) {
        if (recording.isTooLong()) {
            throw new IllegalArgumentException("with " + recording.events() + " exchanges the recording is too long");
        }
        long[] numbers = recording.numbers();
        long[] place = recording.end() == End.PLACE ? Recording.numbers(recording.point()) : new long[0];
        ByteBuffer bytes = ByteBuffer.allocate(HEAD + Long.BYTES * (place.length + numbers.length) + Integer.BYTES);
        bytes.put(MAGIC).putInt(FORMAT).putInt(recording.end().ordinal()).putInt(numbers.length);
        for (long number : place) {
            bytes.putLong(number);
        }
        for (long number : numbers) {
            bytes.putLong(number);
        }
        return bytes.putInt(checksum(bytes.array(), bytes.position())).array();
    }

    /**
     * Returns the recording that bytes stand for.
     *
     * @throws IllegalArgumentException if they are damaged, something else, or of another version of the form; the
     *     message says what is wrong, and names no file
     */
    public static Recording decode(byte[] file) {
        if (file.length < HEAD + Integer.BYTES || !Arrays.equals(file, 0, MAGIC.length, MAGIC, 0, MAGIC.length)) {
            throw new IllegalArgumentException("it is no recording of a guest");
        }
        ByteBuffer bytes = ByteBuffer.wrap(file, MAGIC.length, file.length - MAGIC.length);
        int format = bytes.getInt();
        if (format != FORMAT) {
            throw new IllegalArgumentException(
                    "it is of format " + format + ", and this version reads format " + FORMAT);
        }
        int end = bytes.getInt();
        int count = bytes.getInt();
        boolean possible = end >= 0 && end < End.values().length && count >= 0 && count <= Recording.LIMIT;
        int placeLength = possible && End.values()[end] == End.PLACE ? EventLog.PLACE_LENGTH : 0;
        if (!possible || file.length != HEAD + Long.BYTES * (placeLength + count) + Integer.BYTES) {
            throw new IllegalArgumentException("its head does not fit its length of " + file.length + " bytes");
        }
        long[] place = longs(bytes, placeLength);
        long[] numbers = longs(bytes, count);
        if (bytes.getInt() != checksum(file, file.length - Integer.BYTES)) {
            throw new IllegalArgumentException("its checksum is wrong");
        }
        return Recording.of(numbers, End.values()[end], place);
    }

    private static long[] longs(ByteBuffer bytes, int count) {
        long[] numbers = new long[count];
        for (int i = 0; i < count; i++) {
            numbers[i] = bytes.getLong();
        }
        return numbers;
    }

    private static int checksum(byte[] bytes, int length) {
        CRC32 crc = new CRC32();
        crc.update(bytes, 0, length);
        return (int) crc.getValue();
    }
}
