/**
 * Finds out what a host can do for guests: reads its files, asks its KVM, runs the probe guests, and says what could be
 * better. Where each comes from is injected, so that tests can make up hosts. The public face is
 * {@code dev.kvmguest.vmm.Host#report}.
 */
package dev.kvmguest.vmm.internal.doctor;
