package dev.kvmguest.vmm.internal.vcpu;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class TimeLimitsTests {

    private static final Duration NOW = Duration.ofNanos(1);
    private static final Duration NEVER = Duration.ofSeconds(Long.MAX_VALUE);

    private final TimeLimits limits = new TimeLimits(Duration.ofMillis(1), 2);

    @Test
    void limitIsKeptAndNotBefore() throws Exception {
        long start = System.nanoTime();
        CompletableFuture<Long> reached = new CompletableFuture<>();

        limits.start(Duration.ofMillis(20), () -> reached.complete(System.nanoTime() - start));

        assertThat(reached.get()).isGreaterThanOrEqualTo(TimeUnit.MILLISECONDS.toNanos(20));
    }

    @Test
    void cancelledLimitDoesNothing() throws Exception {
        CompletableFuture<Void> cancelled = new CompletableFuture<>();
        limits.start(Duration.ofMillis(20), () -> cancelled.complete(null)).cancel();

        awaitLimit(Duration.ofMillis(40));

        assertThat(cancelled).isNotDone();
    }

    @Test
    void limitActsOnce() throws Exception {
        CountDownLatch calls = new CountDownLatch(2);
        limits.start(NOW, calls::countDown);

        awaitLimit(Duration.ofMillis(20));

        assertThat(calls.getCount()).isEqualTo(1);
    }

    @Test
    void actionThatThrowsLeavesTheOthersTheirLimits() throws Exception {
        limits.start(NOW, () -> {
            throw new IllegalStateException("the guest can't be stopped");
        });

        awaitLimit(Duration.ofMillis(10));
    }

    @Test
    void restingThreadIsWokenByTheNextLimit() throws Exception {
        awaitLimit(NOW);
        while (!limits.isResting()) {
            Thread.onSpinWait();
        }

        awaitLimit(NOW);
    }

    @Test
    void longestLimitIsNone() throws Exception {
        CompletableFuture<Void> reached = new CompletableFuture<>();
        TimeLimits.Limit limit = limits.start(NEVER, () -> reached.complete(null));

        awaitLimit(Duration.ofMillis(10));

        assertThat(reached).isNotDone();
        limit.cancel();
    }

    private void awaitLimit(Duration duration) throws Exception {
        CompletableFuture<Void> reached = new CompletableFuture<>();
        limits.start(duration, () -> reached.complete(null));
        reached.get();
    }
}
