package dev.kvmguest.vmm.internal.advice.hang;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.internal.board.PcBoard;
import dev.kvmguest.vmm.internal.emulator.decode.CodeReader;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Operand;
import dev.kvmguest.vmm.internal.x86.CpuMode;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Recognizes a wait for the answer of the mouse or of the keyboard controller, which no key that is typed can be.
 *
 * <p>Silent unless the last command to port 0x64 has an answer.
 */
final class AnswerAwaited {

    private static final int OUTPUT_FULL = 0x01;
    private static final int TO_MOUSE = 0xd4;
    /** Read configuration, the tests of the second port, the controller and the first port, input and output port. */
    private static final Set<Integer> ANSWERED = Set.of(0x20, 0xa9, 0xaa, 0xab, 0xc0, 0xd0);

    /** Acknowledged, passed (mouse or keyboard, controller), send again. */
    private static final Set<Integer> ANSWERS = Set.of(0xfa, 0xaa, 0x55, 0xfe);
    /** Instructions after a loop that are still about what it waited for. */
    private static final int NEAR = 12;

    private AnswerAwaited() {}

    /** A loop waits for a byte at port 0x60, after a command whose answers have all been read. */
    static Optional<String> polled(HangEvidence evidence) {
        return isMeant(evidence, PcBoard.I8042_COMMAND)
                ? Optional.of(
                        "the loop waits for a byte at port 0x60 (bit 0 of port 0x64 is clear), and the last command"
                                + " to port 0x64 was " + hex(command(evidence))
                                + (command(evidence) == TO_MOUSE
                                        ? ", for the mouse: all that the mouse has answered was read"
                                        : ": the controller has answered, and that was read")
                                + "; if the loop waits for the answer, count the answers, and give up after a while without one"
                                + (comparesWithAnswer(evidence) ? "" : "; if it waits for a key, give the guest input"))
                : Optional.empty();
    }

    /** Returns whether what the loop waits for is compared with an answer: the code after it says what it wants. */
    private static boolean comparesWithAnswer(HangEvidence evidence) {
        List<Step> steps = evidence.lastSteps();
        if (steps.isEmpty()) {
            return false;
        }
        CpuState state = steps.get(0).before();
        CpuMode mode = CpuMode.of(state);
        long eip = steps.stream().mapToLong(step -> step.before().eip()).max().orElseThrow();
        for (int i = 0; i < NEAR; i++) {
            Optional<Instruction> instruction =
                    CodeReader.decode(evidence.memory().code(state.linear(SegmentRegister.CS, eip)), eip, mode);
            if (instruction.isEmpty()) {
                return false;
            }
            Operand second = instruction.get().op1;
            if (instruction.get().mnemonic == Mnemonic.CMP
                    && second.kind == Operand.Kind.IMMEDIATE
                    && ANSWERS.contains((int) second.value & 0xff)) {
                return true;
            }
            eip = instruction.get().nextEip;
        }
        return false;
    }

    /** Returns whether a port that is polled is the status of the 8042, and an answer is awaited there. */
    static boolean isMeant(HangEvidence evidence, int port) {
        int command = command(evidence);
        return port == PcBoard.I8042_COMMAND
                && evidence.constantPort(port)
                        .filter(poll -> (poll.last() & OUTPUT_FULL) == 0)
                        .isPresent()
                && TestedBits.mayInclude(evidence, port, OUTPUT_FULL)
                && (command == TO_MOUSE || ANSWERED.contains(command));
    }

    private static int command(HangEvidence evidence) {
        byte[] written = evidence.context().written(PcBoard.I8042_COMMAND);
        return written.length == 0 ? -1 : written[written.length - 1] & 0xff;
    }
}
