package dev.kvmguest.vmm.internal.advice;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.cpu.DescriptorTable;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.image.GuestImage.Segment;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Operand;
import dev.kvmguest.vmm.internal.inspection.InterruptGate;
import dev.kvmguest.vmm.internal.inspection.LinearMemory;
import dev.kvmguest.vmm.internal.x86.AccessRights;
import dev.kvmguest.vmm.internal.x86.AddressPolicy;
import dev.kvmguest.vmm.internal.x86.InterruptTable;
import dev.kvmguest.vmm.internal.x86.SegmentDescriptor;
import dev.kvmguest.vmm.internal.x86.Vector;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.BiPredicate;
import java.util.stream.IntStream;

/**
 * Recognizes that LGDT or LIDT loaded something else than the limit and the base of a table (Intel SDM volume 2, LGDT):
 * the two in the wrong order, an offset for a linear address, the table itself, or bytes that a wrong segment register
 * led to; in 64-bit code, an address of four bytes where eight are read.
 *
 * <p>Silent unless the table is found where the right operand would have had it, and if the base is one of the image.
 */
final class TableOperand {

    private static final int OPERAND = 6;
    private static final int OPERAND_64 = 10;
    private static final long LOW_16 = 0xffff;
    private static final long LOW_32 = 0xffff_ffffL;
    private static final int SHIFT_TO_LINEAR = 4;
    /** Entries beyond these say nothing about whether a table is one. */
    private static final int ENTRIES = 8;

    private static final int SEGMENT = AccessRights.PRESENT | AccessRights.CODE_OR_DATA;

    private TableOperand() {}

    /** GDTR has no table, and it is known where the guest has one. */
    static Optional<String> ofLgdt(Evidence evidence) {
        DescriptorTable gdt = evidence.registers().gdt();
        return !evidence.registers().protectedMode() || evidence.hasBootGdt() || isGdt(evidence, gdt)
                ? refused(evidence, "LGDT", Mnemonic.LGDT, TableOperand::isGdt)
                : explained(evidence, "GDTR", "LGDT", gdt, Mnemonic.LGDT, TableOperand::isGdt);
    }

    /** The same for the IDT. */
    static Optional<String> ofLidt(Evidence evidence) {
        DescriptorTable idt = evidence.registers().idt();
        boolean real = idt.base() == 0 && idt.limit() == InterruptTable.REAL_MODE_LIMIT;
        if (!evidence.registers().protectedMode()
                || evidence.hasBootIdt()
                || real
                || DeliberateReset.byEmptyTable(evidence).isPresent()
                || isIdt(evidence, idt)) {
            return refused(evidence, "LIDT", Mnemonic.LIDT, TableOperand::isIdt);
        }
        return gateItself(evidence, idt)
                .or(() -> explained(evidence, "IDTR", "LIDT", idt, Mnemonic.LIDT, TableOperand::isIdt));
    }

    private static String takes(Evidence evidence) {
        return evidence.mode().is64()
                ? " takes the address of ten bytes, the table's size less 1 in two and its linear address in eight"
                : " takes the address of six bytes, the table's size less 1 in two and its linear address in four";
    }

    /** The first six bytes of a gate: half an offset, a selector, 0 and an access byte. */
    private static Optional<String> gateItself(Evidence evidence, DescriptorTable idt) {
        long access = idt.base() >>> 24 & 0xff;
        long zero = idt.base() >>> 16 & 0xff;
        long selector = idt.base() & LOW_16;
        boolean isGate =
                zero == 0 && selector != 0 && Set.of(0x8eL, 0x8fL, 0xeeL, 0xefL).contains(access);
        return isGate
                ? Optional.of("IDTR has base " + hex(idt.base()) + " and limit " + hex(idt.limit())
                        + ", which are the first " + (evidence.mode().is64() ? "ten" : "six")
                        + " bytes of a gate: LIDT was given the table itself; it" + takes(evidence))
                : Optional.empty();
    }

    private static Optional<String> explained(
            Evidence evidence,
            String register,
            String instruction,
            DescriptorTable loaded,
            Mnemonic mnemonic,
            BiPredicate<Evidence, DescriptorTable> isTable) {
        if (evidence.memory().physical(loaded.base()).stream().anyMatch(evidence::isTaken)) {
            // There may be a table, with mistakes of its own.
            return Optional.empty();
        }
        String has = register + " has base " + hex(loaded.base()) + " and limit " + hex(loaded.limit());
        return misread(evidence, has, instruction, loaded, isTable)
                .or(() -> wrongSegment(evidence, instruction, mnemonic, isTable))
                .or(() -> offset(evidence, has, loaded, isTable, instruction));
    }

    /** In 64-bit code a base that isn't canonical is refused, and neither register has it. */
    private static Optional<String> refused(
            Evidence evidence, String instruction, Mnemonic mnemonic, BiPredicate<Evidence, DescriptorTable> isTable) {
        boolean refused = evidence.mode().is64()
                && Vector.GP.is(evidence.first().vector())
                && evidence.at().is(mnemonic);
        return refused
                ? operand(evidence, evidence.at().decoded().orElseThrow().op0.linear(evidence.registers()))
                        .flatMap(loaded -> misread(
                                evidence,
                                evidence.at().inWords() + " finds base " + hex(loaded.base()) + " and limit "
                                        + hex(loaded.limit()),
                                instruction,
                                loaded,
                                isTable))
                : Optional.empty();
    }

    /** The table is where another order or width of what was loaded says. */
    private static Optional<String> misread(
            Evidence evidence,
            String has,
            String instruction,
            DescriptorTable loaded,
            BiPredicate<Evidence, DescriptorTable> isTable) {
        boolean wide = evidence.mode().is64();
        DescriptorTable swapped = wide
                ? new DescriptorTable(loaded.base() << 16 | loaded.limit(), (int) (loaded.base() >>> 48))
                : new DescriptorTable(
                        (loaded.base() & LOW_16) << 16 | loaded.limit(), (int) (loaded.base() >>> 16 & LOW_16));
        if (isTable.test(evidence, swapped)) {
            return Optional.of(has + ", which is base " + hex(swapped.base()) + " and limit " + hex(swapped.limit())
                    + " in the wrong order; " + instruction + takes(evidence) + ", the size first");
        }
        DescriptorTable narrow = new DescriptorTable(loaded.base() & LOW_32, loaded.limit());
        // An address of the upper half is one, whether or not it is mapped now.
        boolean isAddress = loaded.base() < 0 && AddressPolicy.isCanonical(loaded.base())
                || evidence.image().loadedAt(loaded.base()).isPresent();
        if (wide && !isAddress && loaded.base() >>> Integer.SIZE != 0 && isTable.test(evidence, narrow)) {
            return Optional.of(
                    has + ", and the table is at " + hex(narrow.base()) + ", the lower half of that: " + instruction
                            + " in 64-bit code" + takes(evidence) + ", and there are only four (.long for .quad)");
        }
        DescriptorTable extended = new DescriptorTable(loaded.base() | ~LOW_32, loaded.limit());
        return evidence.registers().longMode()
                        && loaded.base() >>> Integer.SIZE == 0
                        && isTable.test(evidence, extended)
                ? Optional.of(has + ", and the table is at " + hex(extended.base())
                        + ", of whose address the upper half is missing; load it with " + instruction
                        + " in 64-bit code, which" + " takes ten bytes, eight of them (.quad) for the address")
                : Optional.empty();
    }

    /** The base is an offset, and the table is that far from where the image or a segment begins. */
    private static Optional<String> offset(
            Evidence evidence,
            String has,
            DescriptorTable loaded,
            BiPredicate<Evidence, DescriptorTable> isTable,
            String instruction) {
        return starts(evidence).stream()
                .filter(start -> isTable.test(
                        evidence, new DescriptorTable(linear(evidence, loaded.base() + start), loaded.limit())))
                .findFirst()
                .map(start -> has + ", where there is no table; there is one at "
                        + hex(linear(evidence, loaded.base() + start))
                        + ", " + hex(loaded.base()) + " bytes from " + hex(start)
                        + ", where the image or its segment begins: the base is an offset, and " + instruction
                        + " takes a linear address; add the segment's base (in real mode 16 times DS), or link the"
                        + " image for the address that it is loaded at");
    }

    /** The six bytes were read beside the image, and are in it at the same offset. */
    private static Optional<String> wrongSegment(
            Evidence evidence, String instruction, Mnemonic mnemonic, BiPredicate<Evidence, DescriptorTable> isTable) {
        Optional<Executed> by = evidence.path().stream()
                .filter(executed -> executed.is(mnemonic))
                .reduce((first, second) -> second);
        // 64-bit code has no segments.
        Optional<Operand> operand = evidence.mode().is64()
                ? Optional.empty()
                : by.flatMap(Executed::decoded).map(decoded -> decoded.op0).filter(Operand::isMemory);
        if (operand.isEmpty()) {
            return Optional.empty();
        }
        long offset = operand.get().offset(evidence.registers());
        SegmentRegister segment = SegmentRegister.byNumber().get(operand.get().segment);
        return starts(evidence).stream()
                .map(start -> start + offset & LOW_32)
                .filter(address -> address != evidence.registers().linear(segment, offset))
                .filter(address -> operand(evidence, address)
                        .filter(table -> isTable.test(evidence, table))
                        .isPresent())
                .findFirst()
                .map(address -> by.get().inWords() + " read the limit and the base at "
                        + hex(evidence.registers().linear(segment, offset)) + " by " + segment
                        + ", where they are not; they are at " + hex(address) + ": load " + segment
                        + " with the segment that the image is linked for before " + instruction
                        + ", or link the image for the address that it is loaded at");
    }

    private static Optional<DescriptorTable> operand(Evidence evidence, long linear) {
        boolean wide = evidence.mode().is64();
        return evidence.memory().read(linear, wide ? OPERAND_64 : OPERAND).map(bytes -> {
            int limit = bytes[0] & 0xff | (bytes[1] & 0xff) << 8;
            LinearMemory memory = evidence.memory();
            long base = (wide ? memory.readLong(linear + 2) : memory.readInt(linear + 2)).orElse(0);
            return new DescriptorTable(base, limit);
        });
    }

    /** Returns where offsets may have been meant to begin: at an image, or at a segment of the guest's. */
    private static Set<Long> starts(Evidence evidence) {
        Set<Long> starts = new TreeSet<>();
        evidence.image().segments().stream().map(Segment::physicalAddress).forEach(starts::add);
        for (SegmentRegister register :
                evidence.mode().is64() ? List.<SegmentRegister>of() : SegmentRegister.byNumber()) {
            starts.add(evidence.registers().segment(register).base());
            // What real mode had there is seen by the selector until a descriptor is loaded.
            starts.add((long) evidence.registers().segment(register).selector() << SHIFT_TO_LINEAR);
        }
        starts.remove(0L);
        return starts;
    }

    /** Returns whether there is a table with a code segment near its start, in what is the image's or a stack's. */
    private static boolean isGdt(Evidence evidence, DescriptorTable table) {
        return isOurs(evidence, table)
                && IntStream.range(1, Math.min(ENTRIES, (table.limit() + 1) / SegmentDescriptor.BYTES))
                        .mapToObj(entry ->
                                evidence.memory().readLong(table.base() + (long) entry * SegmentDescriptor.BYTES))
                        .filter(raw -> raw.isPresent())
                        .map(raw -> new SegmentDescriptor(raw.getAsLong()))
                        .anyMatch(found -> (found.accessByte() & SEGMENT) == SEGMENT && found.isCode());
    }

    private static boolean isIdt(Evidence evidence, DescriptorTable table) {
        int bytes = InterruptGate.bytes(evidence.registers());
        return isOurs(evidence, table)
                && IntStream.range(0, (table.limit() + 1) / bytes)
                        .mapToObj(vector -> InterruptGate.at(
                                evidence.memory(),
                                table.base() + (long) vector * bytes,
                                evidence.registers().longMode()))
                        .flatMap(Optional::stream)
                        .anyMatch(gate -> gate.leadsToHandler() && evidence.isInImage(gate.offset()));
    }

    private static boolean isOurs(Evidence evidence, DescriptorTable table) {
        return table.base() != 0 && evidence.memory().isRam(table.base());
    }

    private static long linear(Evidence evidence, long sum) {
        return evidence.mode().addresses().linear(sum);
    }
}
