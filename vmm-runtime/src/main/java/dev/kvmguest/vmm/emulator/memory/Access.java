package dev.kvmguest.vmm.emulator.memory;

/** What memory is used for. */
enum Access {
    READ,
    WRITE,
    FETCH
}
