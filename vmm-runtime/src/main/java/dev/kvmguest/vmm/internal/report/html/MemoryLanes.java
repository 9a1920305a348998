package dev.kvmguest.vmm.internal.report.html;

import dev.kvmguest.vmm.memory.MemoryLayout.Range;
import java.util.ArrayList;
import java.util.List;

/** Where from left to right on a {@link MemoryMap} ranges are, so that those with common addresses are all seen. */
final class MemoryLanes {

    /** How far a stack stands in from the edge of the BSS that it is in. */
    private static final int INSET = 88;

    /**
     * A range with its place.
     *
     * @param x its left edge
     * @param width its width
     * @param nameWidth as much of that as no other range lies upon
     */
    record Block(Range range, double x, double width, double nameWidth) {}

    private final List<Range> ranges;
    private final int left;
    private final int right;
    private final List<Block> blocks = new ArrayList<>();

    private MemoryLanes(List<Range> ranges, int left, int right) {
        this.ranges = ranges;
        this.left = left;
        this.right = right;
    }

    /**
     * Returns the ranges that have any bytes, with their places; those that lie upon others after these.
     *
     * @param ranges in ascending order of their starts
     * @param left where the drawing begins
     * @param right where it ends
     */
    static List<Block> of(List<Range> ranges, int left, int right) {
        return new MemoryLanes(ranges, left, right).blocks();
    }

    /**
     * Puts each range into the first lane that is free, among those with which it shares addresses by way of others;
     * and a stack upon the image that it is part of.
     */
    private List<Block> blocks() {
        List<Block> stacks = new ArrayList<>();
        List<Range> group = new ArrayList<>();
        long end = 0;
        for (Range range : ranges) {
            if (range.start() >= range.end()) {
                continue;
            }
            if (isInsideAny(range)) {
                stacks.add(new Block(range, left + INSET, right - left - INSET, right - left - INSET));
                continue;
            }
            if (range.start() >= end) {
                addLanes(group);
                group.clear();
            }
            group.add(range);
            end = Math.max(end, range.end());
        }
        addLanes(group);
        blocks.addAll(stacks);
        return blocks;
    }

    private boolean isInsideAny(Range stack) {
        return ranges.stream().anyMatch(image -> stack.isStackIn(image));
    }

    private void addLanes(List<Range> group) {
        List<Long> ends = new ArrayList<>();
        List<Integer> lanes = new ArrayList<>();
        for (Range range : group) {
            int lane = 0;
            while (lane < ends.size() && ends.get(lane) > range.start()) {
                lane++;
            }
            if (lane == ends.size()) {
                ends.add(range.end());
            } else {
                ends.set(lane, range.end());
            }
            lanes.add(lane);
        }
        double width = (double) (right - left) / Math.max(1, ends.size());
        for (int i = 0; i < group.size(); i++) {
            Range range = group.get(i);
            boolean hasStack = ranges.stream().anyMatch(stack -> stack.isStackIn(range));
            blocks.add(new Block(range, left + lanes.get(i) * width, width, hasStack ? Math.min(width, INSET) : width));
        }
    }
}
