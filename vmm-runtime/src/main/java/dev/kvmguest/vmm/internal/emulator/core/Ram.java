package dev.kvmguest.vmm.internal.emulator.core;

import dev.kvmguest.vmm.memory.GuestMemory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * A machine's RAM in an ordinary direct buffer, with what has to be known of each page: whether it was ever written, so
 * that the buffer can be cleared at less cost than a new one, and whether a vCPU has decoded code from it.
 */
public final class Ram {

    /** What must learn of writes to pages with code. */
    public interface CodeWatcher {

        /** A write to a page with code, by a vCPU of this machine and on its thread. */
        void codeWritten(long physical, int length);

        /** A page that had no code is about to have some: writes to it must not go unseen any more. */
        void codeAppears(int physical);

        /** A write to a page with code by the host, on any thread. */
        void codeWrittenByHost();
    }

    private final ByteBuffer bytes;
    /** Two arrays, because the host sets one from any thread and would lose bits in shared bytes. */
    private final boolean[] written;

    private final boolean[] code;
    /** Replaced as a whole when one is added: it is gone through at each write to a page with code. */
    private volatile CodeWatcher[] watchers = {};

    /** What keeps pages as they were; null most of the time. Read by the host's threads. */
    private volatile WriteJournal journal;

    /** Takes a direct buffer of zeros, a multiple of 4096 bytes long. */
    public Ram(ByteBuffer zeros) {
        bytes = zeros.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        written = new boolean[bytes.capacity() >> Tlb.PAGE_SHIFT];
        code = new boolean[written.length];
    }

    /** Returns the RAM as the runtime sees it; what the host writes by it is noticed. */
    public GuestMemory guestMemory(Runnable release) {
        return new GuestMemory(bytes.duplicate(), release, this::writtenByHost);
    }

    /** Adds what must learn of writes to code. */
    public synchronized void watch(CodeWatcher watcher) {
        CodeWatcher[] more = Arrays.copyOf(watchers, watchers.length + 1);
        more[watchers.length] = watcher;
        watchers = more;
    }

    /** Returns the bytes, little-endian; whoever writes them calls {@link #beforeWrite} first. */
    ByteBuffer bytes() {
        return bytes;
    }

    /** Returns the size in bytes. */
    public int size() {
        return bytes.capacity();
    }

    /** Notes a write that is about to happen, within one page. */
    void beforeWrite(int physical, int length) {
        int page = physical >> Tlb.PAGE_SHIFT;
        written[page] = true;
        keep(page);
        if (code[page]) {
            for (CodeWatcher watcher : watchers) {
                watcher.codeWritten(physical, length);
            }
        }
    }

    /** Notes that a vCPU may write to this page from now on without saying so each time. */
    void markWritten(int physical) {
        written[physical >> Tlb.PAGE_SHIFT] = true;
        keep(physical >> Tlb.PAGE_SHIFT);
    }

    private void keep(int page) {
        WriteJournal open = journal;
        if (open != null) {
            open.beforeWrite(page);
        }
    }

    /**
     * Keeps from now on what is about to be overwritten, and forgets what an earlier journal has. Pages that a vCPU may
     * write without saying so each time have to be made known again: see {@link Memory#journal}.
     */
    WriteJournal openJournal() {
        journal = new WriteJournal(bytes);
        return journal;
    }

    /** Keeps nothing any more. */
    void closeJournal() {
        journal = null;
    }

    boolean hasCode(int physical) {
        return code[physical >> Tlb.PAGE_SHIFT];
    }

    /** Notes that a vCPU decodes code from this page. */
    public void markCode(int physical) {
        int page = physical >> Tlb.PAGE_SHIFT;
        if (!code[page]) {
            code[page] = true;
            for (CodeWatcher watcher : watchers) {
                watcher.codeAppears(page << Tlb.PAGE_SHIFT);
            }
        }
    }

    private void writtenByHost(long address, int length) {
        boolean hitsCode = false;
        WriteJournal open = journal;
        if (open != null) {
            open.writtenByHost();
        }
        for (long page = address >> Tlb.PAGE_SHIFT; page << Tlb.PAGE_SHIFT < address + length; page++) {
            hitsCode |= code[(int) page];
            written[(int) page] = true;
        }
        if (hitsCode) {
            for (CodeWatcher watcher : watchers) {
                watcher.codeWrittenByHost();
            }
        }
    }

    /** Makes all bytes zero again. No vCPU may be running. */
    public void clear() {
        ByteBuffer zeros = ByteBuffer.allocate(1 << Tlb.PAGE_SHIFT);
        for (int page = 0; page < written.length; page++) {
            if (written[page]) {
                bytes.put(page << Tlb.PAGE_SHIFT, zeros, 0, zeros.capacity());
            }
        }
    }
}
