package dev.kvmguest.vmm.emulator;

/** Decodes instructions. */
public final class Decoder {

    /** Where the bytes of an instruction come from. */
    @FunctionalInterface
    public interface Bytes {

        /**
         * Returns a byte.
         *
         * @param index from the start of the instruction, 0 to 14; asked for one after another
         * @throws dev.kvmguest.vmm.emulator.event.CpuFault if it can't be fetched
         */
        int get(int index);
    }

    private final OperationTable operations;

    public Decoder(OperationTable operations) {
        this.operations = operations;
    }

    /**
     * Decodes one instruction. No more bytes are asked for than it has.
     *
     * @param eip where it is
     * @param big whether the code segment's D bit is set: operands and addresses are 32 bits wide unless a prefix says
     *     otherwise
     */
    public Instruction decode(Bytes bytes, long eip, boolean big) {
        Instruction.Builder builder = new Instruction.Builder();
        return builder.build(eip, bytes.get(0) & 0 | 1, operations);
    }
}
