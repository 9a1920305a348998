package dev.kvmguest.vmm.internal.engine;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/** Carries a vCPU's state from one engine to another. */
public final class CarriedState {

    /**
     * The model-specific registers by which guests change what their instructions do, and which each engine has: those
     * of SYSENTER, memory types, those of SYSCALL, the base for SWAPGS, and the number that RDTSCP reads (Intel SDM
     * volume 4, 2.1). EFER and the bases of FS and GS are among the registers.
     */
    private static final Set<Integer> MSRS = Set.of(
            0x174, 0x175, 0x176, 0x277, 0xc000_0081, 0xc000_0082, 0xc000_0083, 0xc000_0084, 0xc000_0102, 0xc000_0103);

    private static final long FPU = XsaveArea.X87 | XsaveArea.SSE;

    private CarriedState() {}

    /**
     * Returns the state in which a vCPU goes on as that of another engine would, which is between two instructions.
     * What only its own engine has stays as it is: its clocks, and registers that the other lacks.
     *
     * @param from the state of the other engine's vCPU
     * @param own the state that this engine's vCPU has when it is made
     */
    public static VcpuState of(VcpuState from, VcpuState own) {
        return new VcpuState(
                from.registers(),
                own.pageDirectoryPointers(),
                fpu(from.fpu(), own.fpu()),
                own.xcr0() == 0 || from.xcr0() == 0 ? own.xcr0() : from.xcr0(),
                from.taskPriority(),
                msrs(from.msrs(), own.msrs()),
                from.debugRegisters(),
                own.events(),
                own.progress(),
                own.activity(),
                own.time(),
                own.instructions());
    }

    /**
     * Returns the state in which a vCPU goes on for good as that of another engine would: with its time, and what was
     * due before the next instruction.
     *
     * @param from the state of the other engine's vCPU
     * @param own the state that this engine's vCPU has when it is made
     */
    public static VcpuState withTime(VcpuState from, VcpuState own) {
        VcpuState carried = of(from, own);
        return new VcpuState(
                carried.registers(),
                carried.pageDirectoryPointers(),
                carried.fpu(),
                carried.xcr0(),
                carried.taskPriority(),
                carried.msrs(),
                carried.debugRegisters(),
                from.events(),
                from.progress(),
                from.activity(),
                from.time(),
                from.instructions());
    }

    private static XsaveArea fpu(XsaveArea from, XsaveArea own) {
        ByteBuffer area = ByteBuffer.allocate(own.bytes().limit()).order(ByteOrder.LITTLE_ENDIAN);
        area.put(own.bytes()).rewind();
        area.put(from.bytes().limit(XsaveArea.SOFTWARE)).rewind();
        area.putInt(XsaveArea.MXCSR_MASK, own.bytes().getInt(XsaveArea.MXCSR_MASK));
        area.putLong(XsaveArea.XSTATE_BV, own.components() & ~FPU | from.components() & FPU);
        return new XsaveArea(area);
    }

    private static SortedMap<Integer, Long> msrs(SortedMap<Integer, Long> from, SortedMap<Integer, Long> own) {
        SortedMap<Integer, Long> carried = new TreeMap<>(own);
        from.forEach((number, value) -> {
            if (MSRS.contains(number)) {
                carried.put(number, value);
            }
        });
        return carried;
    }
}
