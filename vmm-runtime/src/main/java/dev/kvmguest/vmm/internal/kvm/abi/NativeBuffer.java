package dev.kvmguest.vmm.internal.kvm.abi;

import com.sun.jna.Native;
import com.sun.jna.Pointer;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Zeroed memory outside the heap for a structure that the kernel reads or fills; freed with this object. */
public final class NativeBuffer {

    private final ByteBuffer bytes;
    private final long address;

    /** Allocates {@code size} bytes. */
    public NativeBuffer(int size) {
        bytes = ByteBuffer.allocateDirect(size).order(ByteOrder.nativeOrder());
        address = Pointer.nativeValue(Native.getDirectBufferPointer(bytes));
    }

    /** Returns the memory, in native byte order. */
    public ByteBuffer bytes() {
        return bytes;
    }

    /** Returns the address; valid while this object is reachable, see {@link #ioctl}. */
    public long address() {
        return address;
    }

    /** Makes an ioctl whose argument is this memory, and keeps the memory alive until it returns. */
    public int ioctl(int fd, long request) {
        try {
            return Libc.ioctl(fd, request, address);
        } finally {
            Reference.reachabilityFence(this);
        }
    }
}
