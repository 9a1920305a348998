package dev.kvmguest.vmm.internal.emulator.isa.x87;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.FpuChecks;
import dev.kvmguest.vmm.internal.emulator.core.FpuState;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.OperationTable;

/**
 * x87 control instructions: control and status words, environment, whole state (Intel SDM volume 1, 8.1.10 and 8.3.11).
 */
final class X87Control {

    private static final int REGISTERS = 8;
    private static final int FIELDS = 7;
    /** What the unused halves of the 32-bit environment are stored as. */
    private static final long UNUSED_HALF = 0xffff_0000L;

    private X87Control() {}

    static void install(OperationTable table) {
        table.put(Mnemonic.FNINIT, FpuErrorPin.clearing(X87Control::fninit))
                .put(Mnemonic.FNCLEX, FpuErrorPin.clearing(X87Control::fnclex))
                .put(Mnemonic.FNSTSW, X87Control::fnstsw)
                .put(Mnemonic.FNSTCW, X87Control::fnstcw)
                .put(Mnemonic.FLDCW, FpuErrorPin.clearing(X87Control::fldcw))
                .put(Mnemonic.FNSTENV, FpuErrorPin.clearing(X87Control::fnstenv))
                .put(Mnemonic.FLDENV, FpuErrorPin.clearing(X87Control::fldenv))
                .put(Mnemonic.FNSAVE, FpuErrorPin.clearing(X87Control::fnsave))
                .put(Mnemonic.FRSTOR, FpuErrorPin.clearing(X87Control::frstor))
                .put(Mnemonic.FWAIT, X87Control::fwait)
                .put(Mnemonic.FNOP, X87Control::fnop)
                .put(Mnemonic.FNENI, X87Control::ignored)
                .put(Mnemonic.FNDISI, X87Control::ignored)
                .put(Mnemonic.FNSETPM, X87Control::ignored)
                .put(Mnemonic.FFREE, X87Control::ffree)
                .put(Mnemonic.FFREEP, X87Control::ffreep)
                .put(Mnemonic.FINCSTP, X87Control::fincstp)
                .put(Mnemonic.FDECSTP, X87Control::fdecstp);
    }

    private static void fninit(Cpu cpu, Instruction i) {
        FpuChecks.requireX87(cpu);
        cpu.fpu.initialize();
    }

    private static void fnclex(Cpu cpu, Instruction i) {
        FpuChecks.requireX87(cpu);
        cpu.fpu.clearExceptions();
    }

    private static void fnstsw(Cpu cpu, Instruction i) {
        FpuChecks.requireX87(cpu);
        i.op0.write(cpu, cpu.fpu.status());
    }

    private static void fnstcw(Cpu cpu, Instruction i) {
        FpuChecks.requireX87(cpu);
        i.op0.write(cpu, cpu.fpu.control());
    }

    private static void fldcw(Cpu cpu, Instruction i) {
        FpuChecks.requireX87Ready(cpu);
        cpu.fpu.setControl((int) i.op0.read(cpu));
    }

    private static void fwait(Cpu cpu, Instruction i) {
        FpuChecks.waitForX87(cpu);
    }

    private static void fnop(Cpu cpu, Instruction i) {
        FpuChecks.requireX87Ready(cpu);
        X87Stack.notePointers(cpu, i);
    }

    /** What the 8087 and the 80287 needed these for is gone since the 80387. */
    private static void ignored(Cpu cpu, Instruction i) {
        FpuChecks.requireX87(cpu);
    }

    private static void ffree(Cpu cpu, Instruction i) {
        FpuChecks.requireX87Ready(cpu);
        X87Stack.notePointers(cpu, i);
        cpu.fpu.free(i.op0.number);
        cpu.fpu.setConditions(FpuState.C1, 0);
    }

    /** FFREE, and a pop; the manual mentions it only as an opcode that processors have (volume 2, table A-14). */
    private static void ffreep(Cpu cpu, Instruction i) {
        ffree(cpu, i);
        X87Stack.pop(cpu.fpu);
    }

    private static void fincstp(Cpu cpu, Instruction i) {
        rotate(cpu, i, 1);
    }

    private static void fdecstp(Cpu cpu, Instruction i) {
        rotate(cpu, i, -1);
    }

    private static void rotate(Cpu cpu, Instruction i, int by) {
        FpuChecks.requireX87Ready(cpu);
        X87Stack.notePointers(cpu, i);
        cpu.fpu.setTop(cpu.fpu.top() + by);
        cpu.fpu.setConditions(FpuState.C1, 0);
    }

    private static void fnstenv(Cpu cpu, Instruction i) {
        FpuChecks.requireX87(cpu);
        checkEnvironment(cpu, i, true);
        writeEnvironment(cpu, i);
        cpu.fpu.setControl(cpu.fpu.control() | FpuState.EXCEPTIONS);
    }

    private static void fldenv(Cpu cpu, Instruction i) {
        FpuChecks.requireX87Ready(cpu);
        checkEnvironment(cpu, i, false);
        setEnvironment(cpu, i, readEnvironment(cpu, i));
    }

    private static void fnsave(Cpu cpu, Instruction i) {
        FpuChecks.requireX87(cpu);
        checkEnvironment(cpu, i, true);
        for (int n = 0; n < REGISTERS; n++) {
            TenBytes.checkWritable(cpu, i.op0, registerStart(i, n));
        }
        writeEnvironment(cpu, i);
        for (int n = 0; n < REGISTERS; n++) {
            new TenBytes(cpu.fpu.significand(n), cpu.fpu.signExponent(n)).write(cpu, i.op0, registerStart(i, n));
        }
        cpu.fpu.initialize();
    }

    private static void frstor(Cpu cpu, Instruction i) {
        FpuChecks.requireX87Ready(cpu);
        checkEnvironment(cpu, i, false);
        for (int n = 0; n < REGISTERS; n++) {
            TenBytes.checkReadable(cpu, i.op0, registerStart(i, n));
        }
        long[] environment = readEnvironment(cpu, i);
        TenBytes[] registers = new TenBytes[REGISTERS];
        for (int n = 0; n < REGISTERS; n++) {
            registers[n] = TenBytes.read(cpu, i.op0, registerStart(i, n));
        }
        setEnvironment(cpu, i, environment);
        for (int n = 0; n < REGISTERS; n++) {
            cpu.fpu.restoreRegister(n, registers[n].high(), registers[n].low());
        }
    }

    private static int registerStart(Instruction i, int number) {
        return FIELDS * i.operandSize + TenBytes.SIZE * number;
    }

    /** Throws the fault that one of the fields would raise; with 16-bit addresses each wraps at 64 KiB for itself. */
    private static void checkEnvironment(Cpu cpu, Instruction i, boolean write) {
        for (int n = 0; n < FIELDS; n++) {
            long at = TenBytes.offset(cpu, i.op0, i.operandSize * n);
            if (write) {
                cpu.memory.checkWritable(i.op0.segment, at, i.operandSize);
            } else {
                cpu.memory.checkReadable(i.op0.segment, at, i.operandSize);
            }
        }
    }

    /** Writes control, status and tag word and the two pointers; what those look like depends on the mode. */
    private static void writeEnvironment(Cpu cpu, Instruction i) {
        FpuState fpu = cpu.fpu;
        boolean wide = i.operandSize == 4;
        long unused = wide ? UNUSED_HALF : 0;
        long[] fields = new long[FIELDS];
        fields[0] = fpu.control() | unused;
        fields[1] = fpu.status() | unused;
        fields[2] = fpu.tags() | unused;
        if (cpu.usesDescriptors()) {
            // The opcode above the selector is 0: none is kept.
            fields[3] = fpu.instructionOffset();
            fields[4] = fpu.instructionSelector();
            fields[5] = fpu.dataOffset();
            fields[6] = fpu.dataSelector() | unused;
        } else {
            long instruction = fpu.instructionOffset() + 16L * fpu.instructionSelector();
            long data = fpu.dataOffset() + 16L * fpu.dataSelector();
            fields[3] = instruction & 0xffff | unused;
            fields[4] = instruction >>> 16 << 12;
            fields[5] = data & 0xffff | unused;
            fields[6] = data >>> 16 << 12;
        }
        for (int n = 0; n < FIELDS; n++) {
            long at = TenBytes.offset(cpu, i.op0, i.operandSize * n);
            cpu.memory.write(i.op0.segment, at, i.operandSize, fields[n]);
        }
    }

    private static long[] readEnvironment(Cpu cpu, Instruction i) {
        long[] fields = new long[FIELDS];
        for (int n = 0; n < FIELDS; n++) {
            long at = TenBytes.offset(cpu, i.op0, i.operandSize * n);
            fields[n] = cpu.memory.read(i.op0.segment, at, i.operandSize);
        }
        return fields;
    }

    private static void setEnvironment(Cpu cpu, Instruction i, long[] fields) {
        FpuState fpu = cpu.fpu;
        fpu.setControl((int) fields[0]);
        fpu.setStatus((int) fields[1] & 0xffff);
        fpu.setTags((int) fields[2]);
        if (cpu.usesDescriptors()) {
            fpu.setInstructionPointer((int) fields[4] & 0xffff, fields[3]);
            fpu.setDataPointer((int) fields[6] & 0xffff, fields[5]);
        } else {
            long highMask = i.operandSize == 4 ? 0xffff : 0xf;
            fpu.setInstructionPointer(0, fields[3] & 0xffff | (fields[4] >>> 12 & highMask) << 16);
            fpu.setDataPointer(0, fields[5] & 0xffff | (fields[6] >>> 12 & highMask) << 16);
        }
    }
}
