package dev.kvmguest.vmm.outcome;

import dev.kvmguest.vmm.internal.bus.ByteLog;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.IntConsumer;
import java.util.function.ToIntFunction;
import java.util.regex.Pattern;

/**
 * What a guest writes to 0xE9, COM1 and the hypercall port, in the order written. Other threads may read it while the
 * guest runs. It keeps the first 4 MiB.
 *
 * <p>The await methods read it like a conversation: each looks only at what came after the text that the previous one
 * found.
 */
public final class Console {

    private static final int LIMIT = 4 << 20;

    private final ByteLog log = new ByteLog(LIMIT);
    private IntConsumer listener = octet -> {};
    private int awaitedUpTo;
    private boolean closed;

    public Console() {}

    /** Creates one that goes on from what is in another one now: with its text, and what was awaited there. */
    public Console(Console before) {
        synchronized (before) {
            log.restore(before.log.save());
            awaitedUpTo = before.awaitedUpTo;
        }
    }

    /** Returns everything written so far, decoded as UTF-8; malformed bytes become U+FFFD. */
    public String text() {
        return new String(bytes(), StandardCharsets.UTF_8);
    }

    /** Returns everything written so far. */
    public synchronized byte[] bytes() {
        return log.toByteArray();
    }

    /** Returns the number of bytes kept. */
    public synchronized int size() {
        return log.size();
    }

    /**
     * Looks for text once, without waiting, and takes it as awaited if it is there.
     *
     * @param wanted the text, in UTF-8
     * @param from the number of bytes before the place from which on the text may begin
     * @return whether it was found after that and after what was last awaited
     */
    public synchronized boolean found(byte[] wanted, int from) {
        int start = Math.max(awaitedUpTo, from);
        int end = start < log.size() ? endOf(log.toByteArray(start, log.size()), wanted) : -1;
        if (end >= 0) {
            advance(start + end);
        }
        return end >= 0;
    }

    /** Returns the number of bytes written after the limit and not kept. */
    public synchronized long dropped() {
        return log.dropped();
    }

    /**
     * Also hands every byte, 0 to 255, to {@code next}, on the vCPU's thread. Bytes written earlier come first. There
     * is one listener; the last one set stays.
     */
    public synchronized void forwardTo(IntConsumer next) {
        listener = next;
        for (byte octet : log.toByteArray()) {
            next.accept(Byte.toUnsignedInt(octet));
        }
    }

    /**
     * Waits until the guest has written {@code text} after what was last awaited.
     *
     * @return what was written from there up to and including {@code text}; empty if the guest ended or the time ran
     *     out first
     * @throws InterruptedException if the waiting thread is interrupted
     */
    public Optional<String> await(String text, Duration timeout) throws InterruptedException {
        byte[] wanted = text.getBytes(StandardCharsets.UTF_8);
        return awaitEnd(fresh -> endOf(fresh, wanted), wanted.length, timeout);
    }

    /**
     * Waits until what the guest has written after what was last awaited contains a match. A quantifier at the end of
     * the pattern matches what is there at that moment; let the pattern end in text that ends the output.
     *
     * @return what was written from there up to the end of the match; empty as above
     * @throws InterruptedException if the waiting thread is interrupted
     * @throws PatternSearch.GivenUpException if one search takes longer than {@link PatternSearch#LIMIT}
     */
    public Optional<String> await(Pattern pattern, Duration timeout) throws InterruptedException {
        return awaitEnd(
                fresh -> {
                    PatternSearch search = new PatternSearch(pattern, new String(fresh, StandardCharsets.UTF_8));
                    return search.find() ? bytesDecoded(fresh, search.end()) : -1;
                },
                LIMIT,
                timeout);
    }

    /**
     * Waits for a match.
     *
     * @param endOfMatch returns the end of the first match in bytes, or -1
     * @param longest the most bytes that a match can have; only so many are searched again after further output
     */
    private Optional<String> awaitEnd(ToIntFunction<byte[]> endOfMatch, int longest, Duration timeout)
            throws InterruptedException {
        // Saturates: what is longer than a long of nanoseconds is for ever.
        long deadline = System.nanoTime() + TimeUnit.NANOSECONDS.convert(timeout);
        int seen = -1;
        while (true) {
            int start;
            byte[] fresh;
            synchronized (this) {
                while (log.size() == seen) {
                    long left = deadline - System.nanoTime();
                    if (closed || left <= 0) {
                        return Optional.empty();
                    }
                    wait(left / 1_000_000 + 1);
                }
                start = Math.max(awaitedUpTo, seen - longest);
                seen = log.size();
                fresh = log.toByteArray(start, seen);
            }
            // Outside the lock, so that a search in much output does not hold up the guest.
            int end = endOfMatch.applyAsInt(fresh);
            if (end >= 0) {
                return Optional.of(advance(start + end));
            }
            // A guest that never stops writing must not keep the search from ending.
            if (deadline - System.nanoTime() <= 0) {
                return Optional.empty();
            }
        }
    }

    /** Moves the place awaited up to, and returns the text in between. */
    private synchronized String advance(int to) {
        // Another thread may have found something further on meanwhile.
        int from = Math.min(awaitedUpTo, to);
        awaitedUpTo = Math.max(awaitedUpTo, to);
        return new String(log.toByteArray(from, to), StandardCharsets.UTF_8);
    }

    /** Returns how many of the bytes make the first {@code chars} characters. */
    private static int bytesDecoded(byte[] bytes, int chars) {
        ByteBuffer in = ByteBuffer.wrap(bytes);
        StandardCharsets.UTF_8
                .newDecoder()
                .onMalformedInput(CodingErrorAction.REPLACE)
                .decode(in, CharBuffer.allocate(chars), true);
        return in.position();
    }

    private static int endOf(byte[] bytes, byte[] wanted) {
        for (int start = 0; start + wanted.length <= bytes.length; start++) {
            int same = 0;
            while (same < wanted.length && bytes[start + same] == wanted[same]) {
                same++;
            }
            if (same == wanted.length) {
                return start + same;
            }
        }
        return -1;
    }

    /** Returns the number of bytes up to the end of what was last awaited; 0 if nothing was found yet. */
    public synchronized int awaited() {
        return awaitedUpTo;
    }

    public synchronized void append(int octet) {
        log.append(octet);
        listener.accept(octet);
        notifyAll();
    }

    /** Tells waiting threads that nothing more will be written. */
    public synchronized void close() {
        closed = true;
        notifyAll();
    }
}
