package dev.kvmguest.vmm.internal.report.html;

import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.diagnosis.Fault.Event;
import dev.kvmguest.vmm.diagnosis.GuestInstruction;
import dev.kvmguest.vmm.diagnosis.HandledException;
import dev.kvmguest.vmm.internal.report.text.ExceptionWords;
import dev.kvmguest.vmm.text.Notation;
import java.util.List;
import java.util.Optional;

/** What led to a triple fault: the exceptions as steps, and the instructions before them. */
public final class HtmlFault {

    private HtmlFault() {}

    public static HtmlSection chain(Fault fault) {
        return new HtmlSection("What happened", page -> {
            page.open("ol", "class", "steps");
            List<Event> chain = fault.chain();
            for (int i = 0; i < chain.size(); i++) {
                Event event = chain.get(i);
                Optional<String> cause = i == 0
                        ? event.cause()
                        : Optional.of(undelivered(
                                chain.get(i - 1), event.cause().orElse("its handler could not be entered")));
                step(page, event.toString(), ExceptionWords.name(event).orElse(""), cause);
                if (i == 0) {
                    raisedBy(page, fault.at());
                }
                ExceptionWords.errorCode(event)
                        .ifPresent(words -> page.element("p", "Error code: " + words, "class", "dim"));
                page.close();
            }
            Event last = chain.get(chain.size() - 1);
            boolean handled = fault.handler().isPresent();
            step(
                    page,
                    handled ? "its handler" : "shutdown",
                    "",
                    Optional.of(handled ? "It " + fault.shutdown() : undelivered(last, fault.shutdown())));
            page.close().close();
            page.element("p", "Seen by " + fault.seenBy() + ".", "class", "dim");
        });
    }

    /** Returns the exception that an end came from, and what came in its handler. */
    public static HtmlSection origin(Fault origin) {
        return new HtmlSection("What it began with", page -> {
            page.open("ol", "class", "steps");
            Event first = origin.first();
            step(page, first.toString(), ExceptionWords.name(first).orElse(""), first.cause());
            raisedBy(page, origin.at());
            ExceptionWords.errorCode(first)
                    .ifPresent(words -> page.element("p", "Error code: " + words, "class", "dim"));
            page.close();
            origin.handler().ifPresent(handler -> {
                step(
                        page,
                        "handler",
                        handler.symbol().map(HtmlText::name).orElse(Notation.hex(handler.eip())),
                        Optional.of("It " + origin.shutdown()));
                page.close();
                for (HandledException inside : handler.inside()) {
                    step(
                            page,
                            inside.exception().toString(),
                            "in the handler",
                            inside.exception().cause());
                    raisedBy(page, inside.at());
                    page.close();
                }
            });
            page.close();
            page.element("p", "Seen by " + origin.seenBy() + ".", "class", "dim");
        });
    }

    private static void raisedBy(HtmlWriter page, GuestInstruction at) {
        if (!at.text().isEmpty()) {
            page.open("p").text("at ").element("code", at.text());
            at.symbol().ifPresent(symbol -> page.text(" in ").element("code", HtmlText.name(symbol)));
            page.close();
        }
    }

    private static String undelivered(Event event, String why) {
        return event.name() + " could not be delivered: " + why;
    }

    /** Begins a step. */
    private static void step(HtmlWriter page, String event, String name, Optional<String> cause) {
        page.open("li").open("p").element("b", event).text(" " + name).close();
        cause.ifPresent(why -> page.element("p", why));
    }

    public static Optional<HtmlSection> lastInstructions(Fault fault, HtmlCode code) {
        return fault.lastInstructions().isEmpty()
                ? Optional.empty()
                : Optional.of(new HtmlSection(
                        "Last instructions",
                        page -> code.write(
                                page,
                                fault.lastInstructions(),
                                instruction -> instruction.eip() == fault.at().eip() && instruction == last(fault))));
    }

    private static Object last(Fault fault) {
        return fault.lastInstructions().get(fault.lastInstructions().size() - 1);
    }
}
