/**
 * The emulator as an engine: its machines, its virtual CPUs and the RAM that they reuse. The CPU itself is in the
 * packages below.
 */
package dev.kvmguest.vmm.internal.emulator;
