package dev.kvmguest.vmm.internal.emulator.exec;

import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * The blocks that were executed last, so that after a guest's end its last instructions can be told. A run through
 * memory that is zero, which executes like code, is its beginning and its end, so that what led there isn't forgotten.
 */
final class Trace {

    /** Enough for {@link #INSTRUCTIONS}, even if no block has more than one. */
    private static final int BLOCKS = 32;

    /** As many as fit on a screen beside the rest of a report. */
    static final int INSTRUCTIONS = 32;

    /** As many instructions tell the beginning of a run of zeros, or its end. */
    private static final int ZEROS = 4;

    private final Block[] blocks;
    /**
     * How many instructions were retired before each block, or before the first time if it was executed several in a
     * row.
     */
    private final long[] starts;

    private int next;
    private Block newest;

    Trace() {
        this(new Block[BLOCKS], new long[BLOCKS], 0);
    }

    private Trace(Block[] blocks, long[] starts, int next) {
        this.blocks = blocks;
        this.starts = starts;
        this.next = next;
    }

    /** Returns a copy, to be read when more has been executed. */
    Trace copy() {
        return new Trace(blocks.clone(), starts.clone(), next);
    }

    /** Has it be what another one is, which stays as it is. */
    void restore(Trace other) {
        System.arraycopy(other.blocks, 0, blocks, 0, BLOCKS);
        System.arraycopy(other.starts, 0, starts, 0, BLOCKS);
        next = other.next;
        // A block that goes on is one of this vCPU's own.
        newest = null;
    }

    /** Takes note of a block that is about to be executed. */
    void add(Block block, long retired) {
        // Left early, a block goes on as another one, unless at its first instruction: what it retires in a row is
        // whole rounds.
        if (block == newest) {
            return;
        }
        if (block.zeros && newest != null && newest.zeros) {
            addZeros(block, retired);
            return;
        }
        newest = block;
        blocks[next] = block;
        starts[next] = retired;
        next = next + 1 & BLOCKS - 1;
    }

    /** Replaces the newest one unless that is where the run began. */
    private void addZeros(Block block, long retired) {
        newest = block;
        if (!isZeros(next - 2)) {
            next = next + 1 & BLOCKS - 1;
        }
        int slot = next - 1 & BLOCKS - 1;
        blocks[slot] = block;
        starts[slot] = retired;
    }

    private boolean isZeros(int slot) {
        Block block = blocks[slot & BLOCKS - 1];
        return block != null && block.zeros;
    }

    /**
     * Returns the instruction at an EIP if it is the one that is being executed, or was the last one; null if it isn't.
     *
     * @param retired the number of instructions retired by now, with or without that one
     */
    Instruction executing(long eip, long retired) {
        if (newest == null) {
            return null;
        }
        long executed = retired - starts[next - 1 & BLOCKS - 1];
        Instruction instruction = newest.instruction((int) (executed % newest.instructions()));
        if (instruction.eip != eip && executed > 0) {
            instruction = newest.instruction((int) ((executed - 1) % newest.instructions()));
        }
        return instruction.eip == eip ? instruction : null;
    }

    /** Forgets all. */
    void clear() {
        newest = null;
        for (int i = 0; i < BLOCKS; i++) {
            blocks[i] = null;
        }
    }

    /**
     * Returns the last instructions retired, the oldest first, of zeros only some.
     *
     * @param retired the number of instructions retired by now
     */
    List<Instruction> last(long retired) {
        List<Instruction> last = new ArrayList<>();
        List<Instruction> zeros = new ArrayList<>();
        long end = retired;
        for (int i = 1; i <= BLOCKS && blocks[next - i & BLOCKS - 1] != null; i++) {
            int slot = next - i & BLOCKS - 1;
            Block block = blocks[slot];
            // Of zeros, more may have been executed than the block has: by those that it replaced.
            long executed = block.zeros ? Math.min(end - starts[slot], block.instructions()) : end - starts[slot];
            for (long k = executed - 1; k >= 0 && last.size() < INSTRUCTIONS; k--) {
                Instruction instruction = block.instruction((int) (k % block.instructions()));
                if (instruction.isZeros()) {
                    zeros.add(instruction);
                } else {
                    addRun(zeros, last);
                    last.add(instruction);
                }
            }
            end = starts[slot];
        }
        addRun(zeros, last);
        List<Instruction> oldestFirst = last.subList(0, Math.min(last.size(), INSTRUCTIONS));
        Collections.reverse(oldestFirst);
        return oldestFirst;
    }

    /** Moves a run of zeros, or its beginning and its end. */
    private static void addRun(List<Instruction> zeros, List<Instruction> last) {
        if (zeros.size() > 2 * ZEROS) {
            zeros.subList(ZEROS, zeros.size() - ZEROS).clear();
        }
        last.addAll(zeros);
        zeros.clear();
    }
}
