/**
 * The kernel's side of KVM with the kernel's names: ioctl numbers, structure layouts and the calls of libc. A test
 * compares them with what a C compiler makes of the kernel's headers.
 */
package dev.kvmguest.vmm.internal.kvm.abi;
