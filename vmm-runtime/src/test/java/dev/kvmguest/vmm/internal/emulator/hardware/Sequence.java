package dev.kvmguest.vmm.internal.emulator.hardware;

import dev.kvmguest.vmm.internal.x86.CpuMode;
import java.util.List;

/** Steps one after the other, from a state; memory begins with what the batch has. */
record Sequence(CpuMode mode, ProcessorState start, List<Step> steps) {}
