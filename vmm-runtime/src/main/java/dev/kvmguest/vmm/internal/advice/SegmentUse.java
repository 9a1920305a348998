package dev.kvmguest.vmm.internal.advice;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.internal.advice.Selectors.Use;
import dev.kvmguest.vmm.internal.emulator.core.Registers;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Operand;
import dev.kvmguest.vmm.internal.emulator.decode.Trait;
import dev.kvmguest.vmm.internal.x86.AccessRights;
import dev.kvmguest.vmm.internal.x86.AddressPolicy;
import dev.kvmguest.vmm.internal.x86.Vector;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Recognizes an access through a segment register that doesn't allow it: one that is null, one that has a code segment
 * where data is written, or one that real mode left (Intel SDM volume 3A, 5.3 to 5.5).
 *
 * <p>Silent unless #GP or #SS has error code 0 and the register explains it.
 */
final class SegmentUse {

    /** Where GCC and Clang have the canary of functions with arrays, in GS or FS, for 32 bits. */
    private static final int CANARY = 0x14;

    private static final int REAL_MODE_LIMIT = 0xffff;

    private SegmentUse() {}

    /** An access by one segment register. */
    private record Access(SegmentRegister register, long offset, int width, Optional<Operand> operand) {}

    /** The register has no segment. */
    static Optional<String> nullSegment(Evidence evidence) {
        return refused(evidence).stream()
                .filter(access -> state(evidence, access).isUnusable())
                .findFirst()
                .map(access -> access.register() + " is null, so that "
                        + evidence.at().inWords()
                        + " can't use it; "
                        + purpose(access)
                                .orElseGet(() -> "load " + access.register()
                                        + " with the selector of a data segment first" + dataSelector(evidence)));
    }

    /** Returns what compilers use FS and GS for. */
    private static Optional<String> purpose(Access access) {
        boolean constant = access.operand()
                .filter(operand -> operand.base == Registers.NONE && operand.index == Registers.NONE)
                .isPresent();
        boolean ofPrograms = access.register() == SegmentRegister.FS || access.register() == SegmentRegister.GS;
        if (!constant || !ofPrograms) {
            return Optional.empty();
        }
        String place = access.register().lowerCaseName() + ":" + hex(access.offset());
        if (access.offset() == CANARY) {
            return Optional.of(place + " is where compilers keep the stack protector's canary: compile with"
                    + " -fno-stack-protector, or give " + access.register()
                    + " a data segment in the GDT that has the canary there");
        }
        return access.offset() == 0
                ? Optional.of(place + " is where compilers look for thread-local variables: give " + access.register()
                        + " a data segment in the GDT whose base is the thread's, or do without them")
                : Optional.empty();
    }

    /** The register has a segment that can't be written, or not read. */
    static Optional<String> wrongKind(Evidence evidence) {
        return refused(evidence).stream()
                .filter(access -> isWithin(state(evidence, access), access))
                .filter(access -> !state(evidence, access).isUnusable())
                .flatMap(access -> kind(state(evidence, access))
                        .map(kind -> access.register() + " holds the selector "
                                + hex(state(evidence, access).selector())
                                + ", " + kind + ", so that " + evidence.at().inWords() + " raises #GP; load "
                                + access.register() + " with the selector of a writable data segment"
                                + dataSelector(evidence) + loadersTable(evidence))
                        .stream())
                .findFirst();
    }

    private static Optional<String> kind(SegmentState state) {
        boolean bit = (state.type() & AccessRights.WRITABLE_OR_READABLE) != 0;
        if ((state.type() & AccessRights.CODE) != 0) {
            return Optional.of(
                    bit ? "a code segment, which can't be written" : "a code segment, which can't be read or written");
        }
        return bit ? Optional.empty() : Optional.of("a data segment that can't be written");
    }

    /** The register has real mode's segment of 64 KiB still. */
    static Optional<String> ofRealMode(Evidence evidence) {
        return refused(evidence).stream()
                .filter(access -> isRealModes(state(evidence, access)) && !isWithin(state(evidence, access), access))
                .findFirst()
                .map(access -> evidence.at().inWords() + " goes to offset " + hex(access.offset()) + ", and "
                        + access.register() + " is still as real mode left it, with the limit 0xffff; load it with the"
                        + " selector of a data segment after the far jump into protected mode"
                        + dataSelector(evidence));
    }

    private static boolean isRealModes(SegmentState state) {
        return state.limit() == REAL_MODE_LIMIT && state.base() == state.selector() * 16L;
    }

    private static boolean isWithin(SegmentState state, Access access) {
        return access.offset() + Math.max(1, access.width()) - 1 <= state.limit();
    }

    private static SegmentState state(Evidence evidence, Access access) {
        return evidence.registers().segment(access.register());
    }

    /** Returns the accesses of the instruction that was refused for a reason that may be its segment. */
    private static List<Access> refused(Evidence evidence) {
        int vector = evidence.first().vector();
        // 64-bit code has no segments to be refused for.
        boolean refused = evidence.registers().protectedMode()
                && !evidence.mode().is64()
                && !evidence.first().interrupt()
                && (Vector.GP.is(vector) || Vector.SS.is(vector))
                && evidence.first().errorCode().orElse(-1) == 0;
        return refused
                ? evidence.at()
                        .decoded()
                        .map(instruction -> accesses(instruction, evidence.registers()))
                        .orElse(List.of())
                : List.of();
    }

    private static List<Access> accesses(Instruction at, CpuState registers) {
        List<Access> accesses = new ArrayList<>();
        for (Operand operand : operands(at)) {
            if (operand.isMemory() && operand.width > 0) {
                accesses.add(new Access(
                        SegmentRegister.byNumber().get(operand.segment),
                        operand.offset(registers),
                        operand.width,
                        Optional.of(operand)));
            }
        }
        if (at.mnemonic.is(Trait.STRING_SOURCE)) {
            accesses.add(string(at, registers, SegmentRegister.byNumber().get(at.segment), Register.RSI));
        }
        if (at.mnemonic.is(Trait.STRING_STORE) || at.mnemonic.is(Trait.STRING_COMPARISON)) {
            accesses.add(string(at, registers, SegmentRegister.ES, Register.RDI));
        }
        return accesses;
    }

    private static List<Operand> operands(Instruction at) {
        return Stream.of(at.op0, at.op1, at.op2).filter(Objects::nonNull).toList();
    }

    private static Access string(Instruction at, CpuState registers, SegmentRegister segment, Register pointer) {
        long offset = registers.get(pointer) & AddressPolicy.offsetMask(at.addressSize);
        return new Access(segment, offset, at.width, Optional.empty());
    }

    /** Returns which selector the GDT has for data, if it has one. */
    private static String dataSelector(Evidence evidence) {
        return Selectors.first(evidence, Use.STACK)
                .map(selector -> ", which is " + hex(selector) + " in this GDT")
                .orElse("");
    }

    private static String loadersTable(Evidence evidence) {
        return evidence.hasBootGdt()
                ? "; GDTR is still the boot table's: load the guest's own GDT with LGDT first, or use its selectors"
                : "";
    }
}
