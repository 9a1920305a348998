/**
 * What happens after a run's end: the fault is found or replayed, a hang is sampled, memory is inspected. All of it
 * becomes the run's diagnosis.
 */
package dev.kvmguest.vmm.internal.postmortem;
