/**
 * The x87 FPU: its stack, moves, arithmetic, comparisons and control. Which faults CR0 and its own control word ask
 * for is checked in {@code core}.
 */
package dev.kvmguest.vmm.internal.emulator.isa.x87;
