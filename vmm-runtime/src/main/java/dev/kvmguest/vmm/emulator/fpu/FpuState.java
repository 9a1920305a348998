package dev.kvmguest.vmm.emulator.fpu;

/** The x87, MMX and SSE registers. */
public final class FpuState {}
