package dev.kvmguest.vmm.internal.emulator.isa.control;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.CpuFault;
import dev.kvmguest.vmm.internal.emulator.core.TaskSwitch;
import dev.kvmguest.vmm.internal.emulator.core.Virtual8086;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.OperationTable;
import dev.kvmguest.vmm.internal.engine.Delivery;
import dev.kvmguest.vmm.internal.x86.Flag;

/** IRET, IRETD and IRETQ (Intel SDM volume 2, IRET). */
public final class InterruptReturn {

    /** What every return restores, whatever the privilege level. */
    private static final int ALWAYS = Flag.ARITHMETIC | Flag.TF | Flag.DF | Flag.NT;
    /** What only returns of 32 and 64 bits restore. */
    private static final int WIDE = Flag.RF | Flag.AC | Flag.ID;

    private InterruptReturn() {}

    /** Puts this family's operations into the table. */
    public static void install(OperationTable table) {
        table.put(Mnemonic.IRET, InterruptReturn::iret)
                .put(Mnemonic.IRETD, InterruptReturn::iret)
                .put(Mnemonic.IRETQ, InterruptReturn::iret);
    }

    private static void iret(Cpu cpu, Instruction i) {
        if (cpu.isVirtual8086()) {
            fromVirtual8086(cpu, i);
            return;
        }
        if (cpu.isLongMode() && cpu.eflags.has(Flag.NT)) {
            throw CpuFault.generalProtection().because("EFLAGS.NT is set, and long mode has no task switches");
        }
        if (cpu.isProtected() && cpu.eflags.has(Flag.NT)) {
            TaskSwitch.back(cpu, i.nextEip).ifPresent(cpu::raiseAfter);
            cpu.events.returned(Delivery.NO_FRAME);
            return;
        }
        long frame = cpu.stackTop();
        int width = i.operandSize;
        long eip = FarReturn.peek(cpu, 0, width);
        int selector = (int) FarReturn.peek(cpu, width, width) & 0xffff;
        int image = (int) FarReturn.peek(cpu, 2L * width, width);
        int restored = restored(cpu, width);
        if (cpu.mode().is64()) {
            FarReturn.from64(cpu, width, eip, selector, 3L * width);
        } else if (cpu.isProtected()) {
            if (!cpu.isLongMode() && width == 4 && cpu.cpl() == 0 && (image & Flag.VM) != 0) {
                Virtual8086.returnTo(cpu, eip, selector, image);
                cpu.events.returned(frame);
                return;
            }
            FarReturn.toProtected(cpu, width, eip, selector, 3L * width, 0);
        } else {
            FarReturn.toReal(cpu, eip, selector, 3L * width);
        }
        cpu.eflags.set(cpu.eflags.get() & ~restored | image & restored);
        cpu.controlFlagsChanged();
        cpu.events.returned(frame);
    }

    /** The privilege level stays 3, and IOPL decides what is allowed (volume 3A, 20.2.7 and 20.3.4). */
    private static void fromVirtual8086(Cpu cpu, Instruction i) {
        long frame = cpu.stackTop();
        int width = i.operandSize;
        boolean virtual = width == 2 && Virtual8086.hasVirtualInterruptFlag(cpu);
        if (!virtual) {
            Virtual8086.requireIopl(cpu);
        }
        long eip = FarReturn.peek(cpu, 0, width);
        int selector = (int) FarReturn.peek(cpu, width, width) & 0xffff;
        int image = (int) FarReturn.peek(cpu, 2L * width, width);
        if (virtual) {
            Virtual8086.checkFlagsWithVif(cpu, image);
        }
        FarReturn.toReal(cpu, eip, selector, 3L * width);
        if (virtual) {
            Virtual8086.setFlagsWithVif(cpu, image);
        } else {
            int restored = ALWAYS | Flag.IF | (width == 4 ? WIDE : 0);
            cpu.eflags.set(cpu.eflags.get() & ~restored | image & restored);
            cpu.controlFlagsChanged();
        }
        cpu.events.returned(frame);
    }

    /** Returns the flags that are restored, by the privilege level before the return. */
    private static int restored(Cpu cpu, int width) {
        int restored = ALWAYS;
        if (width >= 4) {
            restored |= WIDE;
        }
        if (cpu.cpl() <= cpu.eflags.iopl()) {
            restored |= Flag.IF;
        }
        if (cpu.cpl() == 0) {
            restored |= Flag.IOPL;
            if (width >= 4 && cpu.isProtected()) {
                restored |= Flag.VIF | Flag.VIP;
            }
        }
        return restored;
    }
}
