/**
 * MMX and SSE to SSE4.2: moves, packed integers, conversions, floating point and strings; and what saves their
 * registers. Rounding and exceptions come from {@code softfloat}.
 */
package dev.kvmguest.vmm.internal.emulator.isa.simd;
