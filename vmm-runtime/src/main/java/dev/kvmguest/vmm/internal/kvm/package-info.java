/**
 * The KVM engine: one class per file descriptor, exits translated to those of the seam, and the signal that brings a
 * vCPU out of KVM_RUN. It is loaded only where KVM is wanted.
 */
package dev.kvmguest.vmm.internal.kvm;
