package dev.kvmguest.vmm.internal.advice;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.cpu.DescriptorTable;
import dev.kvmguest.vmm.internal.x86.SegmentDescriptor;
import dev.kvmguest.vmm.internal.x86.Selector;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * Tells what a selector leads to and whether that fits its use (Intel SDM volume 3A, 3.4 and 3.5), for the rules that
 * look at selectors.
 */
final class Selectors {

    /** What a selector is loaded for. */
    enum Use {
        CODE("a code segment", SegmentDescriptor::isCode),
        STACK("a writable data segment", SegmentDescriptor::isWritable),
        DATA("data, or code that can be read", SegmentDescriptor::isReadable),
        TASK("a TSS that isn't busy", SegmentDescriptor::isAvailableTss),
        LOCAL_TABLE("an LDT", descriptor -> descriptor.isSystem(SegmentDescriptor.LDT));

        private final String words;
        private final Predicate<SegmentDescriptor> type;

        Use(String words, Predicate<SegmentDescriptor> type) {
            this.words = words;
            this.type = type;
        }

        boolean takes(SegmentDescriptor descriptor) {
            return type.test(descriptor);
        }

        /** Returns what is wanted, such as {@code a code segment}. */
        String words() {
            return words;
        }
    }

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
            return Optional.of("but " + entry + "is " + describe(descriptor));
        }
        return descriptor.isPresent() ? Optional.empty() : Optional.of("but " + entry + "is not present (P is clear)");
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

    /** Returns what a descriptor is, such as {@code a writable data segment}. */
    static String describe(SegmentDescriptor descriptor) {
        if (descriptor.isCode()) {
            return (descriptor.default32() ? "a 32-bit" : "a 16-bit") + " code segment"
                    + (descriptor.isReadable() ? "" : " that can't be read");
        }
        if (descriptor.isCodeOrData()) {
            return descriptor.isWritable() ? "a writable data segment" : "a read-only data segment";
        }
        if (descriptor.isTss()) {
            return descriptor.isAvailableTss() ? "a TSS" : "a busy TSS";
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
