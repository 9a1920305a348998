package dev.kvmguest.vmm.internal.emulator.isa.data;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.Registers;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.OperationTable;
import dev.kvmguest.vmm.internal.x86.Flag;

/**
 * String instructions, repeated or not (Intel SDM volume 1, 7.3.9, and volume 2, at each instruction and at REP). The
 * source may have another segment, the destination is in ES.
 *
 * <p>Each repetition is complete in itself: a fault leaves the registers of those before. The flags of a repeated CMPS
 * or SCAS are set by the last repetition only, since a fault must leave them as they were before the instruction.
 */
public final class Strings {

    private Strings() {}

    /** Puts this family's operations into the table. */
    public static void install(OperationTable table) {
        table.put(Mnemonic.MOVSB, Strings::movs)
                .put(Mnemonic.MOVSW, Strings::movs)
                .put(Mnemonic.MOVSD, Strings::movs)
                .put(Mnemonic.MOVSQ, Strings::movs)
                .put(Mnemonic.STOSB, Strings::stos)
                .put(Mnemonic.STOSW, Strings::stos)
                .put(Mnemonic.STOSD, Strings::stos)
                .put(Mnemonic.STOSQ, Strings::stos)
                .put(Mnemonic.LODSB, Strings::lods)
                .put(Mnemonic.LODSW, Strings::lods)
                .put(Mnemonic.LODSD, Strings::lods)
                .put(Mnemonic.LODSQ, Strings::lods)
                .put(Mnemonic.CMPSB, Strings::cmps)
                .put(Mnemonic.CMPSW, Strings::cmps)
                .put(Mnemonic.CMPSD, Strings::cmps)
                .put(Mnemonic.CMPSQ, Strings::cmps)
                .put(Mnemonic.SCASB, Strings::scas)
                .put(Mnemonic.SCASW, Strings::scas)
                .put(Mnemonic.SCASD, Strings::scas)
                .put(Mnemonic.SCASQ, Strings::scas);
    }

    private static void movs(Cpu cpu, Instruction i) {
        if (i.repeat == Instruction.NO_REPEAT) {
            move(cpu, i);
            return;
        }
        long left = StringRegisters.count(cpu, i);
        while (left != 0) {
            left -= moveSome(cpu, i, left);
            if (StringRegisters.pauses(cpu, i, left)) {
                return;
            }
        }
    }

    private static void move(Cpu cpu, Instruction i) {
        cpu.memory.write(Cpu.ES, StringRegisters.offset(cpu, i, Registers.RDI), i.width, readSource(cpu, i));
        StringRegisters.advance(cpu, i, Registers.RSI);
        StringRegisters.advance(cpu, i, Registers.RDI);
    }

    /** Moves many elements at once where memory allows it and nothing is due after each, else one. */
    private static long moveSome(Cpu cpu, Instruction i, long most) {
        long moved = cpu.mustPause()
                ? 0
                : cpu.memory.bulk.copy(
                        i.segment,
                        StringRegisters.offset(cpu, i, Registers.RSI),
                        Cpu.ES,
                        StringRegisters.offset(cpu, i, Registers.RDI),
                        i.addressMask,
                        i.width,
                        most,
                        cpu.eflags.has(Flag.DF));
        if (moved == 0) {
            move(cpu, i);
            return 1;
        }
        StringRegisters.advance(cpu, i, Registers.RSI, moved);
        StringRegisters.advance(cpu, i, Registers.RDI, moved);
        return moved;
    }

    private static void stos(Cpu cpu, Instruction i) {
        if (i.repeat == Instruction.NO_REPEAT) {
            store(cpu, i);
            return;
        }
        long left = StringRegisters.count(cpu, i);
        while (left != 0) {
            left -= storeSome(cpu, i, left);
            if (StringRegisters.pauses(cpu, i, left)) {
                return;
            }
        }
    }

    private static void store(Cpu cpu, Instruction i) {
        long offset = StringRegisters.offset(cpu, i, Registers.RDI);
        cpu.memory.write(Cpu.ES, offset, i.width, cpu.registers.gpr[Registers.RAX]);
        StringRegisters.advance(cpu, i, Registers.RDI);
    }

    private static long storeSome(Cpu cpu, Instruction i, long most) {
        long stored = cpu.mustPause()
                ? 0
                : cpu.memory.bulk.fill(
                        Cpu.ES,
                        StringRegisters.offset(cpu, i, Registers.RDI),
                        i.addressMask,
                        i.width,
                        cpu.registers.gpr[Registers.RAX],
                        most,
                        cpu.eflags.has(Flag.DF));
        if (stored == 0) {
            store(cpu, i);
            return 1;
        }
        StringRegisters.advance(cpu, i, Registers.RDI, stored);
        return stored;
    }

    private static void lods(Cpu cpu, Instruction i) {
        if (i.repeat == Instruction.NO_REPEAT) {
            load(cpu, i);
            return;
        }
        long left = StringRegisters.count(cpu, i);
        while (left != 0) {
            load(cpu, i);
            left--;
            if (StringRegisters.pauses(cpu, i, left)) {
                return;
            }
        }
    }

    private static void load(Cpu cpu, Instruction i) {
        cpu.registers.set(Registers.RAX, i.width, readSource(cpu, i));
        StringRegisters.advance(cpu, i, Registers.RSI);
    }

    private static void cmps(Cpu cpu, Instruction i) {
        long left = i.repeat == Instruction.NO_REPEAT ? 1 : StringRegisters.count(cpu, i);
        while (left != 0) {
            long source = readSource(cpu, i);
            long destination = readDestination(cpu, i);
            StringRegisters.advance(cpu, i, Registers.RSI);
            StringRegisters.advance(cpu, i, Registers.RDI);
            left--;
            if (endsComparing(cpu, i, source, destination, left)) {
                return;
            }
        }
    }

    private static void scas(Cpu cpu, Instruction i) {
        long left = i.repeat == Instruction.NO_REPEAT ? 1 : StringRegisters.count(cpu, i);
        while (left != 0) {
            long destination = readDestination(cpu, i);
            StringRegisters.advance(cpu, i, Registers.RDI);
            left--;
            if (endsComparing(cpu, i, cpu.registers.get(Registers.RAX, i.width), destination, left)) {
                return;
            }
        }
    }

    private static boolean endsComparing(Cpu cpu, Instruction i, long source, long destination, long left) {
        if (i.repeat == Instruction.NO_REPEAT) {
            setFlags(cpu, source, destination, i.width);
            return true;
        }
        boolean goesOn = left != 0 && (source == destination) == (i.repeat == Instruction.REP);
        if (!goesOn) {
            setFlags(cpu, source, destination, i.width);
        }
        return StringRegisters.pauses(cpu, i, left, goesOn) || !goesOn;
    }

    private static void setFlags(Cpu cpu, long source, long destination, int width) {
        long difference = source - destination;
        cpu.eflags.set(difference, ~source & destination | (~source | destination) & difference, width);
    }

    private static long readSource(Cpu cpu, Instruction i) {
        return cpu.memory.read(i.segment, StringRegisters.offset(cpu, i, Registers.RSI), i.width);
    }

    private static long readDestination(Cpu cpu, Instruction i) {
        return cpu.memory.read(Cpu.ES, StringRegisters.offset(cpu, i, Registers.RDI), i.width);
    }
}
