/**
 * Connects a vCPU with its board while it runs: carries exits out, injects interrupts, keeps time limits. It is the
 * same for every engine.
 */
package dev.kvmguest.vmm.internal.vcpu;
