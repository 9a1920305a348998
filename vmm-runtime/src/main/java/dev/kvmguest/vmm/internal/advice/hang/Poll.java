package dev.kvmguest.vmm.internal.advice.hang;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.internal.board.PortNames;
import dev.kvmguest.vmm.internal.inspection.LinearMemory;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;

/**
 * What a guest reads again and again.
 *
 * @param from where
 * @param width bytes
 * @param times how often
 * @param last what it read last
 * @param constant whether it read the same each time, and in memory would still do so now
 */
record Poll(Read.Source from, int width, int times, long last, boolean constant) {

    private record Place(Read.Source from, int width) {}

    /** Ports first, then memory. */
    private static final Comparator<Poll> ORDER =
            Comparator.comparingInt(poll -> poll.from() instanceof Read.Port ? 0 : 1);

    /**
     * Returns what steps read more than once, ports first.
     *
     * @param now the memory after a while, in which what somebody else changes has changed
     */
    static List<Poll> of(List<Step> steps, LinearMemory now) {
        Map<Place, List<Long>> values = new LinkedHashMap<>();
        for (Step step : steps) {
            for (Read read : step.reads()) {
                values.computeIfAbsent(new Place(read.from(), read.width()), place -> new ArrayList<>())
                        .add(read.value());
            }
        }
        return values.entrySet().stream()
                .filter(entry -> entry.getValue().size() > 1)
                .map(entry -> of(entry.getKey(), entry.getValue(), now))
                .sorted(ORDER)
                .toList();
    }

    private static Poll of(Place place, List<Long> values, LinearMemory now) {
        long last = values.get(values.size() - 1);
        boolean constant = values.stream().allMatch(value -> value == last);
        if (place.from instanceof Read.Memory memory) {
            constant &= StepReader.value(now, memory.linear(), place.width)
                    .filter(value -> value == last)
                    .isPresent();
        }
        return new Poll(place.from, place.width, values.size(), last, constant);
    }

    /** Returns the port's number, if it is a port. */
    OptionalLong port() {
        return from instanceof Read.Port port ? OptionalLong.of(port.number()) : OptionalLong.empty();
    }

    boolean isMemory() {
        return from instanceof Read.Memory;
    }

    /** Returns it in words, such as {@code port 0x3fd (COM1 line status), read 12 times, always 0x60}. */
    String sentence(GuestImage image) {
        return name(image) + ", read " + times + " times, "
                + (constant ? "always " + hex(last) : hex(last) + " at last");
    }

    /** Returns where it is in words, such as {@code ticks at 0x2004}. */
    String name(GuestImage image) {
        if (from instanceof Read.Port port) {
            return "port " + hex(port.number())
                    + PortNames.of(port.number()).map(name -> " (" + name + ")").orElse("");
        }
        if (from instanceof Read.Memory memory) {
            return image.symbolWithOffset(memory.offset())
                    .map(symbol -> symbol + " at " + hex(memory.linear()))
                    .orElse("memory at " + hex(memory.linear()));
        }
        return "address " + hex(((Read.NoRam) from).physical()) + ", where no RAM is";
    }
}
