/**
 * Instructions that change where execution goes: jumps, calls, returns, far transfers, INT and IRET. The protection
 * checks follow the manual's order, with the fault that each raises.
 */
package dev.kvmguest.vmm.internal.emulator.isa.control;
