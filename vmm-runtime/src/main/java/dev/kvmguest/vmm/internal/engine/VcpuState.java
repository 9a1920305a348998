package dev.kvmguest.vmm.internal.engine;

import dev.kvmguest.vmm.cpu.CpuState;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * All that a vCPU has. Given this and a copy of its RAM, another vCPU of the same engine does from here on what this
 * one does.
 *
 * <p>What the host has asked of the engine, such as stepping, an alarm or an interrupt window, isn't part of it; nor is
 * what the engine has seen so far. Cached translations aren't either: as on a processor, a guest that changes its page
 * tables and invalidates nothing may find them gone at any time.
 *
 * @param registers general, control, segment and descriptor-table registers
 * @param pageDirectoryPointers the four entries that PAE paging loaded with CR3 (Intel SDM volume 3A, 4.4.1); empty
 *     where they are to be loaded from memory
 * @param fpu x87, MMX and SSE registers, and further ones that XSAVE saves
 * @param xcr0 which components XSAVE saves; 0 if the engine doesn't have XSAVE
 * @param taskPriority CR8, 0 to 15
 * @param msrs model-specific registers by number, the time-stamp counter (0x10) among them
 * @param debugRegisters DR0 to DR7
 * @param events what is due before the next instruction
 * @param progress how far the instruction at RIP has come
 * @param activity whether the vCPU executes, is halted or has shut down
 * @param time the guest's time in nanoseconds since it started
 * @param instructions how many have been retired since the start; empty if the engine doesn't count them
 */
public record VcpuState(
        CpuState registers,
        List<Long> pageDirectoryPointers,
        XsaveArea fpu,
        long xcr0,
        long taskPriority,
        SortedMap<Integer, Long> msrs,
        DebugRegisterState debugRegisters,
        EventState events,
        InstructionProgress progress,
        Activity activity,
        long time,
        OptionalLong instructions) {

    /** The number of the time-stamp counter among the MSRs. */
    public static final int TSC = 0x10;

    /** Returns the same with some model-specific registers set. */
    public VcpuState with(Map<Integer, Long> someMsrs) {
        SortedMap<Integer, Long> all = new TreeMap<>((Map<Integer, Long>) msrs);
        all.putAll(someMsrs);
        return new VcpuState(
                registers,
                pageDirectoryPointers,
                fpu,
                xcr0,
                taskPriority,
                all,
                debugRegisters,
                events,
                progress,
                activity,
                time,
                instructions);
    }

    /** Copies what could change. */
    public VcpuState {
        pageDirectoryPointers = List.copyOf(pageDirectoryPointers);
        msrs = Collections.unmodifiableSortedMap(new TreeMap<>((Map<Integer, Long>) msrs));
    }
}
