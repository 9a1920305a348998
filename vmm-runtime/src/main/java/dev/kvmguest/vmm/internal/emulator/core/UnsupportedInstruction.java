package dev.kvmguest.vmm.internal.emulator.core;

/** The next instruction is one that the emulator lacks. It ends the run; registers are those before the instruction. */
public final class UnsupportedInstruction extends RuntimeException {

    private static final long serialVersionUID = 1;

    /**
     * Creates one.
     *
     * @param reason what is lacking, in words, such as "hardware task switch"
     */
    public UnsupportedInstruction(String reason) {
        super(reason, null, false, false);
    }
}
