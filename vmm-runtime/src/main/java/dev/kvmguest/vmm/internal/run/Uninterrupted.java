package dev.kvmguest.vmm.internal.run;

/** Waits that an interrupt doesn't end, because what is waited for must be over before anything else goes on. */
public final class Uninterrupted {

    private Uninterrupted() {}

    /** A wait that may be begun again. */
    @FunctionalInterface
    public interface Wait {

        /** Waits. */
        void run() throws InterruptedException;
    }

    /** Waits to the end. If the thread is interrupted meanwhile, it is so afterwards. */
    public static void await(Wait wait) {
        boolean interrupted = false;
        while (true) {
            try {
                wait.run();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
