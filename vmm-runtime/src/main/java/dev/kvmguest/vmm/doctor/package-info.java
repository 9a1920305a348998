/**
 * What a host can do for guests, as a report to read, to keep as JSON and to compare with that of another host.
 * {@link dev.kvmguest.vmm.Host#report} makes one.
 */
package dev.kvmguest.vmm.doctor;
