package dev.kvmguest.vmm.internal.bisect;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.image.GuestImage.Format;
import dev.kvmguest.vmm.image.GuestImage.Section;
import dev.kvmguest.vmm.image.GuestImage.Segment;
import dev.kvmguest.vmm.image.GuestImage.Symbol;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * Puts bytes of one image in the place of those of another one that has everything at the same addresses.
 *
 * @param good the image that gets bytes
 * @param bad the image that gives them
 */
public record ByteExchange(GuestImage good, GuestImage bad) {

    /** Differences with at most this many equal bytes between them are a run: an instruction, say. */
    private static final int SMALLEST_GAP = 4;

    /**
     * A byte that differs.
     *
     * @param segment the number of the segment, from 0
     * @param offset in the segment's bytes
     */
    public record ByteDifference(int segment, int offset) {}

    /**
     * Bytes that are exchanged together.
     *
     * @param name the function, object, section or segment that they are in
     * @param bytes in the order of their addresses
     */
    public record Group(String name, List<ByteDifference> bytes) {}

    /**
     * Returns in what the two images are laid out differently, as a clause; empty if they are laid out alike, so that
     * bytes can be exchanged.
     */
    public static Optional<String> layoutDifference(GuestImage good, GuestImage bad) {
        if (good.format() != bad.format()) {
            return Optional.of("one is an ELF file and the other a flat binary");
        }
        if (good.segments().size() != bad.segments().size()) {
            return Optional.of("one has " + good.segments().size() + " segments and the other "
                    + bad.segments().size());
        }
        for (int i = 0; i < good.segments().size(); i++) {
            Segment one = good.segments().get(i);
            Segment other = bad.segments().get(i);
            if (!where(one).equals(where(other))) {
                return Optional.of(
                        "segment " + i + " has " + where(one) + " in one and " + where(other) + " in the other");
            }
        }
        if (!good.entry().equals(bad.entry())) {
            return Optional.of("their entry points are " + hex(good.entry().orElse(0)) + " and "
                    + hex(bad.entry().orElse(0)));
        }
        return moved(good, bad);
    }

    private static String where(Segment segment) {
        return segment.data().length + " bytes at " + hex(segment.virtualAddress())
                + (segment.physicalAddress() == segment.virtualAddress()
                        ? ""
                        : " (physical " + hex(segment.physicalAddress()) + ")");
    }

    /** The same sizes may be an accident of alignment, with everything inside at other addresses. */
    private static Optional<String> moved(GuestImage good, GuestImage bad) {
        Map<String, Set<Long>> addresses = bad.symbols().stream()
                .collect(Collectors.groupingBy(
                        Symbol::name, Collectors.mapping(Symbol::address, Collectors.toCollection(TreeSet::new))));
        return good.symbols().stream()
                // Two static functions may have one name.
                .filter(symbol -> addresses.containsKey(symbol.name())
                        && !addresses.get(symbol.name()).contains(symbol.address()))
                .findFirst()
                .map(symbol -> symbol.name() + " is at " + hex(symbol.address()) + " in one and at "
                        + hex(addresses.get(symbol.name()).iterator().next()) + " in the other");
    }

    /** Returns all bytes that differ, by the function or object they are in, else by section, else by segment. */
    public List<Group> groups() {
        Map<String, List<ByteDifference>> groups = new LinkedHashMap<>();
        for (int segment = 0; segment < good.segments().size(); segment++) {
            byte[] one = good.segments().get(segment).data();
            byte[] other = bad.segments().get(segment).data();
            long start = good.segments().get(segment).virtualAddress();
            Optional<Symbol> last = Optional.empty();
            for (int i = 0; i < one.length; i++) {
                if (one[i] != other[i]) {
                    long address = start + i;
                    // A search for each byte of a large function would take long.
                    if (last.filter(symbol -> address < symbol.address() + symbol.size())
                            .isEmpty()) {
                        last = good.symbolAt(address);
                    }
                    String name = last.map(Symbol::name).orElse(sectionOf(address, segment));
                    groups.computeIfAbsent(name, group -> new ArrayList<>()).add(new ByteDifference(segment, i));
                }
            }
        }
        return groups.entrySet().stream()
                .map(group -> new Group(group.getKey(), List.copyOf(group.getValue())))
                .toList();
    }

    /** Returns bytes in runs, each with few equal bytes in it. */
    public static List<Group> runs(List<ByteDifference> bytes) {
        List<List<ByteDifference>> runs = new ArrayList<>();
        ByteDifference last = null;
        for (ByteDifference one : bytes) {
            boolean goesOn =
                    last != null && last.segment() == one.segment() && one.offset() - last.offset() <= SMALLEST_GAP;
            if (!goesOn) {
                runs.add(new ArrayList<>());
            }
            runs.get(runs.size() - 1).add(one);
            last = one;
        }
        return runs.stream().map(run -> new Group("", List.copyOf(run))).toList();
    }

    private String sectionOf(long address, int segment) {
        return good.sections().stream()
                .filter(section -> section.contains(address))
                .map(Section::name)
                .findFirst()
                .orElse("segment " + segment);
    }

    /** Returns the good image with bytes of the bad one. */
    public GuestImage with(List<ByteDifference> bytes) {
        List<Segment> segments = new ArrayList<>();
        for (int i = 0; i < good.segments().size(); i++) {
            Segment segment = good.segments().get(i);
            byte[] data = segment.data().clone();
            for (ByteDifference one : bytes) {
                if (one.segment() == i) {
                    data[one.offset()] = value(bad, one);
                }
            }
            segments.add(new Segment(segment.physicalAddress(), segment.virtualAddress(), data, segment.memorySize()));
        }
        // The file of a flat binary is what a loader looks at for a header, and is loaded itself if that says so.
        byte[] file = good.format() == Format.FLAT && good.file().length > 0
                ? segments.get(0).data()
                : good.file();
        return new GuestImage(
                good.name(),
                good.format(),
                segments,
                good.entry(),
                good.symbols(),
                file,
                good.lines(),
                good.sections());
    }

    /** Returns the byte that an image has at a place. */
    public static byte value(GuestImage image, ByteDifference place) {
        return image.segments().get(place.segment()).data()[place.offset()];
    }
}
