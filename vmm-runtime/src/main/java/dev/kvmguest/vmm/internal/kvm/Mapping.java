package dev.kvmguest.vmm.internal.kvm;

import com.sun.jna.Pointer;
import dev.kvmguest.vmm.internal.kvm.abi.Libc;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Pages mapped with mmap(2), unmapped once by their owner. Whoever holds {@link #bytes} must not touch it after
 * {@link #close}: the addresses would be gone, and with them the JVM.
 */
final class Mapping implements AutoCloseable {

    private final long address;
    private final long length;
    private final AtomicBoolean closed = new AtomicBoolean();

    private Mapping(long address, long length) {
        this.address = address;
        this.length = length;
    }

    /**
     * Maps zero pages that take memory only once they are written, and none of what the host reserves for a process
     * unless it reserves all (vm.overcommit_memory=2).
     */
    static Mapping anonymous(long length) {
        return map(
                "mmap of " + length + " bytes of guest RAM",
                length,
                Libc.MAP_PRIVATE | Libc.MAP_ANONYMOUS | Libc.MAP_NORESERVE,
                -1);
    }

    /** Maps what a vCPU shares with its user. */
    static Mapping shared(int fd, long length) {
        return map("mmap of the vCPU's kvm_run", length, Libc.MAP_SHARED, fd);
    }

    /** Maps a file in memory, to be written. */
    static Mapping file(int fd, long length) {
        return map("mmap of " + length + " bytes of a snapshot", length, Libc.MAP_SHARED, fd);
    }

    /** Maps a file in memory: a page takes memory only once it is written, and then the file doesn't change. */
    static Mapping copyOnWrite(int fd, long length) {
        return map("mmap of " + length + " bytes of guest RAM", length, Libc.MAP_PRIVATE | Libc.MAP_NORESERVE, fd);
    }

    /** Has the pages of a {@link #copyOnWrite} mapping be the file's again. */
    void reset() {
        if (Libc.madvise(address, length, Libc.MADV_DONTNEED) != 0) {
            throw KvmException.lastError("madvise of guest RAM");
        }
    }

    private static Mapping map(String operation, long length, int flags, int fd) {
        long address = Libc.mmap(0, length, Libc.PROT_READ | Libc.PROT_WRITE, flags, fd, 0);
        if (address == Libc.MAP_FAILED) {
            throw KvmException.lastError(operation);
        }
        return new Mapping(address, length);
    }

    long address() {
        return address;
    }

    long length() {
        return length;
    }

    /** Returns a part of the pages as a buffer in native byte order, of less than 2 GiB. */
    ByteBuffer bytes(long start, long length) {
        return new Pointer(address).getByteBuffer(start, length).order(ByteOrder.nativeOrder());
    }

    /** Returns all pages as a buffer in native byte order; for mappings of less than 2 GiB. */
    ByteBuffer bytes() {
        return bytes(0, length);
    }

    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            Libc.munmap(address, length);
        }
    }
}
