package dev.kvmguest.vmm.emulator;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** The blocks that were executed last, so that after a guest's end its last instructions can be told. */
final class Trace {

    /** Enough for {@link #INSTRUCTIONS}, even if no block has more than one. */
    private static final int BLOCKS = 32;

    /** As many as fit on a screen beside the rest of a report. */
    private static final int INSTRUCTIONS = 32;

    private final Block[] blocks = new Block[BLOCKS];
    /** How many instructions were retired before each block, or before the first time if it was executed several in a row. */
    private final long[] starts = new long[BLOCKS];

    private int next;
    private Block newest;

    /** Takes note of a block that is about to be executed. */
    void add(Block block, long retired) {
        // Left early, a block goes on as another one, unless at its first instruction: what it retires in a row is
        // whole rounds.
        if (block == newest) {
            return;
        }
        newest = block;
        blocks[next] = block;
        starts[next] = retired;
        next = next + 1 & BLOCKS - 1;
    }

    /** Forgets all. */
    void clear() {
        newest = null;
        for (int i = 0; i < BLOCKS; i++) {
            blocks[i] = null;
        }
    }

    /**
     * Returns the last instructions retired, the oldest first.
     *
     * @param retired the number of instructions retired by now
     */
    List<Instruction> last(long retired) {
        List<Instruction> last = new ArrayList<>();
        long end = retired;
        for (int i = 1; i <= BLOCKS; i++) {
            int place = next - i & BLOCKS - 1;
            Block block = blocks[place];
            if (block == null) {
                break;
            }
            for (long k = end - starts[place] - 1; k >= 0 && last.size() < INSTRUCTIONS; k--) {
                last.add(block.instruction((int) (k % block.instructions())));
            }
            end = starts[place];
        }
        Collections.reverse(last);
        return last;
    }
}
