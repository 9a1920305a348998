package dev.kvmguest.vmm.internal.emulator.isa.io;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.CpuFault;
import dev.kvmguest.vmm.internal.emulator.core.Registers;
import dev.kvmguest.vmm.internal.emulator.core.Segment;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.OperationTable;
import dev.kvmguest.vmm.internal.emulator.isa.data.StringRegisters;

/** IN, OUT and their string forms (Intel SDM volume 1, chapter 18, and volume 2, at each instruction). */
public final class PortInstructions {

    // The task-state segment (volume 3A, 7.2.1).
    private static final int TYPE_AVAILABLE_TSS = 9;
    private static final int TYPE_BUSY_TSS = 11;
    private static final int IO_MAP_BASE = 102;

    private PortInstructions() {}

    /** Puts this family's operations into the table. */
    public static void install(OperationTable table) {
        table.put(Mnemonic.IN, PortInstructions::in)
                .put(Mnemonic.OUT, PortInstructions::out)
                .put(Mnemonic.INSB, PortInstructions::ins)
                .put(Mnemonic.INSW, PortInstructions::ins)
                .put(Mnemonic.INSD, PortInstructions::ins)
                .put(Mnemonic.OUTSB, PortInstructions::outs)
                .put(Mnemonic.OUTSW, PortInstructions::outs)
                .put(Mnemonic.OUTSD, PortInstructions::outs);
    }

    private static void in(Cpu cpu, Instruction i) {
        int port = (int) i.op1.read(cpu);
        requireAllowed(cpu, port, i.width);
        if (cpu.host.readPort(port, i.width)) {
            cpu.registers.set(Registers.RAX, i.width, cpu.host.answer());
        }
    }

    private static void out(Cpu cpu, Instruction i) {
        int port = (int) i.op0.read(cpu);
        requireAllowed(cpu, port, i.width);
        cpu.host.writePort(port, i.width, i.op1.read(cpu));
    }

    private static void ins(Cpu cpu, Instruction i) {
        if (i.repeat == Instruction.NO_REPEAT) {
            input(cpu, i);
            return;
        }
        long left = StringRegisters.count(cpu, i);
        while (left != 0) {
            if (!input(cpu, i)) {
                return;
            }
            left--;
            if (StringRegisters.pauses(cpu, i, left)) {
                return;
            }
        }
    }

    /**
     * Reads an element, as soon as it is known that it can be written.
     *
     * @return false if the host has to answer first
     */
    private static boolean input(Cpu cpu, Instruction i) {
        int port = port(cpu);
        requireAllowed(cpu, port, i.width);
        long offset = StringRegisters.offset(cpu, i, Registers.RDI);
        cpu.memory.checkWritable(Cpu.ES, offset, i.width);
        if (!cpu.host.readPort(port, i.width)) {
            return false;
        }
        cpu.memory.write(Cpu.ES, offset, i.width, cpu.host.answer());
        StringRegisters.advance(cpu, i, Registers.RDI);
        return true;
    }

    private static void outs(Cpu cpu, Instruction i) {
        if (i.repeat == Instruction.NO_REPEAT) {
            output(cpu, i);
            return;
        }
        long left = StringRegisters.count(cpu, i);
        while (left != 0) {
            output(cpu, i);
            left--;
            if (StringRegisters.pauses(cpu, i, left)) {
                return;
            }
        }
    }

    private static void output(Cpu cpu, Instruction i) {
        int port = port(cpu);
        requireAllowed(cpu, port, i.width);
        long value = cpu.memory.read(i.segment, StringRegisters.offset(cpu, i, Registers.RSI), i.width);
        cpu.host.writePort(port, i.width, value);
        StringRegisters.advance(cpu, i, Registers.RSI);
    }

    private static int port(Cpu cpu) {
        return (int) cpu.registers.get(Registers.RDX, 2);
    }

    /**
     * Above IOPL, and always in virtual-8086 mode, the I/O permission bits in the TSS must be 0 for each port of the
     * access (volume 1, 18.5.2).
     */
    private static void requireAllowed(Cpu cpu, int port, int width) {
        if ((cpu.isVirtual8086() || cpu.cpl() > cpu.eflags.iopl()) && !isAllowedByBitmap(cpu, port, width)) {
            throw CpuFault.generalProtection()
                    .because((cpu.isVirtual8086() ? "" : "IOPL is below the privilege level, and ")
                            + "the I/O permission bits in the TSS don't allow the port");
        }
    }

    private static boolean isAllowedByBitmap(Cpu cpu, int port, int width) {
        Segment tss = cpu.tr;
        boolean hasBitmap = !tss.isUnusable() && (tss.type() == TYPE_AVAILABLE_TSS || tss.type() == TYPE_BUSY_TSS);
        if (!hasBitmap || tss.limit() < IO_MAP_BASE + 1) {
            return false;
        }
        // Two bytes always, because the bits of an access can be in two.
        long offset = cpu.memory.readSystem(tss.base() + IO_MAP_BASE, 2) + port / 8;
        if (offset + 1 > tss.limit()) {
            return false;
        }
        long bits = cpu.memory.readSystem(tss.base() + offset, 2) >> port % 8;
        return (bits & (1 << width) - 1) == 0;
    }
}
