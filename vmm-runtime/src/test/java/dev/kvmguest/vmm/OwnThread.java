package dev.kvmguest.vmm;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.Supplier;

/**
 * Tasks with a thread each. Those of the common pool may wait for one another: from JDK 25 on it has one thread where there
 * are two processors.
 */
public final class OwnThread {

    private static final Executor EACH = task -> {
        Thread thread = new Thread(task, "test-task");
        thread.setDaemon(true);
        thread.start();
    };

    private OwnThread() {}

    /** Starts a task that has a result. */
    public static <T> CompletableFuture<T> supply(Supplier<T> task) {
        return CompletableFuture.supplyAsync(task, EACH);
    }

    /** Starts a task. */
    public static CompletableFuture<Void> run(Runnable task) {
        return CompletableFuture.runAsync(task, EACH);
    }
}
