package dev.kvmguest.vmm.diagnosis;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.text.Notation;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * An exception that a guest died of: why no handler took it and the ones that followed from it, so that the guest shut
 * down; or what became of its handler, if it had one.
 *
 * @param at the instruction that raised the first exception, or before which an interrupt came
 * @param chain the exceptions in the order in which they arose, at least one; the last is usually #DF
 * @param shutdown why the handler of the last one could not be entered, in words; if it was, what became of
 *     it, to follow "its handler" in a sentence
 * @param lastInstructions the instructions executed last, the oldest first; the last one is {@code at} if it raised the
 *     exception; if the guest ran through zeros, which are instructions too, only the beginning and the end of that run
 * @param registers the registers as the first exception found them, except for CR2
 * @param seenBy how this is known, to follow "seen by" in a sentence
 * @param advice what is likely wrong and the way out, as sentences; empty if nothing is certain
 * @param handler the handler that took the exception; empty if none did
 */
public record Fault(
        GuestInstruction at,
        List<Event> chain,
        String shutdown,
        List<GuestInstruction> lastInstructions,
        CpuState registers,
        String seenBy,
        List<String> advice,
        Optional<Handler> handler) {

    /** The most exceptions inside a handler that are told. */
    public static final int MOST_INSIDE = 8;

    /**
     * A handler that took an exception.
     *
     * @param eip its first instruction, as an offset in its code segment
     * @param symbol its name, if the image says
     * @param times how often the same exception has been taken at the same instruction
     * @param rounds how often in a row the exception was raised again as soon as the handler had returned; 1 if it
     *     wasn't
     * @param inside the exceptions that came while it ran, each in the handler of the one before, the first
     *     {@value Fault#MOST_INSIDE}
     */
    public record Handler(long eip, Optional<String> symbol, long times, int rounds, List<HandledException> inside) {

        public Handler {
            inside = List.copyOf(inside);
        }

        /** Returns a copy with the image's names. */
        public Handler namedBy(GuestImage image) {
            return new Handler(
                    eip,
                    image.symbolWithOffset(eip),
                    times,
                    rounds,
                    inside.stream().map(one -> one.namedBy(image)).toList());
        }
    }

    /**
     * An exception or an interrupt.
     *
     * @param vector 0 to 255
     * @param errorCode the error code pushed for the handler, if the exception has one
     * @param cr2 the linear address of a page fault
     * @param cause which check failed, in words, such as {@code IDT[6] at 0x558 is empty}; empty if the exception's
     *     name says it all
     * @param interrupt whether a device raised it; then it is not an exception, whatever its vector
     */
    public record Event(
            int vector, OptionalInt errorCode, OptionalLong cr2, Optional<String> cause, boolean interrupt) {

        private static final int VECTORS = 256;

        private static final List<String> NAMES = List.of(
                "#DE",
                "#DB",
                "NMI",
                "#BP",
                "#OF",
                "#BR",
                "#UD",
                "#NM",
                "#DF",
                "vector 9",
                "#TS",
                "#NP",
                "#SS",
                "#GP",
                "#PF",
                "vector 15",
                "#MF",
                "#AC",
                "#MC",
                "#XM");

        /** Creates an exception. */
        public Event(int vector, OptionalInt errorCode, OptionalLong cr2, Optional<String> cause) {
            this(vector, errorCode, cr2, cause, false);
        }

        /** Returns the exception as the Intel SDM writes it, such as {@code #GP}, or {@code interrupt 32}. */
        public String name() {
            return interrupt ? "interrupt " + vector : name(vector);
        }

        /** Returns the name of an exception by its vector, such as {@code #GP}, or {@code vector 32}. */
        public static String name(int vector) {
            return vector < NAMES.size() ? NAMES.get(vector) : "vector " + vector;
        }

        /**
         * Returns the vector of a {@link #name()}, in upper or lower case.
         *
         * @throws IllegalArgumentException if no exception has this name; the message lists the names
         */
        public static int parseVector(String name) {
            for (int vector = 0; vector < VECTORS; vector++) {
                if (name(vector).equalsIgnoreCase(name.trim())) {
                    return vector;
                }
            }
            throw new IllegalArgumentException("exception \"" + name + "\" is unknown; use one of "
                    + String.join(", ", NAMES) + ", or vector 20 to vector 255");
        }

        /** Returns the name with the error code and the address, such as {@code #PF(0x2) at 0x1234}. */
        @Override
        public String toString() {
            return name()
                    + (errorCode.isPresent() ? "(" + Notation.hex(errorCode.getAsInt()) + ")" : "")
                    + (cr2.isPresent() ? " at " + Notation.hex(cr2.getAsLong()) : "");
        }
    }

    public Fault {
        if (chain.isEmpty()) {
            throw new IllegalArgumentException("a fault needs the exception with which it began");
        }
        chain = List.copyOf(chain);
        lastInstructions = List.copyOf(lastInstructions);
        advice = List.copyOf(advice);
    }

    /** Creates one that no handler took. */
    public Fault(
            GuestInstruction at,
            List<Event> chain,
            String shutdown,
            List<GuestInstruction> lastInstructions,
            CpuState registers,
            String seenBy,
            List<String> advice) {
        this(at, chain, shutdown, lastInstructions, registers, seenBy, advice, Optional.empty());
    }

    /** Returns a copy with the image's names for its instructions. */
    public Fault namedBy(GuestImage image) {
        return new Fault(
                at.namedBy(image),
                chain,
                shutdown,
                lastInstructions.stream()
                        .map(instruction -> instruction.namedBy(image))
                        .toList(),
                registers,
                seenBy,
                advice,
                handler.map(taker -> taker.namedBy(image)));
    }

    /** Returns a copy with advice. */
    public Fault withAdvice(List<String> sentences) {
        return new Fault(at, chain, shutdown, lastInstructions, registers, seenBy, sentences, handler);
    }

    /** Returns a copy that was seen by something else. */
    public Fault seenBy(String observer) {
        return new Fault(at, chain, shutdown, lastInstructions, registers, observer, advice, handler);
    }

    /** Returns the exception that began it. */
    public Event first() {
        return chain.get(0);
    }
}
