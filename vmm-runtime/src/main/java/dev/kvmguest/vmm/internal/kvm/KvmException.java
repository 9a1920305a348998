package dev.kvmguest.vmm.internal.kvm;

import com.sun.jna.Native;
import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.internal.kvm.abi.Libc;

/** An operation on /dev/kvm, or one that it needs, was refused by the operating system. */
public final class KvmException extends VmmException {

    private static final long serialVersionUID = 1L;

    private final int errno;

    private KvmException(String message, int errno) {
        super(message);
        this.errno = errno;
    }

    /** Returns the error number, see errno(3). */
    public int errno() {
        return errno;
    }

    /**
     * Returns the exception for the call that has just failed on this thread.
     *
     * @param operation the operation as its documentation spells it, such as {@code KVM_CREATE_VM}
     */
    static KvmException lastError(String operation) {
        return of(operation, Native.getLastError());
    }

    static KvmException of(String operation, int errno) {
        String hint = hint(operation, errno);
        return new KvmException(
                operation + " failed: " + Libc.strerror(errno) + " (errno " + errno + ")"
                        + (hint.isEmpty() ? "" : "; " + hint),
                errno);
    }

    private static String hint(String operation, int errno) {
        boolean opening = operation.startsWith("open");
        return switch (errno) {
            case Libc.ENOENT, Libc.ENXIO, Libc.ENODEV ->
                opening
                        ? "this machine has no KVM: load kvm-intel or kvm-amd, enable virtualization in the firmware, or pass"
                                + " the device into the container (docker run --device /dev/kvm)"
                        : "";
            case Libc.EACCES ->
                opening
                        ? "the user must be in the group that owns the device, usually kvm: sudo usermod -aG kvm $USER, then"
                                + " log in again"
                        : "";
            case Libc.EPERM -> opening ? "this container may not use the device: docker run --device /dev/kvm" : "";
            case Libc.EBUSY -> "another hypervisor, such as VirtualBox, may be using the processor's virtualization";
            case Libc.EMFILE -> "the process has too many open files; raise ulimit -n";
            case Libc.ENOMEM ->
                operation.startsWith("mmap")
                        ? "the host reserves memory before it is used (vm.overcommit_memory=2), or a limit of the process"
                                + " is reached (ulimit -v): give the guest less memory, or raise the limit"
                        : "the host has no memory left, or a limit of the process or its cgroup is reached";
            default -> "";
        };
    }
}
