/**
 * The seam between machines and what executes them: virtual machines, virtual CPUs, exits and what an engine can do.
 * Nothing that is specific to KVM or to the emulator passes through it.
 */
package dev.kvmguest.vmm.internal.engine;
