package dev.kvmguest.vmm.internal.advice;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.cpu.DescriptorTable;
import dev.kvmguest.vmm.internal.x86.LongModeDescriptor;
import dev.kvmguest.vmm.internal.x86.SegmentDescriptor;
import dev.kvmguest.vmm.internal.x86.Selector;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.IntStream;

/**
 * Tells what a selector leads to and whether that fits its use (Intel SDM volume 3A, 3.4 and 3.5), for the rules that
 * look at selectors.
 */
final class Selectors {

    /** What a selector is loaded for. */
    enum Use {
        CODE("a code segment", SegmentDescriptor::isCode),
        /** Where long mode takes code of any size. */
        CODE_OF_EITHER_SIZE(
                "a code segment with L set for 64 bits or D for 32, not both",
                descriptor -> descriptor.isCode() && !(descriptor.isLong() && descriptor.default32())),
        CODE_64(
                "a 64-bit code segment (L set and D clear)",
                descriptor -> descriptor.isCode() && descriptor.isLong() && !descriptor.default32()),
        STACK("a writable data segment", SegmentDescriptor::isWritable),
        DATA("data, or code that can be read", SegmentDescriptor::isReadable),
        TASK("a TSS that isn't busy", SegmentDescriptor::isAvailableTss),
        TASK_64(
                "a 64-bit TSS, of two entries, that isn't busy",
                descriptor -> descriptor.isAvailableTss() && descriptor.isWide()),
        LOCAL_TABLE("an LDT", descriptor -> descriptor.isSystem(SegmentDescriptor.LDT));

        private final String words;
        private final Predicate<SegmentDescriptor> type;

        Use(String words, Predicate<SegmentDescriptor> type) {
            this.words = words;
            this.type = type;
        }

        /** Returns what far jumps, calls and returns take. */
        static Use ofTransfers(Evidence evidence) {
            return evidence.registers().longMode() ? CODE_OF_EITHER_SIZE : CODE;
        }

        /** Returns what the selectors of interrupt gates lead to. */
        static Use ofHandlers(Evidence evidence) {
            return evidence.registers().longMode() ? CODE_64 : CODE;
        }

        /** Returns what LTR takes. */
        static Use ofTasks(Evidence evidence) {
            return evidence.registers().longMode() ? TASK_64 : TASK;
        }

        /** Returns whether its descriptors have 16 bytes in long mode. */
        private boolean isSystem() {
            return this == TASK_64 || this == LOCAL_TABLE;
        }

        boolean takes(SegmentDescriptor descriptor) {
            return type.test(descriptor);
        }

        /** Returns what is wanted, such as {@code a code segment}. */
        String words() {
            return words;
        }
    }

    /** No GDT of a kernel has more that would help a reader. */
    private static final int ENTRIES = 16;

    private Selectors() {}

    /** Returns why a selector can't be used so, as a clause; empty if its segment is there and of a type that fits. */
    static Optional<String> unfit(Evidence evidence, int selector, Use use) {
        if (Selector.isNull(selector)) {
            return Optional.of("which is null");
        }
        DescriptorTable table = evidence.table(selector);
        if (table.limit() < 0) {
            return Optional.of("which is one into the LDT (bit 2 is set), and there is no LDT");
        }
        String name = Selector.isLocal(selector) ? "LDT" : "GDT";
        Optional<SegmentDescriptor> found = evidence.descriptor(selector);
        if (found.isEmpty()) {
            return (selector | 7) > table.limit()
                    ? Optional.of("which is beyond the " + name + "'s limit " + hex(table.limit()))
                    : Optional.of("whose entry in the " + name + " at " + hex(table.base()) + " is not in memory");
        }
        String entry = "entry " + Selector.index(selector) + " of the " + name + " at " + hex(table.base()) + " ";
        SegmentDescriptor descriptor = found.get();
        if (descriptor.raw() == 0) {
            return Optional.of("but " + entry + "is empty");
        }
        if (!use.takes(descriptor)) {
            return Optional.of("but " + entry + "is "
                    + describe(descriptor, evidence.registers().longMode()));
        }
        if (use.isSystem() && evidence.registers().longMode()) {
            Optional<String> half = upperHalf(evidence, selector, table);
            if (half.isPresent()) {
                return half;
            }
        }
        return descriptor.isPresent() ? Optional.empty() : Optional.of("but " + entry + "is not present (P is clear)");
    }

    /** Returns what is wrong with the last eight bytes of a descriptor that has sixteen. */
    private static Optional<String> upperHalf(Evidence evidence, int selector, DescriptorTable table) {
        String entry = "but entry " + (Selector.index(selector) + 1) + " of the GDT at " + hex(table.base())
                + ", which has the upper half of entry " + Selector.index(selector) + ", is ";
        int next = Selector.offset(selector) + SegmentDescriptor.BYTES;
        if (!Selector.isWithin(next, table.limit())) {
            return Optional.of(entry + "beyond the limit " + hex(table.limit()));
        }
        return evidence.descriptor(next)
                .filter(high -> (high.upperHalf() & LongModeDescriptor.TYPE_OF_HIGH) != 0)
                .map(high -> entry + describe(high, true) + " of its own");
    }

    /**
     * Returns whether a selector fits the table that the guest was entered with, while GDTR has another: such as was
     * loaded or chosen before LGDT, and is none of the guest's own.
     */
    static boolean fitsLoadersTable(Evidence evidence, int selector, Use use) {
        return !evidence.hasBootGdt()
                && !Selector.isLocal(selector)
                && evidence.loadersDescriptor(selector)
                        .filter(found -> found.isPresent() && use.takes(found))
                        .isPresent();
    }

    /** Returns the first selector of the GDT for a use in ring 0, such as {@code 0x8}; empty if there is none. */
    static Optional<Integer> first(Evidence evidence, Use use) {
        return IntStream.range(1, ENTRIES)
                .mapToObj(entry -> entry * SegmentDescriptor.BYTES)
                .filter(selector -> evidence.descriptor(selector)
                        .filter(found -> found.isPresent() && use.takes(found) && found.dpl() == 0)
                        .isPresent())
                .findFirst();
    }

    /** Returns what a descriptor is, such as {@code a writable data segment}. */
    static String describe(SegmentDescriptor descriptor, boolean longMode) {
        if (longMode && descriptor.isCode() && descriptor.isLong()) {
            return descriptor.default32() ? "a code segment with both L and D set" : "a 64-bit code segment";
        }
        if (descriptor.isCode()) {
            return (descriptor.default32() ? "a 32-bit" : "a 16-bit") + " code segment"
                    + (descriptor.isReadable() ? "" : " that can't be read");
        }
        if (descriptor.isCodeOrData()) {
            return descriptor.isWritable() ? "a writable data segment" : "a read-only data segment";
        }
        if (descriptor.isTss()) {
            String narrow = longMode && !descriptor.isWide() ? "16-bit " : "";
            return (descriptor.isAvailableTss() ? "a " : "a busy ") + narrow + "TSS";
        }
        if (descriptor.isSystem(SegmentDescriptor.LDT)) {
            return "an LDT";
        }
        boolean gate = descriptor.isCallGate()
                || descriptor.isTaskGate()
                || descriptor.isInterruptGate()
                || descriptor.isTrapGate();
        return gate ? "a gate" : "nothing that exists (access byte " + hex(descriptor.accessByte()) + ")";
    }
}
