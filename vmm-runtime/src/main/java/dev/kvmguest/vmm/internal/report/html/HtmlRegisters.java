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
import dev.kvmguest.vmm.internal.x86.SegmentDescriptor;
import dev.kvmguest.vmm.outcome.GuestRun;
import dev.kvmguest.vmm.text.Notation;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** The registers of a vCPU, those that consist of bits also in words. */
public final class HtmlRegisters {

    private static final List<Register> GENERAL = List.of(
            Register.RAX,
            Register.RBX,
            Register.RCX,
            Register.RDX,
            Register.RSI,
            Register.RDI,
            Register.RBP,
            Register.RSP,
            Register.RIP,
            Register.RFLAGS,
            Register.CR0,
            Register.CR2,
            Register.CR3,
            Register.CR4,
            Register.EFER);

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
        page.open("dl", "class", "registers");
        for (Register register : GENERAL) {
            page.open("div").element("dt", register.name32());
            page.element("dd", String.format(Locale.ROOT, "%08x", state.get(register)))
                    .close();
        }
        page.close();
    }

    private static void bits(HtmlWriter page, CpuState state) {
        page.open("div", "class", "scroll", "tabindex", "0").open("table");
        head(page, "register", "set", "clear");
        for (RegisterBits register : RegisterBits.ALL) {
            long value = state.get(register.register());
            page.open("tr").element("th", register.register().name32(), "scope", "row");
            page.element("td", register.set(value), "class", "words")
                    .element("td", register.clear(value), "class", "words dim");
            page.close();
        }
        page.close().close().close();
    }

    private static void segments(HtmlWriter page, CpuState state) {
        page.open("div", "class", "scroll", "tabindex", "0").open("table");
        head(page, "segment", "selector", "base", "limit", "what it is");
        for (SegmentRegister register : SegmentRegister.values()) {
            SegmentState segment = state.segment(register);
            row(
                    page,
                    register.lowerCaseName(),
                    Notation.hex(segment.selector()),
                    Notation.hex(segment.base()),
                    Notation.hex(segment.limit()),
                    words(segment, state.protectedMode()));
        }
        table(page, "gdtr", state.gdt(), SegmentDescriptor.BYTES);
        table(
                page,
                "idtr",
                state.idt(),
                state.protectedMode() ? SegmentDescriptor.BYTES : InterruptTable.POINTER_BYTES);
        page.close().close().close();
    }

    private static void table(HtmlWriter page, String name, DescriptorTable table, int entryBytes) {
        row(
                page,
                name,
                "",
                Notation.hex(table.base()),
                Notation.hex(table.limit()),
                "room for " + (table.limit() + 1) / entryBytes + " entries");
    }

    private static void row(HtmlWriter page, String name, String selector, String base, String limit, String meaning) {
        page.open("tr").element("th", name, "scope", "row");
        page.element("td", selector, "class", "number").element("td", base, "class", "number");
        page.element("td", limit, "class", "number")
                .element("td", meaning, "class", "words")
                .close();
    }

    /** Begins a table with a row of headings; its body is left open. */
    static void head(HtmlWriter page, String... headings) {
        page.open("thead").open("tr");
        for (String heading : headings) {
            page.element("th", heading, "scope", "col");
        }
        page.close().close().open("tbody");
    }

    /** Returns type and rights of a segment (Intel SDM volume 3A, tables 3-1 and 3-2). */
    private static String words(SegmentState segment, boolean protectedMode) {
        if (segment.isUnusable()) {
            return "holds no segment";
        }
        String rights = (segment.present() ? "" : ", not present") + (protectedMode ? ", DPL " + segment.dpl() : "");
        if (!segment.codeOrData()) {
            return systemType(segment.type()) + rights;
        }
        boolean code = (segment.type() & 8) != 0;
        boolean directed = (segment.type() & AccessRights.EXPAND_DOWN_OR_CONFORMING) != 0;
        boolean more = (segment.type() & 2) != 0;
        return (segment.longMode() ? "64-bit " : segment.default32() ? "32-bit " : "16-bit ")
                + (code ? more ? "code, readable" : "code, not readable" : more ? "data, writable" : "data, read-only")
                + (directed ? code ? ", conforming" : ", expand-down" : "")
                + rights;
    }

    private static String systemType(int type) {
        return switch (type) {
            case 1 -> "16-bit TSS, available";
            case 2 -> "LDT";
            case 3 -> "16-bit TSS, busy";
            case 9 -> "32-bit TSS, available";
            case 11 -> "32-bit TSS, busy";
            default -> "system segment of type " + type;
        };
    }
}
