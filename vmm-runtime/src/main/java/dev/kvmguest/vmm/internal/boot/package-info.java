/**
 * Puts a guest into memory: image, descriptor tables, page tables, boot information, and the registers at entry for
 * each boot mode. What overlaps is refused, what lies dangerously close is a warning.
 */
package dev.kvmguest.vmm.internal.boot;
