/**
 * What was found out about a run that went wrong: the fault and its chain, where a guest hangs, what its memory
 * tells. These are results to be read; the code that finds them is below {@code internal}.
 */
package dev.kvmguest.vmm.diagnosis;
