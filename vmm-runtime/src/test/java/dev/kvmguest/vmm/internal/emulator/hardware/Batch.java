package dev.kvmguest.vmm.internal.emulator.hardware;

import java.util.List;

/**
 * What is sent to the processor at once.
 *
 * @param memory the bytes of the pages of a {@link Window}, code included
 */
record Batch(byte[] memory, List<Sequence> sequences) {

    /** As many as there is room for code. */
    static final int STEPS = Window.CODE_SIZE / Step.SLOT;

    int steps() {
        return sequences.stream().mapToInt(sequence -> sequence.steps().size()).sum();
    }
}
