/**
 * Records what a guest exchanged with its machine, and runs it again on the emulator from that record. That is how
 * the last instructions of a guest that died on KVM are known, and who overwrote something.
 */
package dev.kvmguest.vmm.internal.replay;
