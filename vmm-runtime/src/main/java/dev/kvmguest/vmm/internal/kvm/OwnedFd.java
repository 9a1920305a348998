package dev.kvmguest.vmm.internal.kvm;

import dev.kvmguest.vmm.internal.kvm.abi.Libc;
import dev.kvmguest.vmm.internal.kvm.abi.NativeBuffer;
import java.util.concurrent.atomic.AtomicBoolean;

/** A file descriptor with one owner, closed once. The owner sees to it that no call is under way when it closes. */
final class OwnedFd implements AutoCloseable {

    private final int fd;
    private final String name;
    private final AtomicBoolean closed = new AtomicBoolean();

    /** Takes over a descriptor; {@code name} says in errors what it is. */
    OwnedFd(int fd, String name) {
        this.fd = fd;
        this.name = name;
    }

    int number() {
        if (closed.get()) {
            throw new IllegalStateException(name + " is closed");
        }
        return fd;
    }

    /** Makes an ioctl and returns its result, which is not negative. */
    int ioctl(String operation, long request, long argument) {
        int result = Libc.ioctl(number(), request, argument);
        if (result < 0) {
            throw KvmException.lastError(operation);
        }
        return result;
    }

    /** Makes an ioctl with a structure and returns its result, which is not negative. */
    int ioctl(String operation, long request, NativeBuffer argument) {
        int result = argument.ioctl(number(), request);
        if (result < 0) {
            throw KvmException.lastError(operation);
        }
        return result;
    }

    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            Libc.close(fd);
        }
    }
}
