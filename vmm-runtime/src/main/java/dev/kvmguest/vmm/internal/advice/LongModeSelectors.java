package dev.kvmguest.vmm.internal.advice;

import dev.kvmguest.vmm.internal.x86.SegmentDescriptor;

/** Says what a descriptor is where code may be of 64 bits (Intel SDM volume 3A, 3.4.5 and 5.2.1). */
final class LongModeSelectors {

    private LongModeSelectors() {}

    /** Returns what a descriptor is, such as {@code a 64-bit code segment of ring 0}. */
    static String describe(SegmentDescriptor descriptor) {
        if (descriptor.raw() == 0) {
            return "an empty entry";
        }
        if (!descriptor.isPresent()) {
            return "an entry that is not present (P is clear)";
        }
        String kind = Selectors.describe(descriptor, true);
        return kind + (descriptor.isCodeOrData() ? " of ring " + descriptor.dpl() : "");
    }
}
