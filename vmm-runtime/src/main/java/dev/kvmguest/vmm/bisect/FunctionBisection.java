package dev.kvmguest.vmm.bisect;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.bisect.BisectionResult.Change;
import dev.kvmguest.vmm.bisect.BisectionResult.Method;
import dev.kvmguest.vmm.bisect.BisectionResult.Part;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.diagnosis.GuestInstruction;
import dev.kvmguest.vmm.diagnosis.Inspection;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.image.GuestImage.Format;
import dev.kvmguest.vmm.image.GuestImage.Symbol;
import dev.kvmguest.vmm.internal.bisect.DeltaDebugging;
import dev.kvmguest.vmm.internal.bisect.FunctionExchange;
import dev.kvmguest.vmm.internal.emulator.decode.CodeReader;
import dev.kvmguest.vmm.internal.x86.CpuMode;
import dev.kvmguest.vmm.memory.RamMap;
import dev.kvmguest.vmm.outcome.Outcome;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** The bisection of two images that are not laid out alike, by functions. */
final class FunctionBisection {

    /** How often functions are given up that can't be moved, before it is said that none can. */
    private static final int MOST_ATTEMPTS = 8;

    private final GuestImage good;
    private final GuestImage bad;
    private final Boots boots;
    private final ImageBisection.Ends ends;
    private final String moved;
    private final Map<String, String> refused = new LinkedHashMap<>();

    /** @param moved in what the layouts differ, as a clause */
    FunctionBisection(GuestImage good, GuestImage bad, Boots boots, ImageBisection.Ends ends, String moved) {
        this.good = good;
        this.bad = bad;
        this.boots = boots;
        this.ends = ends;
        this.moved = moved;
    }

    BisectionResult run(long start) {
        requireFunctions();
        List<String> differing = FunctionExchange.differing(bad, good);
        FunctionExchange exchange = exchange(differing);
        List<String> all = exchange.names().stream()
                .filter(name -> !refused.containsKey(name))
                .toList();
        boots.phase("functions", all.size());
        if (all.isEmpty() || !isBad(exchange, all)) {
            throw new BisectionException("the good image " + good.name() + " with the " + all.size() + " functions of "
                    + bad.name() + " that differ and can be exchanged is still good; what makes " + bad.name()
                    + " bad is in its data, in code without a function's symbol, or in a function that can't be"
                    + " exchanged" + listed());
        }
        List<String> found = suspects(all)
                .filter(name -> isBad(exchange, List.of(name)))
                .findFirst()
                .map(List::of)
                .orElseGet(() -> DeltaDebugging.minimize(
                        all, some -> isBad(exchange, some), left -> boots.phase("functions", left)));
        boots.phase("functions", found.size());
        requireNotByMoving(exchange, found);
        List<Change> changes = found.size() == 1 ? changes(exchange, found.get(0)) : List.of();
        Outcome exchanged = boots.twice(exchange.with(found), "the good image with " + found + " of the bad one");
        List<String> rest = all.stream().filter(name -> !found.contains(name)).toList();
        boolean othersToo = !rest.isEmpty() && isBad(exchange, rest);
        Optional<GuestInstruction> instruction = exchanged.fault().map(fault -> shown(exchange, found, fault));
        Optional<Fault> badFault = ends.bad().fault();
        boolean same = instruction.isPresent()
                && badFault.filter(
                                fault -> fault.at().eip() == instruction.get().eip())
                        .isPresent();
        return new BisectionResult(
                good.name(),
                bad.name(),
                Method.FUNCTIONS,
                ends.criterion().words(),
                found.stream().map(name -> part(exchange, name, changes)).toList(),
                ends.good(),
                ends.bad(),
                exchanged,
                instruction,
                same,
                // The bad image's own advice has its own addresses.
                (same ? badFault : exchanged.fault()).map(Fault::advice).orElse(List.of()),
                othersToo,
                refusals(),
                boots.count(),
                Duration.ofNanos(System.nanoTime() - start));
    }

    private void requireFunctions() {
        boolean otherCode = boots.machine(good).vcpus().get(0).boot() == BootMode.REAL
                || Stream.of(good, bad).anyMatch(image -> image.format() == Format.ELF64);
        GuestImage without = hasFunctions(good) ? bad : good;
        if (otherCode || !hasFunctions(good) || !hasFunctions(bad)) {
            throw new BisectionException("nothing of " + bad.name()
                    + " can be exchanged: it is laid out otherwise than "
                    + good.name() + " (" + moved + "), so that bytes at equal addresses have nothing to do with each"
                    + " other, and "
                    + (otherCode
                            ? "functions can be exchanged in 32-bit code only"
                            : without.name() + " has no symbols of functions with a size")
                    + "; name ELF files that aren't stripped, or build the two so that all keeps its address, such as by"
                    + " -falign-functions=4096, or by -ffunction-sections and a linker script with an address for each"
                    + " section");
        }
    }

    private static boolean hasFunctions(GuestImage image) {
        return image.symbols().stream().anyMatch(symbol -> !symbol.object() && symbol.size() > 0);
    }

    /**
     * Finds a place in memory from which functions work as well as from their own: the good image has to end as it does
     * with copies of its own functions.
     */
    private FunctionExchange exchange(List<String> names) {
        List<Long> places = places();
        for (int attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
            List<String> left =
                    names.stream().filter(name -> !refused.containsKey(name)).toList();
            for (long place : places) {
                FunctionExchange exchange = new FunctionExchange(bad, good, place, left);
                FunctionExchange control = new FunctionExchange(good, good, place, exchange.names());
                boots.phase(
                        "copies of functions at " + hex(place), control.names().size());
                if (isUnharmed(control, control.names())) {
                    refused.putAll(exchange.refusals());
                    return exchange;
                }
            }
            FunctionExchange control = new FunctionExchange(good, good, places.get(0), left);
            DeltaDebugging.minimize(
                            control.names(),
                            some -> !isUnharmed(control, some),
                            count -> boots.phase("functions that can't be moved", count))
                    .forEach(name -> refused.put(
                            name,
                            "a copy of " + good.name() + "'s own, elsewhere in memory, changes the" + " result too"));
        }
        throw new BisectionException("copies of functions don't work as the functions do, in " + good.name()
                + " itself, wherever in memory they are" + listed());
    }

    /** Returns linear addresses at which memory may be free: after the image, below 640 KiB, high in RAM. */
    private List<Long> places() {
        VcpuConfig guest = boots.machine(good).vcpus().get(0);
        List<Long> places =
                FreePlaces.of(good, guest, new RamMap(boots.machine(good).memorySize()), size());
        if (places.isEmpty()) {
            throw new BisectionException("there is no free memory for copies of functions, " + size()
                    + " bytes; give the guest more memory");
        }
        return places;
    }

    private long size() {
        return new FunctionExchange(bad, good, 0, List.of()).size()
                + new FunctionExchange(good, good, 0, List.of()).size();
    }

    private boolean isUnharmed(FunctionExchange control, List<String> names) {
        if (names.isEmpty()) {
            return true;
        }
        try {
            Outcome outcome = boots.boot(control.with(names));
            return !ends.criterion().isBad(outcome) && Criterion.sameEnd(outcome, ends.good());
        } catch (IllegalArgumentException | VmmException e) {
            // The place is taken by what the boot mode puts there, or there is no RAM.
            return false;
        }
    }

    private boolean isBad(FunctionExchange exchange, List<String> names) {
        return !names.isEmpty()
                && boots.isBad(
                        exchange.with(names), "the good image with " + names.size() + " functions of the bad one");
    }

    /** Returns the functions at which the bad image died and from which it came there: likely it is one of them. */
    private Stream<String> suspects(List<String> all) {
        Stream<Long> died = ends.bad().fault().map(fault -> fault.at().eip()).stream();
        Stream<Long> callers = ends.bad().run().diagnosis().inspection().stream()
                .flatMap(inspection -> inspection.callChain().stream())
                .map(Inspection.Frame::eip);
        return Stream.concat(died, callers)
                .flatMap(address -> bad.symbolAt(address).stream())
                .map(Symbol::name)
                .distinct()
                .filter(all::contains);
    }

    /** The good image's own functions, copied likewise, must not flip the result. */
    private void requireNotByMoving(FunctionExchange exchange, List<String> found) {
        FunctionExchange control = new FunctionExchange(good, good, exchange.place(), found);
        if (!isUnharmed(control, control.names())) {
            throw new BisectionException(
                    "copies of " + good.name() + "'s own " + found + ", elsewhere in memory, change"
                            + " the result too, so that nothing can be said of " + bad.name() + "'s");
        }
    }

    /** Narrows a function down whose code takes the same place in both builds. */
    private List<Change> changes(FunctionExchange exchange, String name) {
        Optional<Map<Long, Byte>> bytes = exchange.bytesInPlace(name);
        if (bytes.isEmpty() || !isBadWith(exchange, List.copyOf(bytes.get().keySet()), bytes.get())) {
            return List.of();
        }
        List<Long> found = DeltaDebugging.minimize(
                List.copyOf(bytes.get().keySet()),
                some -> isBadWith(exchange, some, bytes.get()),
                left -> boots.phase("bytes of " + name, left));
        GuestImage changed = exchange.with(List.of(), only(found, bytes.get()));
        VcpuConfig guest = boots.machine(good).vcpus().get(0);
        Outcome run = boots.boot(changed);
        return new ByteDifferences(guest, good, changed, run).changesAt(found);
    }

    private boolean isBadWith(FunctionExchange exchange, List<Long> addresses, Map<Long, Byte> bytes) {
        return boots.isBad(
                exchange.with(List.of(), only(addresses, bytes)),
                "the good image with " + addresses.size() + " bytes of the bad one");
    }

    private static Map<Long, Byte> only(List<Long> addresses, Map<Long, Byte> bytes) {
        Map<Long, Byte> some = new LinkedHashMap<>();
        addresses.forEach(address -> some.put(address, bytes.get(address)));
        return some;
    }

    /** Returns where it died as an instruction of the bad image, if it was in a copy of one of its functions. */
    private GuestInstruction shown(FunctionExchange exchange, List<String> found, Fault fault) {
        Optional<Long> origin = exchange.origin(found, fault.at().eip());
        if (origin.isEmpty()) {
            return fault.at();
        }
        long address = origin.get();
        return CodeReader.read(exchange.giverBytes(address), address, CpuMode.PROTECTED32)
                .orElse(fault.at())
                .namedBy(bad);
    }

    private Part part(FunctionExchange exchange, String name, List<Change> changes) {
        Symbol from = function(bad, name);
        List<String> carried = new ArrayList<>(exchange.carriedWith(List.of(name)));
        return new Part(
                name,
                from.address(),
                bad.sourceAt(from.address()),
                (int) from.size(),
                (int) function(good, name).size(),
                changes,
                carried);
    }

    private static Symbol function(GuestImage image, String name) {
        return image.symbols().stream()
                .filter(symbol -> symbol.name().equals(name) && !symbol.object() && symbol.size() > 0)
                .findFirst()
                .orElseThrow();
    }

    private String listed() {
        return refused.isEmpty() ? "" : "\n" + BisectionReport.refusals(refusals());
    }

    private List<String> refusals() {
        return refused.entrySet().stream()
                .map(entry -> entry.getKey() + ": " + entry.getValue())
                .toList();
    }
}
