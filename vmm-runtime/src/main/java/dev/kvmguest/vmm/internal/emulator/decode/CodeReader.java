package dev.kvmguest.vmm.internal.emulator.decode;

import dev.kvmguest.vmm.diagnosis.GuestInstruction;
import dev.kvmguest.vmm.internal.x86.CpuMode;
import java.util.Optional;
import java.util.stream.Stream;

/** Reads instructions out of bytes, for those who look at code without executing it. Safe for several threads. */
public final class CodeReader {

    /** The most bytes that an instruction has (Intel SDM volume 2A, 2.3.11). */
    public static final int LONGEST = 15;

    /** Nothing is ever executed, so that no operation is needed. */
    private static final OperationTable NO_OPERATIONS = new OperationTable();

    /** Thrown where an instruction is longer than the bytes given. */
    private static final class EndOfBytes extends RuntimeException {

        private static final long serialVersionUID = 1;
        private static final EndOfBytes HERE = new EndOfBytes();

        private EndOfBytes() {
            super(null, null, false, false);
        }
    }

    private CodeReader() {}

    /**
     * Returns the instruction with which {@code bytes} begin; empty if they are too few for it, or are none. It can't
     * be executed.
     *
     * @param bytes up to {@link #LONGEST} are looked at
     * @param eip where they are, for the targets of jumps
     * @param mode the mode that it is code of
     */
    public static Optional<Instruction> decode(byte[] bytes, long eip, CpuMode mode) {
        try {
            Instruction instruction = new Decoder(NO_OPERATIONS).decode(index -> octet(bytes, index), eip, mode);
            return Optional.of(instruction).filter(CodeReader::isInstruction);
        } catch (EndOfBytes e) {
            return Optional.empty();
        }
    }

    /**
     * Returns the instruction with which {@code bytes} begin, with its text and without what the image says of it;
     * empty if they are too few for it, or are none.
     *
     * @param bytes up to {@link #LONGEST} are looked at
     * @param eip where they are, for the targets of jumps
     * @param mode the mode that it is code of
     */
    public static Optional<GuestInstruction> read(byte[] bytes, long eip, CpuMode mode) {
        return decode(bytes, eip, mode).map(CodeReader::describe);
    }

    /**
     * Returns the instruction that a report shows, decoded again; empty if its bytes are missing or invalid.
     * It may have been executed before the guest changed its mode: the mode is the one that gives its text.
     *
     * @param likely the mode to try first
     */
    public static Optional<Instruction> decode(GuestInstruction shown, CpuMode likely) {
        return Stream.concat(Stream.of(likely), Stream.of(CpuMode.values()))
                .flatMap(mode -> decode(shown.bytes(), shown.eip(), mode).stream())
                .filter(instruction -> Disassembler.text(instruction).equals(shown.text()))
                .findFirst();
    }

    /** Returns an instruction without what the image says of it. */
    public static GuestInstruction describe(Instruction instruction) {
        return new GuestInstruction(
                instruction.eip,
                instruction.bytes(),
                Disassembler.text(instruction),
                Optional.empty(),
                Optional.empty());
    }

    /** Returns what stands for an instruction that could not be fetched. */
    public static GuestInstruction unread(long eip) {
        return new GuestInstruction(eip, new byte[0], "", Optional.empty(), Optional.empty());
    }

    private static int octet(byte[] bytes, int index) {
        if (index >= bytes.length) {
            throw EndOfBytes.HERE;
        }
        return bytes[index] & 0xff;
    }

    private static boolean isInstruction(Instruction instruction) {
        return instruction.mnemonic != Mnemonic.INVALID && instruction.mnemonic != Mnemonic.TOO_LONG;
    }
}
