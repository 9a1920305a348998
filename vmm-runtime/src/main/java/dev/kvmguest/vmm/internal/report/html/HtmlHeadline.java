package dev.kvmguest.vmm.internal.report.html;

import dev.kvmguest.vmm.diagnosis.Diagnosis;
import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.diagnosis.GuestInstruction;
import dev.kvmguest.vmm.diagnosis.Parting;
import dev.kvmguest.vmm.diagnosis.Standstill;
import dev.kvmguest.vmm.internal.report.text.ExceptionWords;
import dev.kvmguest.vmm.internal.report.text.RunNotes;
import dev.kvmguest.vmm.outcome.GuestRun;
import dev.kvmguest.vmm.outcome.Mismatch;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.text.Notation;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

/** The top of a page: who, how, where, why, and the way out. */
public final class HtmlHeadline {

    /** As many as a check has elements. */
    private static final int MOST_MISMATCHES = 20;

    private static final int LONGEST_MISMATCH = 2000;

    private HtmlHeadline() {}

    /**
     * Writes the headline.
     *
     * @param several whether the page has several vCPUs
     * @param test the name of the test or the check, for {@code mismatches}
     * @param mismatches in what the run is not as expected
     */
    public static void write(
            HtmlWriter page, Outcome outcome, boolean several, String test, List<Mismatch> mismatches) {
        GuestRun run = outcome.run();
        page.open("header", "class", mismatches.isEmpty() ? tone(outcome) : "failed");
        if (!mismatches.isEmpty()) {
            failure(page, test, mismatches);
        }
        page.heading(1).element("b", HtmlText.name(run.guest()));
        page.text(" " + HtmlText.cut(outcome.describe(), 400) + (several ? " (vCPU " + run.vcpu() + ")" : ""));
        page.close();
        outcome.panic().ifPresent(sentence -> page.open("p", "class", "warning")
                .element("b", "Warning: ")
                .text(sentence)
                .close());
        Diagnosis diagnosis = run.diagnosis();
        diagnosis.origin().or(diagnosis::fault).ifPresent(fault -> fault(page, fault));
        if (diagnosis.fault().isEmpty()) {
            diagnosis.standstill().ifPresent(standstill -> standstill(page, standstill, run));
        }
        run.guestTest()
                .ifPresent(result -> page.element(
                        "p",
                        "In-guest test " + HtmlText.name(result.test().name()) + ", "
                                + HtmlText.name(result.test().file()) + ":"
                                + result.test().line() + ": "
                                + result.status().id()));
        advice(page, diagnosis);
        diagnosis.warnings().forEach(warning -> page.open("p", "class", "warning")
                .element("b", "Warning: ")
                .text(warning)
                .close());
        RunNotes.replayNote(outcome).ifPresent(sentence -> page.open("p", "class", "divergence")
                .element("b", "Replay: ")
                .text(sentence)
                .close());
        diagnosis.parting().flatMap(Parting::at).ifPresent(at -> parting(page, at));
        facts(page, run);
        page.close();
    }

    private static void failure(HtmlWriter page, String test, List<Mismatch> mismatches) {
        page.open("div", "class", "failure").open("p");
        page.element("b", HtmlText.name(test)).text(" failed").close();
        for (Mismatch mismatch : mismatches.subList(0, Math.min(MOST_MISMATCHES, mismatches.size()))) {
            if (mismatch.expected().isEmpty()) {
                page.element("p", HtmlText.cut(mismatch.sentence(), LONGEST_MISMATCH));
                continue;
            }
            page.open("dl");
            fact(page, "expected", HtmlText.cut(mismatch.expected(), LONGEST_MISMATCH));
            fact(page, "found", HtmlText.cut(mismatch.found(), LONGEST_MISMATCH));
            page.close();
        }
        page.close();
    }

    /** Returns the class that colours the headline of a run that nothing was expected of: how bad the end is. */
    private static String tone(Outcome outcome) {
        return switch (outcome.kind()) {
            case TRIPLE_FAULT, UNHANDLED_EXCEPTION, RESET, UNSUPPORTED, ENGINE_ERROR -> "died";
            case TIMED_OUT -> "hung";
            case HALTED -> outcome.endedNormally() ? "ended" : "hung";
            case DEBUG_EXIT, HYPERCALL_EXIT, STOPPED -> "ended";
        };
    }

    private static void fault(HtmlWriter page, Fault fault) {
        page.open("p", "class", "where").element("b", fault.first().toString());
        ExceptionWords.name(fault.first()).ifPresent(name -> page.text(" " + name));
        place(page, fault.at(), fault.registers().codeAddress(fault.at().eip()));
        page.close();
        instruction(page, fault.at());
        fault.first().cause().ifPresent(cause -> page.element("p", cause, "class", "why"));
        fault.handler().ifPresent(handler -> page.open("p", "class", "why")
                .text("Its handler ")
                .element("code", handler.symbol().map(HtmlText::name).orElse(Notation.hex(handler.eip())))
                .text(" " + fault.shutdown())
                .close());
        if (fault.handler().isPresent()) {
            return;
        }
        Optional<String> undelivered =
                fault.chain().size() > 1 ? fault.chain().get(1).cause() : Optional.of(fault.shutdown());
        undelivered.ifPresent(why -> page.element("p", "No handler took it: " + why, "class", "why"));
    }

    private static void standstill(HtmlWriter page, Standstill standstill, GuestRun run) {
        GuestInstruction at = standstill.at();
        page.open("p", "class", "where").text(standstill.samples().isEmpty() ? "It halted" : "It was last seen");
        place(
                page,
                at,
                run.registers().map(state -> state.codeAddress(at.eip())).orElse(Notation.hex(at.eip())));
        page.text(standstill.interruptsEnabled() ? ", interrupts on" : ", interrupts off")
                .close();
        instruction(page, at);
        if (!standstill.waitsFor().isEmpty()) {
            page.element("p", "It waits for " + standstill.waitsFor().get(0), "class", "why");
        }
    }

    private static void place(HtmlWriter page, GuestInstruction at, String address) {
        at.symbol().ifPresent(symbol -> page.text(" in ").element("code", HtmlText.name(symbol)));
        at.source().ifPresent(source -> page.text(at.symbol().isPresent() ? ", " : " in ")
                .element("code", HtmlText.name(source)));
        page.text(" at ").element("code", address, "class", "dim");
    }

    /** Writes the instruction with which two engines part. */
    static void parting(HtmlWriter page, GuestInstruction at) {
        page.open("p", "class", "instruction");
        text(page, at);
        place(page, at, Notation.hex(at.eip()));
        page.close();
    }

    private static void instruction(HtmlWriter page, GuestInstruction at) {
        page.open("p", "class", "instruction");
        text(page, at);
        page.close();
    }

    private static void text(HtmlWriter page, GuestInstruction at) {
        if (at.bytes().length == 0 && at.text().isEmpty()) {
            page.text("The instruction could not be fetched.");
        } else {
            page.element("code", at.text())
                    .text(" ")
                    .element("code", HexFormat.ofDelimiter(" ").formatHex(at.bytes()), "class", "dim");
        }
    }

    private static void advice(HtmlWriter page, Diagnosis diagnosis) {
        List<String> advice = Stream.concat(
                        Stream.concat(diagnosis.origin().stream(), diagnosis.fault().stream())
                                .flatMap(fault -> fault.advice().stream()),
                        diagnosis.standstill().stream().flatMap(standstill -> standstill.advice().stream()))
                .toList();
        if (!advice.isEmpty()) {
            page.open("div", "class", "advice", "role", "note")
                    .heading(2)
                    .text("Advice")
                    .close();
            advice.forEach(sentence -> page.element("p", sentence));
            page.close();
        }
    }

    private static void facts(HtmlWriter page, GuestRun run) {
        page.open("dl", "class", "facts");
        fact(page, "boot", run.boot().id());
        fact(page, "engine", run.engine());
        if (run.instructions().isPresent()) {
            fact(
                    page,
                    "instructions",
                    String.format(Locale.ROOT, "%,d", run.instructions().getAsLong()));
        }
        fact(page, "wall time", String.format(Locale.ROOT, "%.1f ms", run.wallMillis()));
        Optional.of(run.vcpu()).filter(number -> number > 0).ifPresent(number -> fact(page, "vCPU", "" + number));
        page.close();
    }

    /** Returns why the guest ran on its engine, which can take a paragraph. */
    public static HtmlSection engine(GuestRun run) {
        return new HtmlSection("Engine", page -> page.open("p")
                .element("b", run.engine())
                .text(": " + HtmlText.cut(run.engineReason(), 400))
                .close());
    }

    private static void fact(HtmlWriter page, String name, String value) {
        page.open("div").element("dt", name).element("dd", value).close();
    }
}
