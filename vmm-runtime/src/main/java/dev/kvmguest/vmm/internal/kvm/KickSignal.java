package dev.kvmguest.vmm.internal.kvm;

import dev.kvmguest.vmm.internal.kvm.abi.Libc;
import dev.kvmguest.vmm.internal.kvm.abi.NativeBuffer;
import dev.kvmguest.vmm.internal.kvm.abi.Structs.kvm_signal_mask;
import java.lang.ref.Reference;

/**
 * The signal that brings a vCPU thread out of KVM_RUN, without any handler: it is blocked in the thread, unblocked by
 * KVM only while the guest runs (KVM_SET_SIGNAL_MASK), sent to this one thread, and taken back afterwards. Being
 * blocked, a signal that comes too early waits for the next KVM_RUN, and one that comes too late is never delivered.
 */
final class KickSignal {

    /** A real-time signal in the middle of their range, where neither the C library nor the JVM uses any. */
    private static final int NUMBER = 44;

    private static final long BIT = 1L << NUMBER - 1;
    private static final long PROCESS_ID = ProcessHandle.current().pid();

    private KickSignal() {}

    /** Blocks the signal in the calling thread and returns the mask, without it, that KVM is to use during KVM_RUN. */
    static NativeBuffer blockInThisThread() {
        NativeBuffer set = new NativeBuffer(Libc.SIZEOF_SIGSET_T);
        NativeBuffer before = new NativeBuffer(Libc.SIZEOF_SIGSET_T);
        set.bytes().putLong(0, BIT);
        int errno = Libc.pthread_sigmask(Libc.SIG_BLOCK, set.address(), before.address());
        Reference.reachabilityFence(set);
        if (errno != 0) {
            throw KvmException.of("pthread_sigmask", errno);
        }
        NativeBuffer mask = new NativeBuffer(kvm_signal_mask.SIZE + Libc.SIZEOF_KERNEL_SIGSET);
        mask.bytes()
                .putInt(kvm_signal_mask.len, Libc.SIZEOF_KERNEL_SIGSET)
                .putLong(kvm_signal_mask.sigset, before.bytes().getLong(0) & ~BIT);
        return mask;
    }

    /** Returns the kernel's number of the calling thread. */
    static long thisThread() {
        return Libc.syscall(Libc.SYS_GETTID);
    }

    /** Sends the signal to a thread of this process, which must be alive and have blocked it. */
    static void sendTo(long thread) {
        if (Libc.syscall(Libc.SYS_TGKILL, PROCESS_ID, thread, NUMBER) < 0) {
            throw KvmException.lastError("tgkill of a vCPU thread");
        }
    }

    /** Takes a pending signal back, if there is one. */
    static void drain() {
        NativeBuffer set = new NativeBuffer(Libc.SIZEOF_SIGSET_T);
        NativeBuffer atOnce = new NativeBuffer(Libc.SIZEOF_TIMESPEC);
        set.bytes().putLong(0, BIT);
        // Its result doesn't matter: EAGAIN says that none was pending.
        Libc.sigtimedwait(set.address(), 0, atOnce.address());
        Reference.reachabilityFence(set);
        Reference.reachabilityFence(atOnce);
    }
}
