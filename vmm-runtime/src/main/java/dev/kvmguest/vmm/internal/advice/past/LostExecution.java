package dev.kvmguest.vmm.internal.advice.past;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.diagnosis.GuestInstruction;
import dev.kvmguest.vmm.internal.emulator.decode.CodeReader;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Operand;
import dev.kvmguest.vmm.internal.emulator.decode.Trait;
import dev.kvmguest.vmm.internal.inspection.Departure;
import dev.kvmguest.vmm.internal.x86.CpuMode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Collectors;

/**
 * Recognizes a guest that hangs where no code is: it names the jump, call or return that led there, with where that
 * took its target from.
 *
 * <p>Silent if there is anything but zeros, which are instructions too, where the guest was seen last.
 */
final class LostExecution {

    private static final int SAMPLE = 8;
    /** So many instructions in a row, none of which is odd, are taken for code. */
    private static final int CODE = 2;

    private LostExecution() {}

    /** The guest ran through zeros at its end. */
    static Optional<String> byTransfer(PastEvidence evidence) {
        long place = evidence.registers().instructionAddress();
        boolean zeros = evidence.hung()
                && !evidence.isInImage(place)
                && evidence.memory()
                        .read(place, SAMPLE)
                        .filter(bytes -> Arrays.equals(bytes, new byte[SAMPLE]))
                        .isPresent();
        return zeros
                ? evidence.departures().intoZeros().map(departure -> sentence(evidence, departure))
                : Optional.empty();
    }

    private static String sentence(PastEvidence evidence, Departure departure) {
        long target = departure.after().instructionAddress();
        String went = "execution went to "
                + departure.after().codeAddress(departure.after().eip())
                + evidence.symbol(target) + ", outside the image, and on through zeros, after "
                + departure.by().inWords();
        if (isOverwritten(evidence, departure)) {
            return went + ", which is not what the image's file has there: the code was overwritten"
                    + stackInImage(evidence, departure);
        }
        OptionalLong loaded = evidence.image().loadedAt(target);
        if (loaded.isPresent() && !loaded.equals(evidence.memory().physical(target))) {
            return went + ": the linker put it there, but it was loaded at physical " + hex(loaded.getAsLong())
                    + "; load the image at the address that it is linked for, or link it for the one that it is loaded at";
        }
        Optional<Instruction> by = CodeReader.decode(departure.by(), CpuMode.of(departure.before()));
        boolean indirect = by.filter(LostExecution::isIndirect).isPresent();
        if (indirect) {
            return went + ": " + indirect(departure, by.get());
        }
        return by.filter(instruction ->
                        instruction.mnemonic.is(Trait.RETURN) || instruction.mnemonic.is(Trait.INTERRUPT_RETURN))
                .map(ret ->
                        went + ": the return address on the stack is wrong; look for pushes that were not popped and"
                                + " for writes past local variables")
                .orElseGet(() -> by.filter(instruction -> instruction.mnemonic.is(Trait.JUMP)
                                || instruction.mnemonic.is(Trait.CALL)
                                || instruction.mnemonic.is(Trait.CONDITIONAL_JUMP))
                        .map(jump -> went
                                + evidence.image()
                                        .cutOff(target)
                                        .map(end -> "; " + end)
                                        .orElse(
                                                "; see whether the code that it is to go to was loaded, and is linked for that"
                                                        + " address"))
                        .orElse(went
                                + ", which doesn't jump: execution ran past the end of the code; end it with a jump,"
                                + " a return or a loop of HLT"));
    }

    private static boolean isOverwritten(PastEvidence evidence, Departure departure) {
        byte[] executed = departure.by().bytes();
        return evidence.memory().physical(departure.before().instructionAddress()).stream()
                .mapToObj(physical -> evidence.image().original(physical, executed.length))
                .flatMap(Optional::stream)
                .anyMatch(original -> !Arrays.equals(original, executed));
    }

    private static String stackInImage(PastEvidence evidence, Departure departure) {
        CpuState before = departure.before();
        long esp = before.linear(SegmentRegister.SS, before.get(Register.RSP));
        return before.protectedMode() && evidence.isInImage(esp)
                ? ", and " + CpuMode.of(before).nameOf(Register.RSP) + " is " + hex(esp)
                        + ", in the image: the stack ran into the code; end the recursion, or give the"
                        + " stack more room above the code"
                : "; look for who writes there";
    }

    private static boolean isIndirect(Instruction by) {
        return (by.mnemonic == Mnemonic.JMP || by.mnemonic == Mnemonic.CALL) && by.op0.kind == Operand.Kind.MEMORY;
    }

    /** Returns where a jump through memory took its target from, and what is there. */
    private static String indirect(Departure departure, Instruction by) {
        CpuState before = departure.before();
        long place = by.op0.linear(before);
        String name = by.mnemonic == Mnemonic.JMP ? "JMP" : "CALL";
        String from = name + " took its target " + hex(departure.after().eip()) + " from memory at " + hex(place)
                + where(by, before);
        List<GuestInstruction> code = code(departure, by);
        int shown = code.stream()
                .mapToInt(instruction -> instruction.bytes().length)
                .sum();
        return code.size() < CODE
                ? from + "; look at who writes that pointer, and through which segment it is read"
                : from + ", where there is code (" + HexFormat.ofDelimiter(" ").formatHex(departure.code(), 0, shown)
                        + ": "
                        + code.stream().map(GuestInstruction::text).collect(Collectors.joining("; "))
                        + ") and no address: jump to that place itself, by a register or a far"
                        + " jump, not through it";
    }

    private static String where(Instruction by, CpuState before) {
        return before.protectedMode()
                ? ""
                : " ("
                        + String.format(
                                Locale.ROOT,
                                "%04x:%04x",
                                before.segment(SegmentRegister.byNumber().get(by.op0.segment))
                                        .selector(),
                                by.op0.offset(before))
                        + ")";
    }

    /** Returns the instructions that the operand's bytes are; none if they are none or begin with zeros. */
    private static List<GuestInstruction> code(Departure departure, Instruction by) {
        List<GuestInstruction> code = new ArrayList<>();
        byte[] bytes = departure.code();
        int at = 0;
        while (at < bytes.length) {
            Optional<GuestInstruction> next = CodeReader.read(
                    Arrays.copyOfRange(bytes, at, bytes.length),
                    by.op0.offset(departure.before()) + at,
                    CpuMode.of(departure.before()));
            if (next.isEmpty() || next.get().bytes()[0] == 0) {
                break;
            }
            code.add(next.get());
            at += next.get().bytes().length;
        }
        return code;
    }
}
