package dev.kvmguest.vmm.outcome;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.FutureTask;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class ConsoleTests {

    private static final Duration LONG = Duration.ofMinutes(10);

    private final Console console = new Console();

    @Test
    void textIsEverythingWritten() {
        write("Hello\n");
        write("gr\u00fc\u00dfe");

        assertThat(console.text()).isEqualTo("Hello\ngr\u00fc\u00dfe");
        assertThat(console.bytes()).isEqualTo("Hello\ngr\u00fc\u00dfe".getBytes(StandardCharsets.UTF_8));
        assertThat(console.dropped()).isZero();
    }

    @Test
    void bytesThatAreNoUtf8BecomeReplacementCharacters() {
        write('a', 0xff, 0xc3, 'b', 0xc3);

        assertThat(console.text()).isEqualTo("a\ufffd\ufffdb\ufffd");
        assertThat(console.bytes()).containsExactly('a', 0xff, 0xc3, 'b', 0xc3);
    }

    @Test
    void awaitingReadsLikeAConversation() throws InterruptedException {
        write("Select: 1\nSelect: 2\n");

        assertThat(console.await("Select:", LONG)).contains("Select:");
        assertThat(console.await("Select:", LONG)).contains(" 1\nSelect:");
        assertThat(console.await("\n", LONG)).contains(" 2\n");
        assertThat(console.await("Select:", Duration.ZERO)).isEmpty();
    }

    @Test
    void awaitingInVainLeavesWhatWasThere() throws InterruptedException {
        write("Select:");

        assertThat(console.await("Quit", Duration.ZERO)).isEmpty();
        assertThat(console.await("Select:", Duration.ZERO)).contains("Select:");
    }

    @Test
    void awaitingNothingIsAtOnceOver() throws InterruptedException {
        assertThat(console.await("", Duration.ZERO)).contains("");
    }

    @Test
    void patternsAndTextsShareOneConversation() throws InterruptedException {
        write("9 x 9 = 81\nbye\n");

        assertThat(console.await(Pattern.compile("\\d+ x"), LONG)).contains("9 x");
        assertThat(console.await("=", LONG)).contains(" 9 =");
        assertThat(console.await(Pattern.compile("(?m)^b.e$"), LONG)).contains(" 81\nbye");
        assertThat(console.await(Pattern.compile("never"), Duration.ZERO)).isEmpty();
        assertThat(console.await("\n", LONG)).contains("\n");
    }

    @Test
    void patternLeavesWhatIsBehindItsMatchWhateverTheCharacters() throws InterruptedException {
        write("\u00e4\u20ac\ud83d\ude00:");
        write(0xff, 0xfe, ':');
        write("\u00e4rest");

        assertThat(console.await(Pattern.compile(":"), LONG)).contains("\u00e4\u20ac\ud83d\ude00:");
        assertThat(console.await(Pattern.compile(":"), LONG)).contains("\ufffd\ufffd:");
        assertThat(console.await("\u00e4", LONG)).contains("\u00e4");
        assertThat(console.await("rest", LONG)).contains("rest");
    }

    @Test
    void textIsFoundHoweverItArrives() throws Exception {
        FutureTask<Optional<String>> waiting = inThread(() -> console.await("gr\u00fc\u00dfe", LONG));

        for (byte octet : "x gr\u00fc\u00dfe!".getBytes(StandardCharsets.UTF_8)) {
            console.append(Byte.toUnsignedInt(octet));
        }

        assertThat(waiting.get(20, SECONDS)).contains("x gr\u00fc\u00dfe");
    }

    @Test
    void waitingThreadIsWokenByTheText() throws Exception {
        FutureTask<Optional<String>> waiting = new FutureTask<>(() -> console.await("Select:", LONG));
        awaitWaiting(start(waiting));

        write("Menu\nSelect:");

        assertThat(waiting.get(20, SECONDS)).contains("Menu\nSelect:");
    }

    @Test
    void waitingThreadIsWokenByTheEnd() throws Exception {
        FutureTask<Optional<String>> waiting = new FutureTask<>(() -> console.await(Pattern.compile("Select:"), LONG));
        awaitWaiting(start(waiting));

        console.close();

        assertThat(waiting.get(20, SECONDS)).isEmpty();
    }

    @Test
    void waitingThreadCanBeInterrupted() throws Exception {
        CompletableFuture<Throwable> thrown = new CompletableFuture<>();
        FutureTask<Optional<String>> waiting = new FutureTask<>(() -> {
            try {
                return console.await("never", LONG);
            } catch (InterruptedException e) {
                thrown.complete(e);
                throw e;
            }
        });
        Thread thread = start(waiting);
        awaitWaiting(thread);

        thread.interrupt();

        assertThat(thrown.get(20, SECONDS)).isInstanceOf(InterruptedException.class);
    }

    @Test
    void waitingEndsWithItsTime() throws InterruptedException {
        write("Menu");

        assertThat(console.await("Select:", Duration.ofMillis(1))).isEmpty();
    }

    @Test
    void whatWasWrittenBeforeTheEndIsStillFound() throws InterruptedException {
        write("Select:");
        console.close();

        assertThat(console.await("Select:", LONG)).contains("Select:");
        assertThat(console.await("Select:", LONG)).isEmpty();
    }

    @Test
    void longestTimeIsForEver() throws Exception {
        Duration forEver = Duration.ofSeconds(Long.MAX_VALUE);
        FutureTask<Optional<String>> waiting = new FutureTask<>(() -> console.await("Select:", forEver));
        awaitWaiting(start(waiting));

        write("Select:");

        assertThat(waiting.get(20, SECONDS)).contains("Select:");
    }

    @Test
    void severalThreadsMayAwaitAtOnce() throws Exception {
        for (int i = 0; i < 300; i++) {
            Console shared = new Console();
            List<FutureTask<Optional<String>>> waiting = new ArrayList<>();
            for (int thread = 0; thread < 4; thread++) {
                waiting.add(inThread(() -> shared.await("x", LONG)));
            }
            shared.append('x');
            shared.close();
            for (FutureTask<Optional<String>> each : waiting) {
                each.get(20, SECONDS);
            }
            assertThat(shared.await("y", LONG)).isEmpty();
        }
    }

    @Test
    void listenerGetsWhatWasWrittenBeforeAndAfter() {
        List<Integer> heard = new ArrayList<>();
        write("a");

        console.forwardTo(heard::add);
        write('b', 0xff);

        assertThat(heard).containsExactly((int) 'a', (int) 'b', 0xff);
    }

    @Test
    void lastListenerStays() {
        List<Integer> first = new ArrayList<>();
        List<Integer> second = new ArrayList<>();
        console.forwardTo(first::add);
        write("a");

        console.forwardTo(second::add);
        write("b");

        assertThat(first).containsExactly((int) 'a');
        assertThat(second).containsExactly((int) 'a', (int) 'b');
    }

    @Test
    void first4MegabytesAreKept() {
        int limit = 4 << 20;
        for (int i = 0; i < limit; i++) {
            console.append('a');
        }
        write("bc");

        assertThat(console.bytes()).hasSize(limit).endsWith('a');
        assertThat(console.dropped()).isEqualTo(2);
    }

    @Test
    void listenerGetsWhatIsNotKeptToo() {
        for (int i = 0; i < 4 << 20; i++) {
            console.append('a');
        }
        List<Integer> heard = new ArrayList<>();
        console.forwardTo(octet -> {
            if (octet != 'a') {
                heard.add(octet);
            }
        });

        write("b");

        assertThat(heard).containsExactly((int) 'b');
    }

    @Test
    void negativeTimeIsNone() throws InterruptedException {
        assertThat(console.await("x", Duration.ofSeconds(-1))).isEmpty();
    }

    @Test
    void interruptedThreadDoesNotWait() {
        Thread.currentThread().interrupt();

        assertThatExceptionOfType(InterruptedException.class).isThrownBy(() -> console.await("never", LONG));
        assertThat(Thread.interrupted()).isFalse();
    }

    private static <T> FutureTask<T> inThread(Callable<T> body) {
        FutureTask<T> task = new FutureTask<>(body);
        start(task);
        return task;
    }

    private static Thread start(FutureTask<?> task) {
        Thread thread = new Thread(task, "console-reader");
        thread.setDaemon(true);
        thread.start();
        return thread;
    }

    /** A thread whose state says so is in the wait that it was started for; it has no other. */
    private static void awaitWaiting(Thread thread) {
        while (thread.getState() != Thread.State.TIMED_WAITING) {
            Thread.onSpinWait();
        }
    }

    private void write(String text) {
        for (byte octet : text.getBytes(StandardCharsets.UTF_8)) {
            console.append(Byte.toUnsignedInt(octet));
        }
    }

    private void write(int... octets) {
        for (int octet : octets) {
            console.append(octet);
        }
    }
}
