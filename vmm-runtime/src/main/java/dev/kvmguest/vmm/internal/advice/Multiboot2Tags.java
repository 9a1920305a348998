package dev.kvmguest.vmm.internal.advice;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.internal.boot.multiboot2.Multiboot2Handover;
import dev.kvmguest.vmm.internal.inspection.LinearMemory;
import dev.kvmguest.vmm.memory.MemoryLayout.Kind;
import dev.kvmguest.vmm.memory.MemoryLayout.Range;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.stream.IntStream;

/**
 * Recognizes a Multiboot 2 kernel that reads its boot information wrongly: as that of Multiboot 1, or without going
 * from a tag to the next multiple of 8 (Multiboot2 Specification version 2.0, 3.4, "Boot information format"; Multiboot
 * Specification version 0.6.96, 3.3).
 *
 * <p>Silent unless one of the last instructions reads a field that only Multiboot 1 has, by a register that points to
 * the information, or what is left free between two tags. With paging off none of that raises an exception.
 */
final class Multiboot2Tags {

    private static final int FIRST = 8;
    private static final int HEAD = 8;
    private static final int ALIGNMENT = 8;
    private static final int END = 0;

    /** Fields of Multiboot 1's information that are no part of the head of Multiboot 2's or of a first tag's. */
    private static final Map<Integer, String> FIELDS_OF_1 = Map.of(
            16, "cmdline",
            20, "mods_count",
            24, "mods_addr",
            44, "mmap_length",
            48, "mmap_addr",
            64, "boot_loader_name",
            88, "framebuffer_addr");

    private Multiboot2Tags() {}

    /** A field of Multiboot 1 was read. */
    static Optional<String> ofMultiboot1(Evidence evidence) {
        return firstRead(evidence, (by, read) -> information(evidence)
                .filter(range -> read.registers().size() == 1
                        && evidence.registers().get(read.registers().get(0)) == range.start()
                        && read.linear() == range.start() + read.displacement()
                        && FIELDS_OF_1.containsKey((int) read.displacement()))
                .map(range -> by.inWords() + " reads " + hex(read.linear()) + ", where Multiboot 1 has "
                        + FIELDS_OF_1.get((int) read.displacement()) + ", and this is Multiboot 2's information at "
                        + hex(range.start()) + ", as EAX said at entry (0x36d76289): from offset 8 on it has tags; look"
                        + " for the one that has what is wanted, or give the kernel a Multiboot 1 header"));
    }

    /** What was taken for a tag begins where the tag before it ends, amid what is left free. */
    static Optional<String> notRounded(Evidence evidence) {
        return firstRead(evidence, (by, read) -> information(evidence)
                .flatMap(range -> tagThatEndsAt(evidence, range, read.linear())
                        .map(tag -> by.inWords() + " reads " + hex(read.linear()) + ", where no tag of the Multiboot 2"
                                + " information is: there ends the one at " + hex(tag) + ", of "
                                + (read.linear() - tag) + " bytes, and the next begins at "
                                + hex(read.linear() + ALIGNMENT - 1 & -ALIGNMENT)
                                + "; go on by the tag's size, rounded up to a multiple of 8: (size + 7) & ~7")));
    }

    private static Optional<Range> information(Evidence evidence) {
        return evidence.layout().ranges().stream()
                .filter(range ->
                        range.kind() == Kind.BOOT_INFORMATION && range.name().equals(Multiboot2Handover.INFORMATION))
                .findFirst();
    }

    /** Returns what is said of the last instruction of which anything is, by what it reads as registers are now. */
    private static Optional<String> firstRead(
            Evidence evidence, BiFunction<Executed, MemoryUse, Optional<String>> said) {
        int last = evidence.path().size() - 1;
        return IntStream.rangeClosed(0, last)
                .mapToObj(i -> evidence.path().get(last - i))
                .flatMap(by -> by.decoded().stream()
                        .flatMap(decoded -> MemoryUse.of(decoded, evidence.registers()).stream())
                        .filter(read -> !read.registers().contains(Register.RSP))
                        .flatMap(read -> said.apply(by, read).stream()))
                .findFirst();
    }

    /** Returns where a tag is that ends at an address, and whose successor doesn't begin there. */
    private static Optional<Long> tagThatEndsAt(Evidence evidence, Range information, long address) {
        LinearMemory memory = evidence.memory().withoutPaging();
        long at = information.start() + FIRST;
        while (at + HEAD <= information.end() && address > at) {
            long size = memory.readInt(at + 4).orElse(0);
            if (memory.readInt(at).orElse(END) == END || size < HEAD) {
                break;
            }
            if (at + size == address && address % ALIGNMENT != 0) {
                return Optional.of(at);
            }
            at += size + ALIGNMENT - 1 & -ALIGNMENT;
        }
        return Optional.empty();
    }
}
