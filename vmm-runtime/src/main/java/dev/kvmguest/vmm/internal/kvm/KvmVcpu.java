package dev.kvmguest.vmm.internal.kvm;

import com.sun.jna.Native;
import dev.kvmguest.vmm.internal.kvm.abi.Kvm;
import dev.kvmguest.vmm.internal.kvm.abi.Libc;
import dev.kvmguest.vmm.internal.kvm.abi.NativeBuffer;
import dev.kvmguest.vmm.internal.kvm.abi.Structs.kvm_debugregs;
import dev.kvmguest.vmm.internal.kvm.abi.Structs.kvm_guest_debug;
import dev.kvmguest.vmm.internal.kvm.abi.Structs.kvm_interrupt;
import dev.kvmguest.vmm.internal.kvm.abi.Structs.kvm_regs;
import dev.kvmguest.vmm.internal.kvm.abi.Structs.kvm_run;
import dev.kvmguest.vmm.internal.kvm.abi.Structs.kvm_sregs;
import dev.kvmguest.vmm.internal.kvm.abi.Structs.kvm_vcpu_events;
import dev.kvmguest.vmm.internal.kvm.abi.Structs.kvm_xcrs;
import dev.kvmguest.vmm.internal.kvm.abi.Structs.kvm_xsave;
import java.nio.ByteBuffer;

/**
 * A vCPU: its registers and the page that it shares with its user. All methods but {@link #kick} belong to one thread
 * at a time. Source: Linux, Documentation/virt/kvm/api.rst.
 */
public final class KvmVcpu implements AutoCloseable {

    private static final int DR7 = 7;
    /** In DR7: DR0 has a breakpoint on code (Intel SDM volume 3B, 17.2.4); bits 9 and 10 are as usual. */
    private static final long BREAK_AT_DR0 = 0x602;

    private final OwnedFd fd;
    private final Mapping mapping;
    private final ByteBuffer run;
    private final NativeBuffer regs = new NativeBuffer(kvm_regs.SIZE);
    private final NativeBuffer sregs = new NativeBuffer(kvm_sregs.SIZE);
    /** Whether KVM copies the general registers into the page at each exit. */
    private boolean syncsRegs;
    /** Whether it has done so since they were last set. */
    private boolean synced;

    private final Object kickLock = new Object();
    private Thread owner;
    private long ownerNumber;
    private boolean inRun;
    private boolean kicked;

    KvmVcpu(OwnedFd fd, Mapping mapping) {
        this.fd = fd;
        this.mapping = mapping;
        this.run = mapping.bytes();
    }

    /**
     * Has KVM copy the general registers into the page at each exit, so that {@link #reg} needs no call. Needs
     * {@code KVM_SYNC_X86_REGS} of {@code KVM_CAP_SYNC_REGS}.
     */
    void syncRegs() {
        runPage().putLong(kvm_run.kvm_valid_regs, Kvm.KVM_SYNC_X86_REGS);
        syncsRegs = true;
    }

    /** Returns whether {@link #reg} needs no call. */
    boolean hasSyncedRegs() {
        return synced;
    }

    /**
     * Returns a general register, RIP or RFLAGS, as it was at the last exit or has been set since.
     *
     * @param offset in {@code struct kvm_regs}
     */
    long reg(int offset) {
        return synced ? runPage().getLong(kvm_run.s_regs + offset) : regs().getLong(offset);
    }

    /** Gives the vCPU its CPUID leaves, a {@code kvm_cpuid2} with entries. */
    void setCpuid(NativeBuffer cpuid) {
        fd.ioctl("KVM_SET_CPUID2", Kvm.KVM_SET_CPUID2, cpuid);
    }

    /**
     * Returns {@code struct kvm_run}, followed by the data of port exits. To be fetched anew for each use: after
     * {@link #close} the page is gone, and this method throws {@link IllegalStateException}.
     */
    ByteBuffer runPage() {
        fd.number();
        return run;
    }

    /** Reads the general registers, RIP and RFLAGS and returns them as {@code struct kvm_regs}. */
    ByteBuffer regs() {
        fd.ioctl("KVM_GET_REGS", Kvm.KVM_GET_REGS, regs);
        return regs.bytes();
    }

    /** Writes what {@link #regs} returned, as changed since. */
    void setRegs() {
        fd.ioctl("KVM_SET_REGS", Kvm.KVM_SET_REGS, regs);
        synced = false;
    }

    /** Reads the segment, control and descriptor-table registers and returns them as {@code struct kvm_sregs}. */
    ByteBuffer sregs() {
        fd.ioctl("KVM_GET_SREGS", Kvm.KVM_GET_SREGS, sregs);
        return sregs.bytes();
    }

    /** Writes what {@link #sregs} returned, as changed since. */
    void setSregs() {
        fd.ioctl("KVM_SET_SREGS", Kvm.KVM_SET_SREGS, sregs);
    }

    /** Returns CR8 as it was at the last exit or has been set since. */
    long taskPriority() {
        return runPage().getLong(kvm_run.cr8);
    }

    /**
     * Sets CR8. Without an APIC in the kernel each run takes it from the page, whatever {@code KVM_SET_SREGS} has said.
     */
    void setTaskPriority(long priority) {
        runPage().putLong(kvm_run.cr8, priority);
    }

    /** Returns x87, SSE and whatever else XSAVE saves, as a {@code kvm_xsave}. */
    NativeBuffer xsave() {
        return read("KVM_GET_XSAVE", Kvm.KVM_GET_XSAVE, kvm_xsave.SIZE);
    }

    void setXsave(NativeBuffer xsave) {
        fd.ioctl("KVM_SET_XSAVE", Kvm.KVM_SET_XSAVE, xsave);
    }

    /** Returns the extended control registers, as a {@code kvm_xcrs}. */
    NativeBuffer xcrs() {
        return read("KVM_GET_XCRS", Kvm.KVM_GET_XCRS, kvm_xcrs.SIZE);
    }

    void setXcrs(NativeBuffer xcrs) {
        fd.ioctl("KVM_SET_XCRS", Kvm.KVM_SET_XCRS, xcrs);
    }

    /** Returns the debug registers, as a {@code kvm_debugregs}. */
    NativeBuffer debugRegs() {
        return read("KVM_GET_DEBUGREGS", Kvm.KVM_GET_DEBUGREGS, kvm_debugregs.SIZE);
    }

    void setDebugRegs(NativeBuffer registers) {
        fd.ioctl("KVM_SET_DEBUGREGS", Kvm.KVM_SET_DEBUGREGS, registers);
    }

    /** Returns what is due before the next instruction, as a {@code kvm_vcpu_events}. */
    NativeBuffer events() {
        return read("KVM_GET_VCPU_EVENTS", Kvm.KVM_GET_VCPU_EVENTS, kvm_vcpu_events.SIZE);
    }

    void setEvents(NativeBuffer events) {
        fd.ioctl("KVM_SET_VCPU_EVENTS", Kvm.KVM_SET_VCPU_EVENTS, events);
    }

    /** Reads the MSRs that a {@code kvm_msrs} names, up to the first that there isn't, and returns how many. */
    int getMsrs(NativeBuffer msrs) {
        return fd.ioctl("KVM_GET_MSRS", Kvm.KVM_GET_MSRS, msrs);
    }

    /** Writes the MSRs of a {@code kvm_msrs}, up to the first that is refused, and returns how many. */
    int setMsrs(NativeBuffer msrs) {
        return fd.ioctl("KVM_SET_MSRS", Kvm.KVM_SET_MSRS, msrs);
    }

    private NativeBuffer read(String operation, long request, int size) {
        NativeBuffer struct = new NativeBuffer(size);
        fd.ioctl(operation, request, struct);
        return struct;
    }

    /** Queues an external interrupt, in the place of one that is queued already. */
    void interrupt(int vector) {
        NativeBuffer interrupt = new NativeBuffer(kvm_interrupt.SIZE);
        interrupt.bytes().putInt(kvm_interrupt.irq, vector);
        fd.ioctl("KVM_INTERRUPT", Kvm.KVM_INTERRUPT, interrupt);
    }

    /**
     * Sets what KVM debugs.
     *
     * @param control the {@code KVM_GUESTDBG_} bits; 0 ends all of it
     * @param address the linear address of the breakpoint, if the bits ask for one
     */
    void setGuestDebug(int control, long address) {
        NativeBuffer debug = new NativeBuffer(kvm_guest_debug.SIZE);
        debug.bytes()
                .putInt(kvm_guest_debug.control, control)
                .putLong(kvm_guest_debug.arch, address)
                .putLong(kvm_guest_debug.arch + DR7 * Long.BYTES, BREAK_AT_DR0);
        fd.ioctl("KVM_SET_GUEST_DEBUG", Kvm.KVM_SET_GUEST_DEBUG, debug);
    }

    /**
     * Runs guest code until KVM has an exit to report, in {@link #runPage}.
     *
     * @return false if {@link #kick} ended the run, and there is no exit
     */
    boolean run() {
        adoptThisThread();
        while (enterUnlessKicked()) {
            int result = Libc.ioctl(fd.number(), Kvm.KVM_RUN, 0);
            int errno = result < 0 ? Native.getLastError() : 0;
            synced = syncsRegs;
            if (endRun()) {
                // Even if KVM has an exit to report: the signal may have come just after it. Whatever is pending when
                // this thread ends, as the JVM then unblocks every signal, kills the process.
                KickSignal.drain();
            }
            if (result >= 0) {
                return true;
            }
            // EINTR is of our signal or of any other; what tells is whether a kick was asked for.
            if (errno != Libc.EINTR && errno != Libc.EAGAIN) {
                throw KvmException.of("KVM_RUN", errno);
            }
        }
        return false;
    }

    /**
     * Lets KVM finish the instruction whose port or memory access the last exit asked for, without running another, so
     * that the registers are those after it.
     *
     * @return whether KVM has an exit to report, in {@link #runPage}: a single step over the instruction, or its next
     *     access
     */
    boolean completeAccess() {
        runPage().put(kvm_run.immediate_exit, (byte) 1);
        try {
            int result = Libc.ioctl(fd.number(), Kvm.KVM_RUN, 0);
            int errno = result < 0 ? Native.getLastError() : 0;
            synced = syncsRegs;
            if (result < 0 && errno != Libc.EINTR) {
                throw KvmException.of("KVM_RUN", errno);
            }
            return result >= 0;
        } finally {
            run.put(kvm_run.immediate_exit, (byte) 0);
        }
    }

    /** Makes the run under way, or else the next, return false. Any thread may call it, at any time. */
    void kick() {
        synchronized (kickLock) {
            // While inRun is set the owner can't leave run(), so its thread exists and has the signal blocked. A run is
            // sent one signal, because it takes one back and real-time signals are queued.
            if (inRun && !kicked) {
                KickSignal.sendTo(ownerNumber);
            }
            kicked = true;
        }
    }

    /** Returns whether the signal was sent during the run. From here on it isn't, until the next run. */
    private boolean endRun() {
        synchronized (kickLock) {
            inRun = false;
            return kicked;
        }
    }

    private boolean enterUnlessKicked() {
        synchronized (kickLock) {
            inRun = !kicked;
            kicked = false;
            return inRun;
        }
    }

    private void adoptThisThread() {
        if (owner != Thread.currentThread()) {
            NativeBuffer mask = KickSignal.blockInThisThread();
            fd.ioctl("KVM_SET_SIGNAL_MASK", Kvm.KVM_SET_SIGNAL_MASK, mask);
            ownerNumber = KickSignal.thisThread();
            owner = Thread.currentThread();
        }
    }

    /** Unmaps the shared page and closes the descriptor. The vCPU must not be running. */
    @Override
    public void close() {
        // First, because it is what tells that the page is gone.
        fd.close();
        mapping.close();
    }
}
