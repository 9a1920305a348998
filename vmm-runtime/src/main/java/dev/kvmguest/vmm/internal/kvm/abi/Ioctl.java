package dev.kvmguest.vmm.internal.kvm.abi;

/** Computes ioctl request numbers as {@code asm-generic/ioctl.h} does. */
final class Ioctl {

    private static final int _IOC_NRSHIFT = 0;
    private static final int _IOC_TYPESHIFT = 8;
    private static final int _IOC_SIZESHIFT = 16;
    private static final int _IOC_DIRSHIFT = 30;

    private static final long _IOC_NONE = 0;
    private static final long _IOC_WRITE = 1;
    private static final long _IOC_READ = 2;

    private Ioctl() {}

    static long _IO(int type, int number) {
        return _IOC(_IOC_NONE, type, number, 0);
    }

    static long _IOR(int type, int number, int size) {
        return _IOC(_IOC_READ, type, number, size);
    }

    static long _IOW(int type, int number, int size) {
        return _IOC(_IOC_WRITE, type, number, size);
    }

    static long _IOWR(int type, int number, int size) {
        return _IOC(_IOC_READ | _IOC_WRITE, type, number, size);
    }

    private static long _IOC(long direction, long type, long number, long size) {
        return direction << _IOC_DIRSHIFT | size << _IOC_SIZESHIFT | type << _IOC_TYPESHIFT | number << _IOC_NRSHIFT;
    }
}
