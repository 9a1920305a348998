package dev.kvmguest.maven.check;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kvmguest.maven.check.CheckResult.Verdict;
import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.outcome.Expectation;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class CheckRunnerTests {

    private final List<String> ended = new ArrayList<>();

    @Test
    void resultsAreInTheOrderOfTheChecksHoweverTheyEnd() throws Exception {
        // Each guest waits for the next one's end, so that they end in reverse.
        Map<String, CountDownLatch> ends = new ConcurrentHashMap<>();
        List.of("a", "b", "c").forEach(name -> ends.put(name, new CountDownLatch(1)));
        Map<String, String> next = Map.of("a", "b", "b", "c");
        CheckRunner runner = new CheckRunner(
                check -> {
                    if (next.containsKey(check.name())) {
                        ends.get(next.get(check.name())).await();
                    }
                    return Runs.exit(0, check.name());
                },
                3);

        List<CheckResult> results = runner.run(checks("a", "b", "c"), result -> {
            ended.add(result.check().name());
            ends.get(result.check().name()).countDown();
        });

        assertThat(ended).containsExactly("c", "b", "a");
        assertThat(results).extracting(result -> result.check().name()).containsExactly("a", "b", "c");
        assertThat(results.get(0).outcome().orElseThrow().console()).isEqualTo("a");
    }

    @Test
    void asManyRunAtTheSameTimeAsAskedFor() throws Exception {
        // Only two that run at the same time come past the barrier.
        CyclicBarrier pair = new CyclicBarrier(2);
        CheckRunner runner = new CheckRunner(
                check -> {
                    pair.await();
                    return Runs.exit(0, "");
                },
                2);

        assertThat(runner.run(checks("a", "b", "c", "d"), result -> {})).hasSize(4);
    }

    @Test
    void oneAtATimeIsOneAtATime() throws Exception {
        AtomicInteger running = new AtomicInteger();
        CheckRunner runner = new CheckRunner(
                check -> {
                    int now = running.incrementAndGet();
                    Thread.yield();
                    running.decrementAndGet();
                    return Runs.exit(now, "");
                },
                1);

        List<CheckResult> results = runner.run(List.of(expecting(1), expecting(1), expecting(1)), result -> {});

        assertThat(results).extracting(CheckResult::verdict).containsOnly(Verdict.PASS);
    }

    @Test
    void mismatchIsAFailureWithItsReason() throws Exception {
        CheckRunner runner = new CheckRunner(check -> Runs.exit(3, ""), 1);

        CheckResult result = runner.run(List.of(expecting(0)), r -> {}).get(0);

        assertThat(result.verdict()).isEqualTo(Verdict.FAIL);
        assertThat(result.reason()).isEqualTo("expected exit code 0, but it was 3");
    }

    @Test
    void guestThatCannotBeRunIsAnErrorAndTheOthersRun() throws Exception {
        CheckRunner runner = new CheckRunner(
                check -> {
                    if (check.name().equals("bad")) {
                        throw new VmmException("no /dev/kvm");
                    }
                    return Runs.exit(0, "");
                },
                1);

        List<CheckResult> results = runner.run(checks("bad", "good"), r -> {});

        assertThat(results).extracting(CheckResult::verdict).containsExactly(Verdict.ERROR, Verdict.PASS);
        assertThat(results.get(0).reason()).isEqualTo("no /dev/kvm");
        assertThat(results.get(0).outcome()).isEmpty();
    }

    @Test
    void guestThatWasNotBuiltIsAnErrorThatIsNotTried() throws Exception {
        CheckRunner runner = new CheckRunner(
                check -> {
                    throw new IllegalStateException("tried");
                },
                1);

        CheckResult result = runner.run(
                        List.of(Runs.check("kernel", "x").withObstacle("1 error in a.c:3: bad")), r -> {})
                .get(0);

        assertThat(result.verdict()).isEqualTo(Verdict.ERROR);
        assertThat(result.reason()).isEqualTo("1 error in a.c:3: bad");
    }

    @Test
    void interruptionStopsWhatRuns() throws Exception {
        CountDownLatch interrupted = new CountDownLatch(1);
        Thread caller = Thread.currentThread();
        CheckRunner runner = new CheckRunner(
                check -> {
                    caller.interrupt();
                    try {
                        new CountDownLatch(1).await();
                    } finally {
                        interrupted.countDown();
                    }
                    return Runs.exit(0, "");
                },
                1);

        assertThatThrownBy(() -> runner.run(checks("endless"), r -> {})).isInstanceOf(InterruptedException.class);
        interrupted.await();
    }

    @Test
    void parallelismBelowOneIsRefused() {
        assertThatThrownBy(() -> new CheckRunner(check -> null, 0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("parallelism 0 must be at least 1");
    }

    private static List<GuestCheck> checks(String... names) {
        return List.of(names).stream().map(name -> Runs.check("kernel", name)).toList();
    }

    private static GuestCheck expecting(int exitCode) {
        return Runs.check(
                "kernel", "x", Expectation.builder().exitCode(exitCode).build());
    }
}
