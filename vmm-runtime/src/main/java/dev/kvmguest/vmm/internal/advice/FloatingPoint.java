package dev.kvmguest.vmm.internal.advice;

import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Operand;
import dev.kvmguest.vmm.internal.emulator.decode.Trait;
import dev.kvmguest.vmm.internal.x86.Cr0;
import dev.kvmguest.vmm.internal.x86.Cr4;
import dev.kvmguest.vmm.internal.x86.Vector;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Recognizes x87, MMX and SSE instructions that CR0 or CR4 forbids (Intel SDM volume 3A, 2.5, table 2-2, and 13.1.3).
 *
 * <p>Silent if the exception has another cause than CR0.EM, CR0.TS or CR4.OSFXSR.
 */
final class FloatingPoint {

    /** The kinds of instructions, by their operands or names; the first that fits. */
    private enum Unit {
        SSE("an SSE", "SSE", "-mno-sse -mno-mmx -msoft-float"),
        MMX("an MMX", "MMX", "-mno-mmx -mno-sse"),
        X87("an x87", "floating point", "-msoft-float -mno-80387");

        private final String name;
        private final String use;
        private final String flags;

        Unit(String name, String use, String flags) {
            this.name = name;
            this.use = use;
            this.flags = flags;
        }

        static Optional<Unit> of(Instruction instruction) {
            return Stream.of(values()).filter(unit -> unit.has(instruction)).findFirst();
        }

        private boolean has(Instruction instruction) {
            return switch (this) {
                case SSE ->
                    hasOperand(instruction, Operand.Kind.XMM)
                            || instruction.mnemonic == Mnemonic.LDMXCSR
                            || instruction.mnemonic == Mnemonic.STMXCSR;
                case MMX -> hasOperand(instruction, Operand.Kind.MMX) || instruction.mnemonic == Mnemonic.EMMS;
                case X87 -> instruction.mnemonic.is(Trait.X87);
            };
        }

        private static boolean hasOperand(Instruction instruction, Operand.Kind kind) {
            return Stream.of(instruction.op0, instruction.op1, instruction.op2)
                    .anyMatch(operand -> operand != null && operand.kind == kind);
        }
    }

    private FloatingPoint() {}

    /** The compiler's choice of instructions doesn't fit what the guest has switched on. */
    static Optional<String> disabled(Evidence evidence) {
        return evidence.at().decoded().flatMap(Unit::of).flatMap(unit -> disabled(evidence, unit));
    }

    private static Optional<String> disabled(Evidence evidence, Unit unit) {
        long cr0 = evidence.registers().get(Register.CR0);
        long cr4 = evidence.registers().get(Register.CR4);
        int vector = evidence.first().vector();
        List<String> wrong = new ArrayList<>();
        List<String> remedies = new ArrayList<>();
        if (Vector.UD.is(vector) && unit == Unit.SSE && (cr4 & Cr4.OSFXSR) == 0) {
            wrong.add("CR4.OSFXSR is clear");
            remedies.add("set CR4.OSFXSR");
        }
        boolean emulated = (unit == Unit.X87 ? Vector.NM : Vector.UD).is(vector);
        if (emulated && (cr0 & Cr0.EM) != 0) {
            wrong.add("CR0.EM is set");
        }
        if (!wrong.isEmpty()) {
            remedies.add("clear CR0.EM");
        }
        if (Vector.NM.is(vector) && (cr0 & Cr0.TS) != 0) {
            wrong.add("CR0.TS is set");
            remedies.add("clear CR0.TS with CLTS, at the latest in a handler of #NM,");
        }
        if (wrong.isEmpty()) {
            return Optional.empty();
        }
        return Optional.of(evidence.at().inWords() + " is " + unit.name + " instruction, and "
                + String.join(" and ", wrong) + ": compilers use " + unit.use
                + " unless told not to; compile with " + unit.flags + " or -mgeneral-regs-only"
                // There is no processor with 64-bit code and without SSE2.
                + (unit == Unit.X87 || evidence.mode().isLong()
                        ? ""
                        : ", or for a processor without it by -march=" + (unit == Unit.SSE ? "i686" : "i586"))
                + ", or " + String.join(" and ", remedies) + " before any code that may use " + unit.use);
    }
}
