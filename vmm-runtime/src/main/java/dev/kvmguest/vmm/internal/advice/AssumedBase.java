package dev.kvmguest.vmm.internal.advice;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.image.LimineMagic;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Recognizes a Limine kernel that takes its linear addresses minus 0xffffffff80000000 for physical ones: where it is in
 * physical memory is up to the loader (The Limine Boot Protocol, base revision 6, "Executable Address Feature").
 *
 * <p>Silent unless CR3 was loaded so from an address of the image.
 */
final class AssumedBase {

    private AssumedBase() {}

    /** MOV to CR3 took a table of the image's from where it isn't. */
    static Optional<String> ofTables(Evidence evidence) {
        long assumed = evidence.memory().directory();
        long linear = assumed + LimineMagic.LOWEST_ADDRESS;
        OptionalLong loaded = evidence.image().loadedAt(linear);
        boolean isOfLoader = evidence.layout().ranges().stream()
                .anyMatch(range -> evidence.isLoadersTable(range.start()) && range.start() != assumed);
        if (loaded.isEmpty() || loaded.getAsLong() == assumed || !isOfLoader) {
            return Optional.empty();
        }
        return evidence.path().stream()
                .filter(PagingSwitch::loadsTables)
                .reduce((first, second) -> second)
                .map(
                        by -> by.inWords() + " loads " + hex(assumed) + ", which is " + hex(linear)
                                + evidence.symbol(linear) + " minus " + hex(LimineMagic.LOWEST_ADDRESS)
                                + ", while the loader put that at physical " + hex(loaded.getAsLong())
                                + "; subtract virtual_base and add physical_base of what answers an executable address request");
    }
}
