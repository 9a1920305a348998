/**
 * A guest's run for those who don't have this library: as a C program for /dev/kvm, and for an installed QEMU.
 */
package dev.kvmguest.vmm.export;
