package dev.kvmguest.vmm.internal.trial;

import dev.kvmguest.vmm.image.GuestImage.Segment;
import dev.kvmguest.vmm.image.GuestImage.Symbol;
import dev.kvmguest.vmm.internal.inspection.PlacedImage;
import dev.kvmguest.vmm.memory.GuestMemory;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;

/**
 * The objects of an image that constructors would set.
 *
 * @param words for each object, in ascending order, the guest physical addresses of words that are 0 and would not be;
 *     at least one
 */
record UnsetObjects(List<List<Long>> words) {

    private static final int WORD = 4;
    /** Of very many the others are taken to be set. */
    private static final int MOST = 256;
    /** So many words of an object are looked at. */
    private static final int MOST_WORDS = 16;

    UnsetObjects {
        words = List.copyOf(words);
    }

    /**
     * Finds out what constructors set.
     *
     * @param constructors calls them
     * @param memory the memory that they change
     */
    static UnsetObjects setBy(Runnable constructors, GuestMemory memory, PlacedImage image) {
        List<Segment> segments = image.segments();
        List<byte[]> before =
                segments.stream().map(segment -> bytes(memory, segment)).toList();
        constructors.run();
        TreeMap<Long, List<Long>> byObject = new TreeMap<>();
        for (int i = 0; i < segments.size(); i++) {
            long start = segments.get(i).physicalAddress();
            for (int at : set(before.get(i), bytes(memory, segments.get(i)), (int) -start & WORD - 1)) {
                byObject.computeIfAbsent(object(image, start + at), key -> new ArrayList<>())
                        .add(start + at);
            }
        }
        return new UnsetObjects(byObject.values().stream()
                .limit(MOST)
                .map(object -> object.subList(0, Math.min(object.size(), MOST_WORDS)))
                .toList());
    }

    /** Returns the indices of the words that were 0 and are not; the first word is at {@code start}. */
    private static List<Integer> set(byte[] was, byte[] is, int start) {
        ByteBuffer words = ByteBuffer.wrap(was);
        List<Integer> found = new ArrayList<>();
        int at = start;
        int same = 0;
        while (at + WORD <= was.length && same >= 0) {
            same = Arrays.mismatch(was, at, was.length, is, at, is.length);
            at += same & -WORD;
            if (same >= 0 && at + WORD <= was.length && words.getInt(at) == 0) {
                found.add(at);
            }
            at += WORD;
        }
        return found;
    }

    private static byte[] bytes(GuestMemory memory, Segment segment) {
        return memory.read(segment.physicalAddress(), (int) segment.memorySize());
    }

    /** Returns what tells an object from others: the address of its symbol. */
    private static long object(PlacedImage image, long physical) {
        long linear = image.linear(physical).orElse(physical);
        return image.image().symbolAt(linear).map(Symbol::address).orElse(linear);
    }

    boolean isEmpty() {
        return words.isEmpty();
    }

    int count() {
        return words.size();
    }

    /** Returns those of which all these words are 0. */
    UnsetObjects unsetIn(GuestMemory memory) {
        return new UnsetObjects(words.stream()
                .filter(object -> object.stream().allMatch(word -> memory.readInt(word) == 0))
                .toList());
    }

    /** Makes these words 0 again, but for the first few objects. */
    void unset(GuestMemory memory, int kept) {
        words.stream().skip(kept).flatMap(List::stream).forEach(word -> memory.writeInt(word, 0));
    }
}
