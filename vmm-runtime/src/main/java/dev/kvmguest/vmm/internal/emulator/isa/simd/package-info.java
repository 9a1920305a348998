/**
 * MMX and SSE to SSE3: moves, packed integers, conversions and floating point. Rounding and exceptions come from {@code
 * softfloat}.
 */
package dev.kvmguest.vmm.internal.emulator.isa.simd;
