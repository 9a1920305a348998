package dev.kvmguest.vmm.internal.report.html;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.DescriptorTable;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.internal.report.text.RunNotes;
import dev.kvmguest.vmm.internal.x86.AccessRights;
import dev.kvmguest.vmm.internal.x86.InterruptTable;
import dev.kvmguest.vmm.internal.x86.LongModeDescriptor;
import dev.kvmguest.vmm.internal.x86.SegmentDescriptor;
import dev.kvmguest.vmm.outcome.GuestRun;
import dev.kvmguest.vmm.text.Notation;
import java.util.Locale;
import java.util.Optional;

/** The registers of a vCPU, those that consist of bits also in words. */
public final class HtmlRegisters {

    /** Of the general registers only these outside long mode. */
    private static final Register LAST_GENERAL_32 = Register.RSP;

    private HtmlRegisters() {}

    /** Returns the registers at the first exception or, of a guest that didn't triple-fault, those at the end. */
    public static Optional<CpuState> state(GuestRun run) {
        return run.fault().map(Fault::registers).or(run::registers);
    }

    public static Optional<HtmlSection> section(GuestRun run) {
        return state(run)
                .map(state -> new HtmlSection("Registers", page -> {
                    page.element("p", origin(run), "class", "dim");
                    general(page, state);
                    bits(page, state);
                    segments(page, state);
                }));
    }

    private static String origin(GuestRun run) {
        return run.fault()
                .map(fault -> "As the first exception found them, seen by " + fault.seenBy() + "."
                        + (run.registers().isPresent() ? "" : " " + RunNotes.resetNote(run.engine()) + "."))
                .orElse("At the end of the run.");
    }

    private static void general(HtmlWriter page, CpuState state) {
        page.open("dl", "class", state.longMode() ? "registers wide" : "registers");
        String format = state.longMode() ? "%016x" : "%08x";
        for (Register register : Register.values()) {
            boolean shown = state.longMode() || !register.isGeneral() || register.compareTo(LAST_GENERAL_32) <= 0;
            if (shown) {
                page.open("div").element("dt", state.nameOf(register));
                page.element("dd", String.format(Locale.ROOT, format, state.get(register)))
                        .close();
            }
        }
        page.close();
    }

    private static void bits(HtmlWriter page, CpuState state) {
        HtmlTable table = HtmlTable.begin(page, "register", "set", "clear");
        for (RegisterBits register : RegisterBits.ALL) {
            long value = state.get(register.register());
            if (register.register() != Register.EFER || value != 0) {
                table.row(null)
                        .head(state.nameOf(register.register()))
                        .cell(register.set(value), "words")
                        .cell(register.clear(value), "words dim");
            }
        }
        table.end();
    }

    private static void segments(HtmlWriter page, CpuState state) {
        HtmlTable table = HtmlTable.begin(page, "segment", "selector", "base", "limit", "what it is");
        for (SegmentRegister register : SegmentRegister.values()) {
            SegmentState segment = state.segment(register);
            row(
                    table,
                    register.lowerCaseName(),
                    Notation.hex(segment.selector()),
                    Notation.hex(segment.base()),
                    Notation.hex(segment.limit()),
                    words(segment, state));
        }
        descriptors(table, "gdtr", state.gdt(), SegmentDescriptor.BYTES);
        descriptors(table, "idtr", state.idt(), gateBytes(state));
        table.end();
    }

    private static int gateBytes(CpuState state) {
        if (state.longMode()) {
            return LongModeDescriptor.BYTES;
        }
        return state.protectedMode() ? SegmentDescriptor.BYTES : InterruptTable.POINTER_BYTES;
    }

    private static void descriptors(HtmlTable table, String name, DescriptorTable register, int entryBytes) {
        row(
                table,
                name,
                "",
                Notation.hex(register.base()),
                Notation.hex(register.limit()),
                "room for " + (register.limit() + 1) / entryBytes + " entries");
    }

    private static void row(HtmlTable table, String name, String selector, String base, String limit, String meaning) {
        table.row(null).head(name).number(selector).number(base).number(limit).cell(meaning, "words");
    }

    /** Returns type and rights of a segment (Intel SDM volume 3A, tables 3-1 and 3-2). */
    private static String words(SegmentState segment, CpuState state) {
        if (segment.isUnusable()) {
            return "holds no segment";
        }
        String rights =
                (segment.present() ? "" : ", not present") + (state.protectedMode() ? ", DPL " + segment.dpl() : "");
        if (!segment.codeOrData()) {
            return systemType(segment.type(), state.longMode()) + rights;
        }
        boolean code = (segment.type() & 8) != 0;
        boolean directed = (segment.type() & AccessRights.EXPAND_DOWN_OR_CONFORMING) != 0;
        boolean more = (segment.type() & 2) != 0;
        return (segment.longMode() ? "64-bit " : segment.default32() ? "32-bit " : "16-bit ")
                + (code ? more ? "code, readable" : "code, not readable" : more ? "data, writable" : "data, read-only")
                + (directed ? code ? ", conforming" : ", expand-down" : "")
                + rights;
    }

    private static String systemType(int type, boolean longMode) {
        String wide = longMode ? "64-bit" : "32-bit";
        return switch (type) {
            case 1 -> "16-bit TSS, available";
            case 2 -> "LDT";
            case 3 -> "16-bit TSS, busy";
            case 9 -> wide + " TSS, available";
            case 11 -> wide + " TSS, busy";
            default -> "system segment of type " + type;
        };
    }
}
