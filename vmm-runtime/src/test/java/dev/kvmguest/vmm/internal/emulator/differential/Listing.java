package dev.kvmguest.vmm.internal.emulator.differential;

import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.internal.emulator.decode.Decoder;
import dev.kvmguest.vmm.internal.emulator.decode.Disassembler;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.OperationTable;
import dev.kvmguest.vmm.internal.x86.CpuMode;
import java.util.Arrays;
import java.util.HexFormat;

/** Prints programs: a line per instruction, with address, bytes and text, below the names of their steps. */
final class Listing {

    private static final int LONGEST = 15;

    private Listing() {}

    static String of(Program program) {
        byte[] code = Arrays.copyOf(program.code(), program.code().length + LONGEST);
        Decoder decoder = new Decoder(new OperationTable());
        int origin = Mode.CODE - program.mode().base(SegmentRegister.CS);
        StringBuilder text = new StringBuilder();
        int at = 0;
        int nextStep = 0;
        int stepStart = 0;
        while (at < code.length - LONGEST) {
            if (nextStep < program.steps().size() && at >= stepStart) {
                Step step = program.steps().get(nextStep);
                text.append("  ; ").append(step.template()).append('\n');
                stepStart += step.length();
                nextStep++;
            }
            int start = at;
            Instruction instruction = decoder.decode(
                    i -> code[start + i] & 0xff,
                    origin + at,
                    program.mode().is64()
                            ? CpuMode.LONG64
                            : CpuMode.of(true, program.mode().isWide()));
            String hex = HexFormat.ofDelimiter(" ").formatHex(code, at, at + instruction.length);
            text.append(String.format("  %04x %-24s %s%n", origin + at, hex, Disassembler.text(instruction)));
            at += instruction.length;
        }
        return text.toString();
    }
}
