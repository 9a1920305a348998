package dev.kvmguest.vmm.internal.emulator.isa.simd;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.CpuFault;
import dev.kvmguest.vmm.internal.emulator.core.FpuState;
import dev.kvmguest.vmm.internal.emulator.core.Registers;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.OperationTable;
import dev.kvmguest.vmm.internal.emulator.isa.x87.FpuErrorPin;
import dev.kvmguest.vmm.internal.engine.XsaveArea;
import dev.kvmguest.vmm.internal.x86.Cr0;
import dev.kvmguest.vmm.internal.x86.Cr4;
import dev.kvmguest.vmm.internal.x86.Vector;

/**
 * XSAVE and XRSTOR in their standard form, XGETBV and XSETBV (Intel SDM volume 1, chapter 13; volume 2). There are two
 * state components: x87, and the XMM registers.
 */
public final class Xsave {

    private static final int ALIGNMENT = 64;

    /** The rest of the header, which software sets to 0: XCOMP_BV, and what is reserved after it. */
    private static final int[] RESERVED = {XsaveArea.XSTATE_BV + 8, XsaveArea.XSTATE_BV + 16};

    private Xsave() {}

    /** Puts this family's operations into the table. */
    public static void install(OperationTable table) {
        table.put(Mnemonic.XGETBV, Xsave::xgetbv)
                .put(Mnemonic.XSETBV, Xsave::xsetbv)
                .put(Mnemonic.XSAVE, Xsave::xsave)
                .put(Mnemonic.XSAVE64, Xsave::xsave)
                .put(Mnemonic.XRSTOR, FpuErrorPin.clearing(Xsave::xrstor))
                .put(Mnemonic.XRSTOR64, FpuErrorPin.clearing(Xsave::xrstor));
    }

    /** #UD unless the system has turned on XSAVE. */
    private static void requireEnabled(Cpu cpu) {
        if ((cpu.cr4() & Cr4.OSXSAVE) == 0) {
            throw CpuFault.invalidOpcode();
        }
    }

    private static void xgetbv(Cpu cpu, Instruction i) {
        requireEnabled(cpu);
        requireRegister0(cpu);
        cpu.registers.set(Registers.RAX, 4, cpu.xcr0());
        cpu.registers.set(Registers.RDX, 4, cpu.xcr0() >>> 32);
    }

    /** XCR0 without x87 is refused, and so is a component that isn't there (volume 1, 13.3). */
    private static void xsetbv(Cpu cpu, Instruction i) {
        requireEnabled(cpu);
        if (cpu.cpl() != 0) {
            throw CpuFault.generalProtection();
        }
        requireRegister0(cpu);
        long value = edxEax(cpu);
        if ((value & XsaveArea.X87) == 0 || (value & ~(XsaveArea.X87 | XsaveArea.SSE)) != 0) {
            throw CpuFault.generalProtection();
        }
        cpu.setXcr0(value);
    }

    private static void requireRegister0(Cpu cpu) {
        if (cpu.registers.get(Registers.RCX, 4) != 0) {
            throw CpuFault.generalProtection();
        }
    }

    private static long edxEax(Cpu cpu) {
        return cpu.registers.get(Registers.RDX, 4) << 32 | cpu.registers.get(Registers.RAX, 4);
    }

    /** Volume 1, 13.7. Of the header, nothing but XSTATE_BV is written, and of that no bit that isn't asked for. */
    private static void xsave(Cpu cpu, Instruction i) {
        FxImage area = area(cpu, i);
        area.checkWritable(XsaveArea.MINIMUM_SIZE);
        long asked = cpu.xcr0() & edxEax(cpu);
        if ((asked & XsaveArea.X87) != 0) {
            area.writeX87();
        }
        if ((asked & XsaveArea.SSE) != 0) {
            area.writeMxcsr();
            area.writeXmm();
        }
        long kept = area.read64(XsaveArea.XSTATE_BV) & ~asked;
        area.write64(XsaveArea.XSTATE_BV, kept | asked & inUse(cpu.fpu));
    }

    /** Returns the components that are not in their initial states (volume 1, 13.6). MXCSR doesn't count. */
    private static long inUse(FpuState fpu) {
        return (fpu.isX87Initial() ? 0 : XsaveArea.X87) | (fpu.isXmmInitial() ? 0 : XsaveArea.SSE);
    }

    /** Volume 1, 13.8. MXCSR comes from memory also where the XMM registers are set to their initial state. */
    private static void xrstor(Cpu cpu, Instruction i) {
        FxImage area = area(cpu, i);
        area.checkReadable(XsaveArea.MINIMUM_SIZE);
        long present = area.read64(XsaveArea.XSTATE_BV);
        if ((present & ~cpu.xcr0()) != 0) {
            throw CpuFault.generalProtection();
        }
        for (int reserved : RESERVED) {
            if (area.read64(reserved) != 0) {
                throw CpuFault.generalProtection();
            }
        }
        long[] image = area.read();
        FpuState fpu = cpu.fpu;
        long asked = cpu.xcr0() & edxEax(cpu);
        if ((asked & XsaveArea.SSE) != 0) {
            fpu.setMxcsr(SseState.checkedMxcsr(FxImage.mxcsr(image)));
            if ((present & XsaveArea.SSE) != 0) {
                area.restoreXmm(image);
            } else {
                area.clearXmm();
            }
        }
        if ((asked & XsaveArea.X87) != 0) {
            if ((present & XsaveArea.X87) != 0) {
                area.restoreX87(image);
            } else {
                fpu.initialize();
                fpu.clearRegisters();
            }
        }
    }

    private static FxImage area(Cpu cpu, Instruction i) {
        requireEnabled(cpu);
        if ((cpu.cr0() & Cr0.TS) != 0) {
            throw CpuFault.of(Vector.NM);
        }
        VectorOperands.requireAligned(cpu, i.op0, ALIGNMENT);
        return new FxImage(cpu, i);
    }
}
