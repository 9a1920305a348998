package dev.kvmguest.vmm.internal.inspection;

import dev.kvmguest.vmm.internal.emulator.decode.CodeReader;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Operand;
import java.util.Arrays;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * A CALL.
 *
 * @param returnAddress the offset in the code segment of what follows it
 * @param target where it goes, if that is in its bytes: CALL rel16 or rel32
 * @param far whether it is a far one, which pushes CS too
 */
public record CallSite(long returnAddress, OptionalLong target, boolean far) {

    private static final int SHORTEST = 2;
    /** A memory operand with SIB and displacement, and a segment override. */
    private static final int LONGEST = 8;

    /**
     * Returns the CALL that an address follows. What comes before an instruction can be read in several ways: one
     * that says where it goes is believed before others if code is there, and not at all otherwise.
     */
    public static Optional<CallSite> before(long returnAddress, Code code) {
        Optional<byte[]> bytes =
                code.holds(returnAddress - 1) ? code.read(returnAddress - LONGEST, LONGEST) : Optional.empty();
        if (bytes.isEmpty()) {
            return Optional.empty();
        }
        Optional<CallSite> indirect = Optional.empty();
        for (int length = SHORTEST; length <= LONGEST; length++) {
            byte[] tail = Arrays.copyOfRange(bytes.get(), LONGEST - length, LONGEST);
            Optional<CallSite> call = call(tail, returnAddress, code);
            if (call.isPresent() && call.get().target().isPresent()) {
                return call;
            }
            indirect = indirect.or(() -> call);
        }
        return indirect;
    }

    private static Optional<CallSite> call(byte[] bytes, long returnAddress, Code code) {
        return CodeReader.decode(bytes, returnAddress - bytes.length, code.mode())
                .filter(instruction -> instruction.length == bytes.length)
                .flatMap(instruction -> call(instruction, returnAddress, code));
    }

    private static Optional<CallSite> call(Instruction instruction, long returnAddress, Code code) {
        if (instruction.mnemonic == Mnemonic.CALL_FAR) {
            return Optional.of(new CallSite(returnAddress, OptionalLong.empty(), true));
        }
        // One with the other operand size pushes a return address of that size, and goes elsewhere in its upper half.
        if (instruction.mnemonic != Mnemonic.CALL || instruction.operandSize != code.width()) {
            return Optional.empty();
        }
        if (instruction.op0.kind != Operand.Kind.RELATIVE) {
            return Optional.of(new CallSite(returnAddress, OptionalLong.empty(), false));
        }
        return code.holds(instruction.op0.value)
                ? Optional.of(new CallSite(returnAddress, OptionalLong.of(instruction.op0.value), false))
                : Optional.empty();
    }
}
