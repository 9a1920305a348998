package dev.kvmguest.vmm.bisect;

import dev.kvmguest.vmm.bisect.BisectionResult.Change;
import dev.kvmguest.vmm.bisect.BisectionResult.Method;
import dev.kvmguest.vmm.bisect.BisectionResult.Part;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.internal.bisect.ByteExchange;
import dev.kvmguest.vmm.internal.bisect.ByteExchange.ByteDifference;
import dev.kvmguest.vmm.internal.bisect.ByteExchange.Group;
import dev.kvmguest.vmm.internal.bisect.DeltaDebugging;
import dev.kvmguest.vmm.outcome.Outcome;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;

/** The bisection of two images that are laid out alike: by functions or sections, then by runs of bytes, then bytes. */
final class ByteBisection {

    private final GuestImage good;
    private final GuestImage bad;
    private final Boots boots;
    private final ImageBisection.Ends ends;
    private final ByteExchange exchange;

    ByteBisection(GuestImage good, GuestImage bad, Boots boots, ImageBisection.Ends ends) {
        this.good = good;
        this.bad = bad;
        this.boots = boots;
        this.ends = ends;
        exchange = new ByteExchange(good, bad);
    }

    BisectionResult run(long start) {
        List<Group> groups = exchange.groups();
        List<ByteDifference> all = bytes(groups);
        if (!isBad(all)) {
            throw new BisectionException("the good image " + good.name() + " with all " + all.size()
                    + " bytes of " + bad.name() + " that differ is still good, so that what makes " + bad.name()
                    + " bad isn't among what is loaded: compare how the two are booted, and their zeroed memory");
        }
        List<ByteDifference> found = bytes(minimize("functions or sections", groups, Group::bytes));
        found = bytes(minimize("runs of bytes", ByteExchange.runs(found), Group::bytes));
        found = minimize("bytes", found, List::of);
        GuestImage image = exchange.with(found);
        Outcome exchanged = boots.twice(image, "the good image with " + found.size() + " bytes of the bad one");
        Set<ByteDifference> left = new HashSet<>(found);
        boolean othersToo =
                isBad(all.stream().filter(one -> !left.contains(one)).toList());
        Fault fault = exchanged.fault().orElse(null);
        return new BisectionResult(
                good.name(),
                bad.name(),
                Method.BYTES,
                ends.criterion().words(),
                parts(found, image, exchanged),
                ends.good(),
                ends.bad(),
                exchanged,
                exchanged.fault().map(Fault::at),
                fault != null
                        && ends.bad()
                                .fault()
                                .filter(other -> other.at().eip() == fault.at().eip())
                                .isPresent(),
                fault == null ? List.of() : fault.advice(),
                othersToo,
                List.of(),
                boots.count(),
                Duration.ofNanos(System.nanoTime() - start));
    }

    private <T> List<T> minimize(String what, List<T> all, Function<T, List<ByteDifference>> bytesOf) {
        return DeltaDebugging.minimize(
                all,
                some -> isBad(some.stream()
                        .flatMap(one -> bytesOf.apply(one).stream())
                        .toList()),
                left -> boots.phase(what, left));
    }

    private boolean isBad(List<ByteDifference> bytes) {
        return !bytes.isEmpty()
                && boots.isBad(exchange.with(bytes), "the good image with " + bytes.size() + " bytes of the bad one");
    }

    private static List<ByteDifference> bytes(List<Group> groups) {
        return groups.stream().flatMap(group -> group.bytes().stream()).toList();
    }

    private List<Part> parts(List<ByteDifference> found, GuestImage image, Outcome exchanged) {
        VcpuConfig guest = boots.machine(image).vcpus().get(0);
        ByteDifferences places = new ByteDifferences(guest, good, image, exchanged);
        List<Part> parts = new ArrayList<>();
        Set<ByteDifference> wanted = new HashSet<>(found);
        for (Group group : exchange.groups()) {
            List<ByteDifference> inGroup =
                    group.bytes().stream().filter(wanted::contains).toList();
            if (!inGroup.isEmpty()) {
                long address = places.address(inGroup.get(0));
                List<Change> changes = places.changes(inGroup);
                parts.add(new Part(
                        group.name(),
                        address,
                        bad.sourceAt(address),
                        inGroup.size(),
                        inGroup.size(),
                        changes,
                        List.of()));
            }
        }
        return parts;
    }
}
