package dev.kvmguest.vmm.internal.boot.limine;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.image.ElfLayout;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.image.LimineMagic;
import dev.kvmguest.vmm.internal.boot.limine.LimineExecutable.Loaded;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * The base revision that a kernel asks for, and its requests: between its markers if it has some, as a list in its
 * section {@code .limine_reqs} by base revision 0, else anywhere on boundaries of 8 bytes. As with Limine's own loader
 * the markers count by each base revision, and the last start marker does.
 *
 * <p>Source: The Limine Boot Protocol, base revision 6, "Requests Delimiters", "Limine Requests Section" and "Base
 * Revisions"; {@code limine_load} of its own loader.
 */
final class LimineRequests {

    /** The newest base revision that is known here. */
    static final int NEWEST = 6;

    private static final String SECTION = ".limine_reqs";
    private static final int MOST = 128;
    private static final int ID_SIZE = 32;
    private static final int REVISION = 32;
    private static final int RESPONSE = 40;

    /**
     * A request.
     *
     * @param address its linear address
     * @param feature what is asked for; empty if the protocol doesn't have it
     * @param name the same in words
     */
    record Request(long address, Optional<LimineFeature> feature, String name) {

        /** Returns the linear address of the pointer to its response. */
        long response() {
            return address + RESPONSE;
        }
    }

    private final LimineExecutable executable;
    private OptionalLong tag = OptionalLong.empty();
    private long wanted;
    private final List<Request> found = new ArrayList<>();
    private final List<Request> ignored = new ArrayList<>();
    private final Map<LimineFeature, Request> byFeature = new LinkedHashMap<>();

    /**
     * Looks for them.
     *
     * @throws IllegalArgumentException if there are two base revision tags, or two requests with one ID, or more than
     *     128 requests
     */
    LimineRequests(LimineExecutable executable, GuestImage image) {
        this.executable = executable;
        List<Mark> all = marks();
        List<Mark> marks = afterStart(beforeEnd(all));
        marks.stream()
                .filter(mark -> mark.magic() == LimineMagic.BASE_REVISION)
                .forEach(mark -> readBaseRevision(mark.linear()));
        Optional<GuestImage.Section> section = image.sections().stream()
                .filter(candidate -> candidate.name().equals(SECTION))
                .findFirst();
        if (baseRevision() == 0 && section.isPresent()) {
            readList(section.get());
        } else {
            marks.stream().filter(mark -> mark.magic() == LimineMagic.REQUEST).forEach(mark -> executable
                    .bytes(mark.linear(), ID_SIZE)
                    .ifPresent(id -> add(request(id, mark.linear()), true)));
            all.stream()
                    .filter(mark -> mark.magic() == LimineMagic.REQUEST && !marks.contains(mark))
                    .forEach(mark -> executable
                            .bytes(mark.linear(), ID_SIZE)
                            .ifPresent(id -> ignored.add(request(id, mark.linear()))));
        }
        for (Request request : found) {
            request.feature()
                    .filter(feature ->
                            executable.bytes(request.address(), feature.size()).isPresent())
                    .ifPresent(feature -> byFeature.putIfAbsent(feature, request));
        }
    }

    /** A magic number of the protocol, and its linear address. */
    private record Mark(LimineMagic magic, long linear) {}

    private List<Mark> marks() {
        List<Mark> marks = new ArrayList<>();
        for (Loaded segment : executable.segments()) {
            ByteBuffer bytes = ElfLayout.buffer(segment.data());
            int first = (int) (-segment.address() & Long.BYTES - 1);
            for (int at = first; at + 2 * Long.BYTES <= segment.data().length; at += Long.BYTES) {
                Optional<LimineMagic> magic = LimineMagic.at(bytes, at);
                if (magic.isPresent()) {
                    marks.add(new Mark(magic.get(), segment.address() + at));
                }
            }
        }
        return marks;
    }

    private static List<Mark> beforeEnd(List<Mark> marks) {
        return marks.stream()
                .takeWhile(mark -> mark.magic() != LimineMagic.END_MARKER)
                .toList();
    }

    private static List<Mark> afterStart(List<Mark> marks) {
        int start = marks.size();
        while (start > 0 && marks.get(start - 1).magic() != LimineMagic.START_MARKER) {
            start--;
        }
        return marks.subList(start, marks.size());
    }

    private void readBaseRevision(long linear) {
        Optional<ByteBuffer> bytes = executable.bytes(linear, 3 * Long.BYTES);
        if (bytes.isEmpty()) {
            return;
        }
        if (tag.isPresent()) {
            throw executable.refusal("has two base revision tags of the Limine boot protocol, at "
                    + hex(tag.getAsLong()) + " and " + hex(linear) + "; leave one out");
        }
        tag = OptionalLong.of(linear);
        wanted = bytes.get().getLong(2 * Long.BYTES);
    }

    private static Request request(ByteBuffer id, long linear) {
        long low = id.getLong(2 * Long.BYTES);
        long high = id.getLong(3 * Long.BYTES);
        Optional<LimineFeature> feature = LimineFeature.of(low, high);
        return new Request(
                linear, feature, feature.map(LimineFeature::words).orElseGet(() -> hex(low) + " " + hex(high)));
    }

    private void add(Request request, boolean onlyOnce) {
        if (found.size() == MOST) {
            throw executable.refusal("has more than " + MOST + " Limine requests, as many as Limine takes");
        }
        Optional<Request> other = found.stream()
                .filter(candidate -> candidate.name().equals(request.name()))
                .findFirst();
        if (onlyOnce && other.isPresent()) {
            throw executable.refusal("has two Limine requests for one feature, " + request.name() + ", at "
                    + hex(other.get().address()) + " and " + hex(request.address()) + "; leave one out");
        }
        found.add(request);
    }

    private void readList(GuestImage.Section section) {
        for (long at = section.address(); at + Long.BYTES - section.address() <= section.size(); at += Long.BYTES) {
            long pointer =
                    executable.bytes(at, Long.BYTES).map(ByteBuffer::getLong).orElse(0L);
            if (pointer == 0) {
                return;
            }
            ByteBuffer id = executable
                    .bytes(pointer, ID_SIZE)
                    .filter(bytes -> pointer % Long.BYTES == 0)
                    .orElseThrow(() -> executable.refusal("has the entry " + hex(pointer) + " in its section " + SECTION
                            + ", where no request of it can be; each is the address of one, and 0 ends the list"));
            add(request(id, pointer), false);
        }
    }

    /** Returns the linear address of the base revision tag, if there is one. */
    OptionalLong tag() {
        return tag;
    }

    /** Returns the base revision that the kernel asks for, unsigned; 0 without a tag. */
    long wanted() {
        return wanted;
    }

    /** Returns the base revision that it is loaded by. */
    int baseRevision() {
        return isSupported() ? (int) wanted : NEWEST;
    }

    /** Returns whether the base revision that the kernel asks for is known. */
    boolean isSupported() {
        return Long.compareUnsigned(wanted, NEWEST) <= 0;
    }

    /** Returns all requests, in their order. */
    List<Request> all() {
        return found;
    }

    /** Returns those that are not between the kernel's markers, and so are none. */
    List<Request> ignored() {
        return ignored;
    }

    /** Returns the request for a feature, if there is one. */
    Optional<Request> of(LimineFeature feature) {
        return Optional.ofNullable(byFeature.get(feature));
    }

    /** Returns the revision of a request, unsigned. */
    long revision(Request request) {
        return executable
                .bytes(request.address() + REVISION, Long.BYTES)
                .map(ByteBuffer::getLong)
                .orElse(0L);
    }

    /** Returns the 64 bits after the pointer to a request's response, or those after that. */
    OptionalLong argument(Request request, int number) {
        return executable.bytes(request.address() + RESPONSE + (1L + number) * Long.BYTES, Long.BYTES).stream()
                .mapToLong(ByteBuffer::getLong)
                .findFirst();
    }
}
