package dev.kvmguest.vmm.internal.boot;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.internal.boot.layout.Handover;
import dev.kvmguest.vmm.internal.boot.layout.LayoutPlan;
import dev.kvmguest.vmm.memory.MemoryLayout;
import dev.kvmguest.vmm.memory.MemoryLayout.Kind;
import dev.kvmguest.vmm.memory.MemoryLayout.Range;
import java.util.ArrayList;
import java.util.List;

/**
 * Looks for what is dangerously close in a layout that is possible. It warns of what the plan warns of, and of
 *
 * <ul>
 *   <li>an image or its BSS that ends less than 4 KiB before a boot table or the end of RAM: a few more variables, or a
 *       heap after it, run into that;
 *   <li>an image, its BSS or its stack in the video memory and firmware of a PC, 0xa0000-0xfffff;
 *   <li>a stack in a boot table, in what was loaded beside the image or beyond the end of RAM, and one whose bottom is
 *       less than 1 KiB above one of these: it grows into that.
 * </ul>
 *
 * <p>Stacks are known where an image has symbols for them; see {@link StackSymbols}.
 */
final class LayoutCheck {

    private static final long NEAR = 0x1000;
    private static final long STACK_MARGIN = 0x400;

    private final LayoutPlan plan;
    private final List<String> warnings = new ArrayList<>();

    private LayoutCheck(LayoutPlan plan) {
        this.plan = plan;
    }

    /** Returns the layout of these guests, which the plan has room for, and what is to be warned of. */
    static MemoryLayout of(LayoutPlan plan, List<Handover> guests) {
        LayoutCheck check = new LayoutCheck(plan);
        plan.warnings().forEach(check::warn);
        List<Range> ranges = new ArrayList<>(plan.all());
        ranges.addAll(plan.firmware());
        plan.images().forEach(check::checkImage);
        for (Handover guest : guests) {
            check.warnings.addAll(guest.warnings());
            List<Range> stacks = StackSymbols.find(guest.guest().image());
            stacks.forEach(check::checkStack);
            ranges.addAll(stacks);
        }
        ranges.addAll(plan.ends());
        return new MemoryLayout(ranges, check.warnings);
    }

    private void checkImage(Range image) {
        warnOfTableBehind(image);
        warnOfHole(image);
        long end = plan.ram().end();
        long room = end - image.end();
        if (room < NEAR && isLastBefore(end, image)) {
            warn(image + " ends " + room + " bytes before the end of RAM at " + hex(end)
                    + "; give the guest more memory");
        }
    }

    private void checkStack(Range stack) {
        warnOfHole(stack);
        if (!plan.ram().contains(stack.start(), stack.end() - stack.start())) {
            warn(stack + " ends past RAM, " + plan.ram().words() + "; give the guest more memory or move its stack");
        }
        for (Range other : plan.all()) {
            if (plan.images().contains(other)) {
                continue;
            }
            if (stack.overlaps(other)) {
                warn(stack + " overlaps " + other + "; move it");
            } else if (other.kind() != Kind.FIRMWARE
                    && stack.start() >= other.end()
                    && stack.start() - other.end() < STACK_MARGIN) {
                warn(stack + " has its bottom " + (stack.start() - other.end()) + " bytes above " + other
                        + ", into which it grows; leave more room between them");
            }
        }
    }

    private void warnOfTableBehind(Range image) {
        for (Range table : plan.tables()) {
            long room = table.start() - image.end();
            if (room >= 0 && room < NEAR && isLastBefore(table.start(), image)) {
                warn(image + " ends " + room + " bytes before " + table + "; leave more room between them");
            }
        }
    }

    private void warnOfHole(Range range) {
        if (range.overlaps(LayoutPlan.HOLE)) {
            warn(range + " lies in " + LayoutPlan.HOLE + " on a PC; move it below or to 0x100000");
        }
    }

    /**
     * Returns whether no other part of an image lies between this one and an address, so that one warning is enough.
     */
    private boolean isLastBefore(long address, Range image) {
        return plan.images().stream().noneMatch(other -> other.start() >= image.end() && other.start() < address);
    }

    private void warn(String warning) {
        warnings.add(warning);
    }
}
