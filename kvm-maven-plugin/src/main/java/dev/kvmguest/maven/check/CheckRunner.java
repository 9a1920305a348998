package dev.kvmguest.maven.check;

import dev.kvmguest.maven.assemble.GuestBuildException;
import dev.kvmguest.vmm.outcome.Outcome;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Consumer;

/** Runs checks, several at a time. */
public final class CheckRunner {

    private final GuestBooter booter;
    private final int parallelism;

    /**
     * Creates a runner.
     *
     * @param booter runs the guests; called by several threads
     * @param parallelism the number of checks that run at the same time, at least 1
     */
    public CheckRunner(GuestBooter booter, int parallelism) {
        if (parallelism < 1) {
            throw new IllegalArgumentException("parallelism " + parallelism + " must be at least 1");
        }
        this.booter = booter;
        this.parallelism = parallelism;
    }

    /**
     * Runs all checks.
     *
     * @param ended takes each result as its check ends, one at a time
     * @return the results in the order of the checks
     * @throws InterruptedException if the calling thread is interrupted; the guests are stopped then
     */
    public List<CheckResult> run(List<GuestCheck> checks, Consumer<CheckResult> ended) throws InterruptedException {
        ExecutorService pool = Executors.newFixedThreadPool(parallelism, CheckRunner::daemon);
        try {
            List<Future<CheckResult>> running = new ArrayList<>();
            for (GuestCheck check : checks) {
                running.add(pool.submit(() -> {
                    CheckResult result = run(check);
                    synchronized (ended) {
                        ended.accept(result);
                    }
                    return result;
                }));
            }
            List<CheckResult> results = new ArrayList<>();
            for (Future<CheckResult> result : running) {
                results.add(result.get());
            }
            return results;
        } catch (ExecutionException e) {
            throw new IllegalStateException("a check's exceptions are its result, but: " + e.getCause(), e.getCause());
        } finally {
            pool.shutdownNow();
        }
    }

    private CheckResult run(GuestCheck check) {
        long start = System.nanoTime();
        if (check.obstacle().isPresent()) {
            return CheckResult.notRun(
                    check,
                    Duration.ZERO,
                    new GuestBuildException(check.obstacle().get()));
        }
        try {
            Outcome outcome = booter.boot(check);
            return CheckResult.ran(check, since(start), outcome);
        } catch (Exception e) {
            return CheckResult.notRun(check, since(start), e);
        }
    }

    private static Duration since(long start) {
        return Duration.ofNanos(System.nanoTime() - start);
    }

    private static Thread daemon(Runnable task) {
        Thread thread = new Thread(task, "kvmguest-check");
        // A daemon, so that an interrupted build isn't kept alive by a guest.
        thread.setDaemon(true);
        return thread;
    }
}
