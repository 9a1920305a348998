/**
 * Boots a guest operating system and tells how it ended: {@link dev.kvmguest.vmm.Machine} is what a first program
 * needs. The packages beside this one hold the types that it takes and returns; what is below {@code internal} may
 * change at any time.
 */
package dev.kvmguest.vmm;
