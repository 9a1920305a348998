package dev.kvmguest.vmm.internal.emulator.exec;

import dev.kvmguest.vmm.internal.x86.CpuMode;
import java.util.BitSet;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;

/** The blocks that have bytes in one page of RAM, and which bytes. */
final class CodePage {

    private static final int PAGE_SIZE = 4096;

    /**
     * What a block is found by: where it is in RAM, the EIP that leads there, and the mode that its bytes were read in.
     */
    private record Key(long physical, long eip, CpuMode mode) {}

    private final long start;
    private final Map<Key, Block> blocks = new HashMap<>();
    private final BitSet covered = new BitSet(PAGE_SIZE);

    CodePage(long number) {
        start = number * PAGE_SIZE;
    }

    /** Returns the block that starts at this physical address and was decoded for this EIP and mode, or null. */
    Block find(long physical, long eip, CpuMode mode) {
        Block block = blocks.get(new Key(physical, eip, mode));
        // One that crosses pages may have been dropped by the other page only.
        return block == null || block.stamp == Block.STALE ? null : block;
    }

    void add(Block block) {
        blocks.put(new Key(block.physical, block.eip, block.mode), block);
        covered.set(from(block), to(block));
    }

    /** Returns whether a block has one of these bytes. */
    boolean covers(int offset, int length) {
        int next = covered.nextSetBit(offset);
        return next >= 0 && next < offset + length;
    }

    /**
     * Drops the blocks that have one of these bytes.
     *
     * @return how many instructions they had
     */
    int drop(int offset, int length) {
        int dropped = 0;
        covered.clear();
        for (Iterator<Block> iterator = blocks.values().iterator(); iterator.hasNext(); ) {
            Block block = iterator.next();
            if (block.stamp == Block.STALE || from(block) < offset + length && offset < to(block)) {
                dropped += block.stamp == Block.STALE ? 0 : block.instructions();
                block.stamp = Block.STALE;
                iterator.remove();
            } else {
                covered.set(from(block), to(block));
            }
        }
        return dropped;
    }

    void dropAll() {
        blocks.values().forEach(block -> block.stamp = Block.STALE);
        blocks.clear();
    }

    private int from(Block block) {
        return startsHere(block) ? (int) (block.physical - start) : 0;
    }

    private int to(Block block) {
        if (startsHere(block)) {
            return Math.min(PAGE_SIZE, from(block) + block.length);
        }
        return block.length - (PAGE_SIZE - (int) (block.physical % PAGE_SIZE));
    }

    private boolean startsHere(Block block) {
        return block.physical >= start && block.physical < start + PAGE_SIZE;
    }
}
