package dev.kvmguest.vmm.internal.advice;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.cpu.DescriptorTable;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.internal.advice.Selectors.Use;
import dev.kvmguest.vmm.internal.inspection.InterruptGate;
import dev.kvmguest.vmm.internal.inspection.LastChange.Change;
import dev.kvmguest.vmm.internal.x86.AccessRights;
import dev.kvmguest.vmm.internal.x86.SegmentDescriptor;
import dev.kvmguest.vmm.internal.x86.Selector;
import dev.kvmguest.vmm.internal.x86.Vector;
import dev.kvmguest.vmm.memory.MemoryLayout.Kind;
import dev.kvmguest.vmm.memory.MemoryLayout.Range;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Predicate;

/**
 * Recognizes that an entry of the GDT or IDT was overwritten.
 *
 * <p>It takes a replay to find out who did it. So the rule doesn't ask unless what is broken was whole when the guest
 * started, or lies where the guest clears, pushes or loads. It is silent unless the entry was whole before the last
 * change, or the last change was a push.
 */
final class Overwritten {

    private static final int SELECTOR = 2;

    /** P and S: a segment, and present. */
    private static final int SEGMENT = AccessRights.PRESENT | AccessRights.CODE_OR_DATA;
    /** P, S and the type but for its width and whether it clears IF, which together make a gate to a handler. */
    private static final int GATE_BITS = 0x96;

    private static final int GATE = 0x86;

    /** What the processor sets by itself: that a segment was accessed, or a TSS is busy. */
    private static final int SET_BY_THE_PROCESSOR = AccessRights.ACCESSED | SegmentDescriptor.TSS_BUSY;

    private Overwritten() {}

    /**
     * Returns whether a descriptor table was overwritten, so that what its entries lack is nobody's mistake in making
     * them.
     */
    static boolean any(Evidence evidence) {
        return gdt(evidence).isPresent() || idt(evidence).isPresent();
    }

    /** A segment that is needed was in the GDT, and is not any more. */
    static Optional<String> gdt(Evidence evidence) {
        if (!evidence.registers().protectedMode() || GateTarget.any(evidence).isPresent()) {
            return Optional.empty();
        }
        DescriptorTable gdt = evidence.registers().gdt();
        return selectors(evidence).stream()
                .filter(selector -> Selector.isWithin(selector, gdt.limit()))
                .map(selector -> new Part(
                        Kind.GDT,
                        "entry " + Selector.index(selector) + " of the GDT at " + hex(gdt.base()),
                        gdt,
                        gdt.base() + selector + SegmentDescriptor.ACCESS_BYTE,
                        1,
                        bytes -> (bytes[0] & SEGMENT) == SEGMENT))
                .filter(part -> !isSound(evidence, part))
                .findFirst()
                .flatMap(part -> overwritten(evidence, part, evidence.hasBootGdt()));
    }

    /**
     * Returns the selectors into the GDT that were needed in the end, and of the boot's the running code's, as offsets.
     */
    private static Set<Integer> selectors(Evidence evidence) {
        Set<Integer> selectors = new LinkedHashSet<>();
        for (Fault.Event event : evidence.fault().chain()) {
            int error = event.errorCode().orElse(0);
            if (Vector.hasSelector(event.vector()) && (error & (Selector.IN_IDT | Selector.IN_LDT)) == 0) {
                selectors.add(Selector.offset(error));
            }
        }
        for (int vector : Gates.vectors(evidence)) {
            evidence.gate(vector)
                    .filter(gate -> Gates.isThere(evidence, vector) && (gate.accessByte() & GATE_BITS) == GATE)
                    .map(InterruptGate::selector)
                    .filter(selector -> !Selector.isLocal(selector))
                    .ifPresent(selector -> selectors.add(Selector.offset(selector)));
        }
        if (evidence.hasBootGdt()) {
            selectors.add(Selector.offset(
                    evidence.registers().segment(SegmentRegister.CS).selector()));
        }
        selectors.remove(0);
        return selectors;
    }

    /** A gate that is needed was in the IDT, and is not any more. */
    static Optional<String> idt(Evidence evidence) {
        if (GateTarget.any(evidence).isPresent()) {
            return Optional.empty();
        }
        DescriptorTable idt = evidence.registers().idt();
        return Gates.vectors(evidence).stream()
                .filter(vector -> Gates.isReadable(evidence, vector))
                .map(vector -> gatePart(evidence, idt, vector))
                .filter(part -> !isSound(evidence, part))
                // One with something in it tells more than one that may never have been made.
                .min(Comparator.comparing(part -> isEmpty(evidence, part)))
                .flatMap(part -> overwritten(evidence, part, false));
    }

    /** Returns what is most telling of a gate: its access byte, or its selector if that one is as it should be. */
    private static Part gatePart(Evidence evidence, DescriptorTable idt, int vector) {
        String name = "IDT[" + vector + "] at " + hex(evidence.gateAddress(vector));
        long gate = evidence.gateAddress(vector);
        boolean isGate = evidence.gate(vector)
                .filter(descriptor -> (descriptor.accessByte() & GATE_BITS) == GATE)
                .isPresent();
        return isGate
                ? new Part(Kind.IDT, name, idt, gate + SELECTOR, 2, bytes -> Selectors.unfit(
                                evidence, (bytes[0] & 0xff) | (bytes[1] & 0xff) << 8, Use.ofHandlers(evidence))
                        .isEmpty())
                : new Part(
                        Kind.IDT,
                        name,
                        idt,
                        gate + SegmentDescriptor.ACCESS_BYTE,
                        1,
                        bytes -> (bytes[0] & GATE_BITS) == GATE);
    }

    /**
     * A part of a table.
     *
     * @param kind what table it is
     * @param name the entry that it is a part of, in words
     * @param table the whole table
     * @param linear its linear address
     * @param length its bytes
     * @param sound says whether bytes are what belongs there
     */
    private record Part(
            Kind kind, String name, DescriptorTable table, long linear, int length, Predicate<byte[]> sound) {

        int entryBytes(Evidence evidence) {
            return kind == Kind.IDT ? InterruptGate.bytes(evidence.registers()) : SegmentDescriptor.BYTES;
        }
    }

    /** Returns whether a part of a table is as it should be, or can't be read. */
    private static boolean isSound(Evidence evidence, Part part) {
        return evidence.memory()
                .read(part.linear(), part.length())
                .filter(part.sound().negate())
                .isEmpty();
    }

    private static boolean isEmpty(Evidence evidence, Part part) {
        return evidence.memory()
                .readLong(part.linear() - (part.linear() - part.table().base()) % part.entryBytes(evidence))
                .equals(OptionalLong.of(0));
    }

    private static Optional<String> overwritten(Evidence evidence, Part part, boolean soundAtStart) {
        long address = evidence.memory().physical(part.linear()).orElseThrow();
        byte[] now = evidence.memory().read(part.linear(), part.length()).orElseThrow();
        boolean wasSound = soundAtStart
                || evidence.image()
                        .original(address, part.length())
                        .filter(part.sound())
                        .isPresent();
        boolean suspected = wasSound
                || evidence.isTaken(address)
                || stackIsNear(evidence, part.table())
                || evidence.hasBootGdt() && gdt(evidence).isPresent();
        if (!suspected) {
            return Optional.empty();
        }
        long start = address - (part.linear() - part.table().base());
        Range table = new Range(
                part.kind(),
                (part.kind() == Kind.GDT ? "the GDT" : "the IDT"),
                start,
                start + part.table().limit() + 1);
        return evidence.changes()
                .in(new Range(part.kind(), part.name(), address, address + part.length()))
                .filter(change -> part.kind() != Kind.GDT || !isOnlyMarked(before(now, change, address), now))
                .filter(change -> wasSound
                        || part.sound().test(before(now, change, address))
                        || OverwriteReport.isPush(evidence, change.by()))
                .map(change -> OverwriteReport.sentence(evidence, part.name(), table, change));
    }

    /**
     * Returns whether an access byte only got the bits that the processor sets itself: that it was accessed, or is
     * busy.
     */
    private static boolean isOnlyMarked(byte[] before, byte[] now) {
        return before[0] != now[0] && (before[0] | now[0] & SET_BY_THE_PROCESSOR) == now[0];
    }

    /** Returns bytes as they were before a change. */
    private static byte[] before(byte[] now, Change change, long address) {
        byte[] bytes = now.clone();
        for (int i = 0; i < change.before().length; i++) {
            long index = change.address() + i - address;
            if (index >= 0 && index < bytes.length) {
                bytes[(int) index] = change.before()[i];
            }
        }
        return bytes;
    }

    /** Returns whether ESP is in a table or not far below it, where it comes to by going through the table. */
    private static boolean stackIsNear(Evidence evidence, DescriptorTable table) {
        long esp = evidence.stackPointer();
        long above = table.base() + table.limit() - esp;
        // 0 is where ESP is at entry, and no stack.
        return esp != 0 && above >= 0 && above < StackPointer.NEAR;
    }
}
