package dev.kvmguest.vmm.internal.qemu;

/** Waits for threads that are about to end. */
final class QemuThreads {

    private QemuThreads() {}

    /** Waits even if interrupted: what a thread uses must not go before it. */
    static void join(Thread thread) {
        boolean interrupted = false;
        while (true) {
            try {
                thread.join();
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
