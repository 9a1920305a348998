package dev.kvmguest.vmm.internal.advice;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.cpu.DescriptorTable;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.inspection.InterruptGate;
import dev.kvmguest.vmm.internal.x86.AddressPolicy;
import dev.kvmguest.vmm.internal.x86.InterruptTable;
import dev.kvmguest.vmm.internal.x86.Selector;
import dev.kvmguest.vmm.internal.x86.Vector;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Recognizes an IDT or a gate that leads to no handler: out of reach, empty, malformed, or closed to the ring that
 * asked for it (Intel SDM volume 3A, 6.10 to 6.12).
 *
 * <p>Silent if the table was overwritten or the stack is in it: then those rules explain it.
 */
final class Gates {

    private static final String BUILD = "; fill an IDT with a gate for each vector from 0 to 31 at least, and load it"
            + " with LIDT before anything can go wrong";

    private Gates() {}

    /** The IDT ends before the gate, or isn't in memory. */
    static Optional<String> outOfReach(Evidence evidence) {
        if (DeliberateReset.byEmptyTable(evidence).isPresent()
                || TableOperand.ofLidt(evidence).isPresent()) {
            return Optional.empty();
        }
        int vector = vectors(evidence).get(0);
        DescriptorTable idt = evidence.registers().idt();
        if (!evidence.registers().protectedMode()) {
            return beyondVectors(evidence, idt);
        }
        if (evidence.hasNeverHadAnIdt()) {
            return Optional.of("there is no IDT: the boot loader leaves none, and none was loaded" + BUILD);
        }
        String gate = name(vector) + ", the gate of " + Fault.Event.name(vector);
        if (!InterruptGate.isWithinLimit(evidence.registers(), vector)) {
            int bytes = InterruptGate.bytes(evidence.registers());
            return Optional.of("IDTR's limit is " + hex(idt.limit()) + ", so that there is no " + gate
                    + behindLimit(evidence, vector) + "; LIDT takes the table's size in bytes less 1, "
                    + hex(InterruptTable.VECTORS * bytes - 1)
                    + " for 256 gates" + (evidence.registers().longMode() ? " of " + bytes + " bytes" : ""));
        }
        boolean lost = PagingSwitch.codeUnmapped(evidence).isPresent()
                || OverwrittenPages.ofCode(evidence).isPresent();
        if (!lost && !evidence.memory().isRam(evidence.gateAddress(vector))) {
            long address = evidence.gateAddress(vector);
            Optional<String> reserved = evidence.memory().reserved(address);
            return Optional.of("the IDT at " + hex(idt.base()) + " is "
                    + (evidence.memory().isMapped(address)
                            ? "where no RAM is"
                            : reserved.map(why -> "not usable, since " + why)
                                    .orElse("not mapped by the page tables in CR3"))
                    + ", so that nothing finds " + gate + "; "
                    + (reserved.isPresent() ? "clear them" : whereToFind(evidence, idt.base())));
        }
        return Optional.empty();
    }

    /** In real mode exceptions have no error code that names the vector which INT n asked for. */
    private static Optional<String> beyondVectors(Evidence evidence, DescriptorTable table) {
        int vector = evidence.at()
                .decoded()
                .filter(at -> at.mnemonic == Mnemonic.INT)
                .map(at -> (int) at.op0.value)
                .orElse(evidence.first().vector());
        return vector * InterruptTable.POINTER_BYTES + InterruptTable.POINTER_BYTES - 1 > table.limit()
                ? Optional.of("IDTR's limit is " + hex(table.limit()) + ", so that there is no IVT[" + vector
                        + "], the vector of " + Fault.Event.name(vector)
                        + "; real mode has IDTR's base 0 and limit 0x3ff, for 256 vectors of 4 bytes")
                : Optional.empty();
    }

    private static String whereToFind(Evidence evidence, long base) {
        OptionalLong loaded = evidence.image().loadedAt(base);
        return loaded.isPresent()
                ? "the linker put it there, but it was loaded at physical " + hex(loaded.getAsLong())
                        + ", which LIDT takes as long as paging is off"
                : "LIDT takes a linear address, that must stay mapped";
    }

    /** Returns how many gates there are, if the table goes on beyond the limit as it should. */
    private static String behindLimit(Evidence evidence, int vector) {
        int gates = 0;
        while (gates < InterruptTable.VECTORS && leadsToCode(evidence, gates)) {
            gates++;
        }
        return gates > vector ? ", though the table in memory goes on up to " + name(gates - 1) : "";
    }

    private static boolean leadsToCode(Evidence evidence, int vector) {
        return evidence.gate(vector).filter(gate -> leadsToCode(evidence, gate)).isPresent();
    }

    /** Returns whether a gate is within the limit and in RAM, and not empty. */
    static boolean isThere(Evidence evidence, int vector) {
        return !isEmpty(evidence, vector);
    }

    /** There are no gates. */
    static Optional<String> missing(Evidence evidence) {
        List<Integer> vectors = vectors(evidence);
        if (!isReadable(evidence, vectors.get(0))
                || Overwritten.any(evidence)
                || vectors.stream().anyMatch(vector -> !isEmpty(evidence, vector))) {
            return Optional.empty();
        }
        DescriptorTable idt = evidence.registers().idt();
        String handlers = vectors.stream().map(Fault.Event::name).collect(Collectors.joining(", "));
        if (evidence.hasBootIdt()) {
            return Optional.of("IDTR is still the boot table's at " + hex(idt.base()) + ", which has no gate for "
                    + handlers + BUILD);
        }
        if (idt.base() == 0 && idt.limit() == InterruptTable.REAL_MODE_LIMIT) {
            return Optional.of(
                    "IDTR is still that of real mode, base 0 and limit 0x3ff, without gates for protected mode"
                            + BUILD);
        }
        long gates = IntStream.range(0, InterruptGate.count(evidence.registers()))
                .filter(vector -> !isEmpty(evidence, vector))
                .count();
        return Optional.of(
                gates == 0
                        ? "the IDT at " + hex(idt.base()) + " is all zero" + BUILD
                        : "the IDT at " + hex(idt.base()) + " has " + gates + (gates == 1 ? " gate" : " gates")
                                + ", but none for " + handlers
                                + "; give every exception a handler, if only one that says which it was");
    }

    /** INT n is used in a ring that the gate doesn't let in. */
    static Optional<String> forbidden(Evidence evidence) {
        int error = evidence.first().errorCode().orElse(0);
        int vector = vectors(evidence).get(0);
        boolean byInt = Vector.GP.is(evidence.first().vector())
                && (error & Selector.IN_IDT) != 0
                && (error & Selector.EXTERNAL) == 0
                && isReadable(evidence, vector)
                && !isEmpty(evidence, vector);
        return byInt
                ? evidence.gate(vector)
                        .filter(gate -> gate.dpl() < evidence.cpl())
                        .map(gate -> evidence.at().inWords() + " is not allowed in ring " + evidence.cpl() + ", since "
                                + name(vector) + " has DPL " + gate.dpl()
                                + "; give a gate that ring 3 may use the access byte 0xee")
                : Optional.empty();
    }

    /** A gate is there and leads to nothing. */
    static Optional<String> malformed(Evidence evidence) {
        if (Overwritten.any(evidence)
                || StackPointer.isInsideIdt(evidence)
                || TableOperand.ofLgdt(evidence).isPresent()
                || TableOperand.ofLidt(evidence).isPresent()
                || GateTarget.any(evidence).isPresent()
                || GateSize.ofProtectedMode(evidence).isPresent()) {
            return Optional.empty();
        }
        return vectors(evidence).stream()
                .filter(vector -> isReadable(evidence, vector) && !isEmpty(evidence, vector))
                .map(vector -> malformed(evidence, vector))
                .flatMap(Optional::stream)
                .findFirst();
    }

    private static Optional<String> malformed(Evidence evidence, int vector) {
        InterruptGate gate = evidence.gate(vector).orElseThrow();
        Optional<String> wrong = fault(evidence, gate);
        String where = name(vector) + " at " + hex(evidence.gateAddress(vector)) + " ";
        return wrong.map(words -> where + swapped(evidence, gate).orElse(words));
    }

    /** Returns what keeps a gate from leading to a code segment. */
    private static Optional<String> fault(Evidence evidence, InterruptGate gate) {
        int selector = gate.selector();
        String remedy = "0x8e makes it a " + (gate.longMode() ? "64" : "32") + "-bit interrupt gate";
        String access = "has the access byte " + hex(gate.accessByte());
        if (!gate.isInterruptGate() && !gate.isTrapGate()) {
            return gate.isTaskGate()
                    ? Optional.empty()
                    : Optional.of(
                            access + ", which is no gate" + (gate.longMode() ? " of long mode" : "") + "; " + remedy);
        }
        if (!gate.isPresent()) {
            return Optional.of(access + ", in which P (bit 7) is clear; " + remedy);
        }
        Selectors.Use use = Selectors.Use.ofHandlers(evidence);
        Optional<String> segment = Selectors.unfit(evidence, selector, use);
        if (segment.isEmpty() && !AddressPolicy.isCanonical(gate.offset())) {
            return Optional.of("leads to " + hex(gate.offset())
                    + ", which is not canonical; put the upper half of the handler's address into bytes 8 to 11");
        }
        return segment.map(words -> "has the selector " + hex(selector) + ", " + words + "; "
                + ofTable(evidence, selector)
                        .orElse("bytes 2 and 3 of a gate take the selector of " + use.words()
                                + ofRunningCode(evidence, use)));
    }

    private static String ofRunningCode(Evidence evidence, Selectors.Use use) {
        int running = evidence.registers().segment(SegmentRegister.CS).selector();
        return evidence.cpl() == 0 && Selectors.unfit(evidence, running, use).isEmpty()
                ? ", such as " + hex(running) + ", which CS has"
                : "";
    }

    /** Returns what to do where the gate's selector is right by itself, and the GDT is not the one that it is for. */
    private static Optional<String> ofTable(Evidence evidence, int selector) {
        if (Selectors.fitsLoadersTable(evidence, selector, Selectors.Use.CODE)) {
            return Optional.of(
                    hex(selector) + " is a selector of the boot loader's GDT: give gates the code selector of"
                            + " the GDT that LGDT has loaded");
        }
        int running = evidence.registers().segment(SegmentRegister.CS).selector();
        return Selector.offset(selector) == Selector.offset(running)
                ? Optional.of(
                        "CS holds that selector too, and works only because it was loaded before the GDT was what it"
                                + " is now: look at what LGDT loaded, and at what wrote to the table")
                : Optional.empty();
    }

    private static Optional<String> swapped(Evidence evidence, InterruptGate gate) {
        long raw = gate.raw();
        long low = raw & 0xffff;
        long second = raw >>> 16 & 0xffff;
        long access = raw >>> 32 & 0xffff;
        long high = raw >>> 48;
        if (leadsToCode(evidence, gate.withLow(high << 48 | access << 32 | low << 16 | second))) {
            return Optional.of(swapped(low, second | high << 16 | gate.high() << 32, "the lower half of the offset"));
        }
        long exchanged = (access & 0xff) << 8 | access >> 8;
        if (leadsToCode(evidence, gate.withLow(high << 48 | exchanged << 32 | second << 16 | low))) {
            return Optional.of("has " + hex(access & 0xff) + " in byte 4 and " + hex(access >> 8)
                    + " in byte 5, the wrong way round; byte 4 of a gate is 0, and byte 5 the access byte");
        }
        if (leadsToCode(evidence, gate.withLow(second << 48 | access << 32 | high << 16 | low))) {
            return Optional.of(swapped(high, low | second << 16 | gate.high() << 32, "the upper half of the offset"));
        }
        return Optional.empty();
    }

    private static String swapped(long selector, long offset, String half) {
        return "has its selector " + hex(selector) + " and " + half + " swapped, and would lead to "
                + hex(offset) + " otherwise; bytes 0 and 1 take the offset's lower half, 2 and 3 the selector, 6 and 7"
                + " the offset's upper half";
    }

    private static boolean leadsToCode(Evidence evidence, InterruptGate gate) {
        return !gate.isTaskGate() && fault(evidence, gate).isEmpty() && evidence.isInImage(gate.offset());
    }

    /** Returns whether an IDT entry is within the limit and in RAM. */
    static boolean isReadable(Evidence evidence, int vector) {
        return evidence.registers().protectedMode()
                && InterruptGate.isWithinLimit(evidence.registers(), vector)
                && evidence.memory().isRam(evidence.gateAddress(vector));
    }

    private static boolean isEmpty(Evidence evidence, int vector) {
        return !isReadable(evidence, vector)
                || evidence.gate(vector).stream()
                        .allMatch(gate -> gate.raw() == 0 || evidence.isInterruptVectors(gate.raw()));
    }

    /** Returns the vectors whose handlers could not be entered, in the order of the attempts. */
    static List<Integer> vectors(Evidence evidence) {
        Set<Integer> vectors = new LinkedHashSet<>();
        askedFor(evidence).ifPresent(vectors::add);
        for (Fault.Event event : evidence.fault().chain()) {
            int error = event.errorCode().orElse(0);
            boolean ofSelector = Vector.GP.is(event.vector()) || Vector.NP.is(event.vector());
            if (ofSelector && (error & Selector.IN_IDT) != 0) {
                vectors.add(Selector.index(error) & 0xff);
            }
            vectors.add(event.vector());
        }
        return new ArrayList<>(vectors);
    }

    /** Returns the vector of INT3 or INT n, if what was raised is about the selector that its gate has. */
    private static Optional<Integer> askedFor(Evidence evidence) {
        int error = evidence.first().errorCode().orElse(0);
        boolean ofSelector = (Vector.GP.is(evidence.first().vector())
                        || Vector.NP.is(evidence.first().vector()))
                && (error & Selector.IN_IDT) == 0;
        return evidence.at()
                .decoded()
                .filter(at -> ofSelector && (at.mnemonic == Mnemonic.INT3 || at.mnemonic == Mnemonic.INT))
                .map(at -> at.mnemonic == Mnemonic.INT3 ? Vector.BP.number() : (int) at.op0.value)
                .filter(vector -> isReadable(evidence, vector)
                        && evidence.gate(vector)
                                .filter(gate -> Selector.offset(gate.selector()) == Selector.offset(error)
                                        && gate.selector() != 0)
                                .isPresent());
    }

    private static String name(int vector) {
        return "IDT[" + vector + "]";
    }
}
