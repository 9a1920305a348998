package dev.kvmguest.vmm.internal.run;

import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.spi.AbstractInterruptibleChannel;

/**
 * Acts when a thread is interrupted while it is in native code, where nothing looks at its interrupt status. The JDK
 * offers this to implementers of channels; the channel itself is of no use here.
 */
public final class InterruptHook extends AbstractInterruptibleChannel {

    private final Runnable onInterrupt;

    /**
     * Creates a hook; {@code onInterrupt} is called by the interrupting thread, and must make the native code return.
     */
    public InterruptHook(Runnable onInterrupt) {
        this.onInterrupt = onInterrupt;
    }

    /**
     * Runs a task that blocks in native code; to be called once.
     *
     * @throws InterruptedException if the calling thread was or is interrupted, after the task has ended
     */
    public void run(Runnable blocking) throws InterruptedException {
        begin();
        try {
            blocking.run();
        } finally {
            endBlocking();
        }
    }

    private void endBlocking() throws InterruptedException {
        try {
            end(true);
        } catch (ClosedByInterruptException e) {
            Thread.interrupted();
            throw (InterruptedException) new InterruptedException().initCause(e);
        } catch (AsynchronousCloseException e) {
            throw new IllegalStateException("nobody but an interrupt closes the hook", e);
        }
    }

    @Override
    protected void implCloseChannel() {
        onInterrupt.run();
    }
}
