/**
 * What a PC's firmware leaves in memory: the interrupt vector table, the BIOS data area, and a small ROM with a default
 * handler for each interrupt. There are no BIOS services: who asks for one is told so.
 */
package dev.kvmguest.vmm.internal.boot.firmware;
