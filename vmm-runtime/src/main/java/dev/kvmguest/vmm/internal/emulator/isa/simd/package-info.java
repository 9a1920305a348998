/**
 * MMX, SSE and SSE2: moves, packed integers, conversions and floating point. Rounding and exceptions come from {@code
 * softfloat}.
 */
package dev.kvmguest.vmm.internal.emulator.isa.simd;
