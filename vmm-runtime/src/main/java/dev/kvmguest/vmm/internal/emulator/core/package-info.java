/**
 * The state and the rules of the emulated CPU: registers, flags, segments, paging, memory, and the delivery of
 * exceptions and interrupts. Instructions are built on it and it knows none of them.
 */
package dev.kvmguest.vmm.internal.emulator.core;
