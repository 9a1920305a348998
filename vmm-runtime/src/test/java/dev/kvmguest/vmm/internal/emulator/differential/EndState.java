package dev.kvmguest.vmm.internal.emulator.differential;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.internal.engine.VmExit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;

/**
 * How a program ended.
 *
 * @param exit what ended it
 * @param ports what it read and wrote, in order
 * @param data its data and stack
 * @param instructions how many it executed, if the engine counts them
 */
record EndState(String exit, CpuState cpu, String ports, byte[] data, OptionalLong instructions) {

    private static final int FIRST_DIFFERENCES = 8;

    private static final Set<Integer> WITH_ERROR_CODE = Set.of(8, 10, 11, 12, 13, 14, 17);
    /** Where RF, bit 16, is in the pushed EFLAGS. */
    private static final int RF_BYTE = 2;

    private static final List<Register> REGISTERS = List.of(
            Register.RAX,
            Register.RCX,
            Register.RDX,
            Register.RBX,
            Register.RSP,
            Register.RBP,
            Register.RSI,
            Register.RDI,
            Register.R8,
            Register.R9,
            Register.R10,
            Register.R11,
            Register.R12,
            Register.R13,
            Register.R14,
            Register.R15,
            Register.RIP,
            Register.RFLAGS,
            Register.CR2);

    private static final List<SegmentRegister> SEGMENTS = List.of(
            SegmentRegister.ES,
            SegmentRegister.CS,
            SegmentRegister.SS,
            SegmentRegister.DS,
            SegmentRegister.FS,
            SegmentRegister.GS);

    /** Returns whether the program came to a HLT. */
    boolean isHalt() {
        return exit.equals(new VmExit.Halt().toString());
    }

    /** Returns this end without RF in the flags that an exception of protected mode pushed, if one ended the program. */
    EndState withoutPushedRf() {
        int vector = Mode.vectorAt(cpu.instructionAddress());
        if (!isHalt() || !cpu.protectedMode() || vector < 0) {
            return this;
        }
        int word = cpu.longMode() ? Long.BYTES : Integer.BYTES;
        int frame = (int) cpu.get(Register.RSP) + (WITH_ERROR_CODE.contains(vector) ? word : 0);
        boolean paged = !cpu.longMode() && (cpu.get(Register.CR0) & CpuState.CR0_PG) != 0;
        byte[] changed = data.clone();
        int place = (paged ? Mode.PAGED : Mode.FLAT).dataIndex(frame + 2 * word + RF_BYTE);
        if (place >= 0 && place < changed.length) {
            changed[place] &= ~1;
        }
        return new EndState(exit, cpu, ports, changed, instructions);
    }

    /** Says in what two ends differ; empty if in nothing. */
    List<String> differences(EndState other) {
        List<String> differences = new ArrayList<>();
        compare(differences, "exit", exit, other.exit);
        for (Register register : REGISTERS) {
            compare(differences, register.name32(), hex(cpu.get(register)), hex(other.cpu.get(register)));
        }
        for (SegmentRegister segment : SEGMENTS) {
            String name = segment.lowerCaseName();
            compare(differences, name, hex(selector(segment)), hex(other.selector(segment)));
            compare(differences, name + ".base", hex(base(segment)), hex(other.base(segment)));
        }
        compare(differences, "ports", ports, other.ports);
        if (instructions.isPresent() && other.instructions.isPresent()) {
            compare(differences, "instructions", "" + instructions, "" + other.instructions);
        }
        for (int i = Arrays.mismatch(data, other.data); i >= 0 && differences.size() < FIRST_DIFFERENCES; ) {
            compare(differences, "data at " + hex(i), hex(data[i] & 0xff), hex(other.data[i] & 0xff));
            int rest = Arrays.mismatch(data, i + 1, data.length, other.data, i + 1, data.length);
            i = rest < 0 ? -1 : i + 1 + rest;
        }
        return differences;
    }

    private static void compare(List<String> differences, String what, String here, String there) {
        if (!here.equals(there)) {
            differences.add(what + ": " + here + " / " + there);
        }
    }

    private long selector(SegmentRegister segment) {
        return cpu.segment(segment).selector();
    }

    private long base(SegmentRegister segment) {
        return cpu.segment(segment).base();
    }

    private static String hex(long value) {
        return Long.toHexString(value);
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder(exit);
        for (Register register : REGISTERS) {
            text.append(' ').append(register.name32()).append('=').append(hex(cpu.get(register)));
        }
        for (SegmentRegister segment : SEGMENTS) {
            text.append(' ').append(segment.lowerCaseName()).append('=').append(hex(selector(segment)));
        }
        return text.toString();
    }
}
