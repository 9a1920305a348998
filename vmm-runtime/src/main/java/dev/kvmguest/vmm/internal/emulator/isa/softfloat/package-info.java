/**
 * Floating-point arithmetic in integers, so that results and exception flags are the same on every host. x87 and SSE
 * share it.
 */
package dev.kvmguest.vmm.internal.emulator.isa.softfloat;
