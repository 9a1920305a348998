package dev.kvmguest.vmm.internal.emulator.core;

/** What memory is used for. */
enum Access {
    READ,
    WRITE,
    FETCH
}
