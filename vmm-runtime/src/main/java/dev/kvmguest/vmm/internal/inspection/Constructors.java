package dev.kvmguest.vmm.internal.inspection;

import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.image.GuestImage.Section;
import dev.kvmguest.vmm.image.GuestImage.Segment;
import dev.kvmguest.vmm.image.GuestImage.Symbol;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * The constructors of an image's static objects: functions that a kernel has to call before it uses the objects. The
 * compiler puts their addresses into sections of their own (System V gABI, chapter 5, "Initialization and Termination
 * Functions"). A linker script may put those among others, between two symbols.
 *
 * @param tables where their addresses are
 */
public record Constructors(List<Table> tables) {

    /** No kernel has more. */
    private static final int MOST = 0x4000;
    /** What tables of GCC's {@code .ctors} begin with, in each width; 0 is what they end with. */
    private static final Set<Long> NO_POINTERS = Set.of(0xffff_ffffL, -1L);

    /** Where an ELF file says how wide its addresses are (gABI, chapter 4, "ELF Identification"). */
    private static final int ELF_CLASS = 4;

    /** How it says 64 bits. */
    private static final int ELF_CLASS_64 = 2;

    private static final Pattern SECTION = Pattern.compile("\\.(preinit_array|init_array|ctors)(\\..*)?");
    private static final String BACKWARDS = ".ctors";
    private static final Pattern BOUND = Pattern.compile("init_array|ctor|constructor");
    /** What the name of a first bound has, and the last one in its place. */
    private static final Map<String, String> ENDS = Map.of("start", "end", "begin", "end", "list", "end");

    /**
     * A table of addresses.
     *
     * @param section the section that it is, or is in; empty if the image doesn't say
     * @param bounds the symbols at its start and its end
     * @param entries the addresses, in the order in which they are to be called
     */
    public record Table(Optional<String> section, Optional<Bounds> bounds, List<Long> entries) {}

    /** The names of two symbols, between which a table is. */
    public record Bounds(String start, String end) {}

    /** A part of an image by its linear addresses. */
    private record Range(long start, long end) {}

    /** Finds out whether a guest came to its end because nothing had called its constructors. */
    @FunctionalInterface
    public interface Trial {

        /** Returns what shows that; empty unless they were never called and the end would have been another one. */
        Optional<Uncalled> uncalled(Constructors constructors);
    }

    /**
     * What a constructor that was never called would have set, so that the guest would not have come to its end.
     *
     * @param place the linear address of the first bytes that were still 0
     * @param constructor the address of the constructor
     */
    public record Uncalled(long place, long constructor) {}

    /** Finds the tables of an image; none if neither its sections nor its symbols tell. */
    public static Constructors of(GuestImage image) {
        Map<Range, Bounds> bounds = bounds(image);
        Map<Range, Bounds> others = new LinkedHashMap<>(bounds);
        List<Table> tables = new ArrayList<>();
        for (Section section : image.sections()) {
            if (SECTION.matcher(section.name()).matches()) {
                Range range = new Range(section.address(), section.address() + section.size());
                Optional<Bounds> own = bounds.entrySet().stream()
                        .filter(one -> overlap(one.getKey(), range))
                        .map(Map.Entry::getValue)
                        .findFirst();
                others.keySet().removeIf(one -> overlap(one, range));
                tables.add(new Table(Optional.of(section.name()), own, inOrder(section, entries(image, range))));
            }
        }
        others.forEach((range, names) -> tables.add(new Table(
                image.sections().stream()
                        .filter(section -> section.contains(range.start))
                        .map(Section::name)
                        .findFirst(),
                Optional.of(names),
                entries(image, range))));
        return new Constructors(
                tables.stream().filter(table -> !table.entries.isEmpty()).toList());
    }

    /** Returns the addresses of all. */
    public List<Long> entries() {
        return tables.stream()
                .flatMap(table -> table.entries.stream())
                .distinct()
                .toList();
    }

    private static boolean overlap(Range one, Range other) {
        return one.start < other.end && other.start < one.end;
    }

    /** Startup code goes through that section from its end. */
    private static List<Long> inOrder(Section section, List<Long> entries) {
        List<Long> inOrder = new ArrayList<>(entries);
        if (section.name().startsWith(BACKWARDS)) {
            Collections.reverse(inOrder);
        }
        return List.copyOf(inOrder);
    }

    /** Finds symbols whose names are those of bounds, with nothing between them but addresses of the image. */
    private static Map<Range, Bounds> bounds(GuestImage image) {
        Map<String, Symbol> byName = new LinkedHashMap<>();
        for (Symbol symbol : image.symbols()) {
            String name = symbol.name().toLowerCase(Locale.ROOT);
            if (BOUND.matcher(name).find()) {
                byName.put(name, symbol);
            }
        }
        Map<Range, Bounds> found = new LinkedHashMap<>();
        byName.forEach((name, first) -> ENDS.forEach((start, end) -> {
            Symbol last = byName.get(name.replace(start, end));
            if (last != null && isTable(image, new Range(first.address(), last.address()))) {
                found.put(new Range(first.address(), last.address()), new Bounds(first.name(), last.name()));
            }
        }));
        return found;
    }

    private static boolean isTable(GuestImage image, Range range) {
        List<Long> words = words(image, range);
        // The first one may be the number of the others, but for the 0 with which they end.
        return !words.isEmpty()
                && IntStream.range(0, words.size())
                        .allMatch(i -> isPointer(image, words.get(i))
                                || words.get(i) == 0
                                || NO_POINTERS.contains(words.get(i))
                                || i == 0 && words.get(i) < words.size());
    }

    private static List<Long> entries(GuestImage image, Range range) {
        return words(image, range).stream()
                .filter(word -> isPointer(image, word))
                .toList();
    }

    private static boolean isPointer(GuestImage image, long word) {
        return image.segments().stream().anyMatch(segment -> isIn(segment, word, 1));
    }

    /** Returns the words of a range; none if the file doesn't have all of them. */
    private static List<Long> words(GuestImage image, Range range) {
        long length = range.end - range.start;
        if (length <= 0 || length > MOST || length % pointerSize(image) != 0) {
            return List.of();
        }
        return image.segments().stream()
                .filter(segment -> isIn(segment, range.start, length))
                .findFirst()
                .map(segment -> words(
                        ByteBuffer.wrap(segment.data(), (int) (range.start - segment.virtualAddress()), (int) length),
                        pointerSize(image)))
                .orElse(List.of());
    }

    private static int pointerSize(GuestImage image) {
        boolean is64 = image.format() == GuestImage.Format.ELF64
                || image.detailsFile()
                        .filter(elf -> elf[ELF_CLASS] == ELF_CLASS_64)
                        .isPresent();
        return is64 ? Long.BYTES : Integer.BYTES;
    }

    private static List<Long> words(ByteBuffer bytes, int size) {
        bytes.order(ByteOrder.LITTLE_ENDIAN);
        return IntStream.range(0, bytes.remaining() / size)
                .mapToObj(i -> size == Long.BYTES ? bytes.getLong() : Integer.toUnsignedLong(bytes.getInt()))
                .toList();
    }

    private static boolean isIn(Segment segment, long address, long length) {
        long offset = address - segment.virtualAddress();
        return offset >= 0 && offset + length <= segment.data().length;
    }
}
