/**
 * Writes a guest down for those who don't have this library: as a C program for /dev/kvm, and for QEMU.
 */
package dev.kvmguest.vmm.internal.export;
