package dev.kvmguest.vmm.internal.bisect;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.image.GuestImage.Section;
import dev.kvmguest.vmm.image.GuestImage.Segment;
import dev.kvmguest.vmm.image.GuestImage.Symbol;
import dev.kvmguest.vmm.internal.emulator.decode.CodeReader;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.x86.CpuMode;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;

/** An image as its linker made it: bytes by linear addresses, functions, and other symbols. */
final class LinkedImage {

    private static final String CONSTANTS = ".rodata";

    private final GuestImage image;
    private final NavigableMap<Long, MovableFunction> functions = new TreeMap<>();
    private final Map<String, MovableFunction> functionsByName = new LinkedHashMap<>();
    private final NavigableMap<Long, List<Symbol>> others = new TreeMap<>();
    private final Map<String, Symbol> othersByName = new LinkedHashMap<>();
    private final List<Section> constants;

    LinkedImage(GuestImage image) {
        this.image = image;
        constants = readConstants();
        for (Symbol symbol : image.symbols()) {
            boolean isFunction = !symbol.object()
                    && symbol.size() > 0
                    && read(symbol.address(), symbol.size()).isPresent();
            if (isFunction) {
                functions.put(symbol.address(), functionOf(symbol));
            } else {
                others.computeIfAbsent(symbol.address(), address -> new ArrayList<>())
                        .add(symbol);
            }
        }
        functions.values().forEach(function -> functionsByName.merge(function.name(), function, (a, b) -> AMBIGUOUS));
        others.values()
                .forEach(list ->
                        list.forEach(symbol -> othersByName.merge(symbol.name(), symbol, (a, b) -> AMBIGUOUS_SYMBOL)));
        functionsByName.values().removeIf(function -> function == AMBIGUOUS);
        othersByName.values().removeIf(symbol -> symbol == AMBIGUOUS_SYMBOL);
    }

    private static final MovableFunction AMBIGUOUS = new MovableFunction("", -1, 0, true, List.of(), Optional.empty());
    private static final Symbol AMBIGUOUS_SYMBOL = new Symbol("", -1, 0);

    private MovableFunction functionOf(Symbol symbol) {
        List<Instruction> code = new ArrayList<>();
        long at = symbol.address();
        long end = symbol.address() + symbol.size();
        Optional<String> unreadable = Optional.empty();
        while (at < end && unreadable.isEmpty()) {
            byte[] bytes = read(at, Math.min(CodeReader.LONGEST, end - at)).orElseThrow();
            Optional<Instruction> instruction = CodeReader.decode(bytes, at, CpuMode.PROTECTED32);
            if (instruction.isEmpty()) {
                unreadable = Optional.of("its bytes at " + hex(at) + " are no instruction that is known here");
            } else {
                code.add(instruction.get());
                at += instruction.get().length;
            }
        }
        return new MovableFunction(
                symbol.name(), symbol.address(), symbol.size(), symbol.local(), List.copyOf(code), unreadable);
    }

    GuestImage image() {
        return image;
    }

    /** Returns the functions in the order of their addresses. */
    List<MovableFunction> functions() {
        return List.copyOf(functions.values());
    }

    /** Returns the function of a name; empty if there is none, or more than one. */
    Optional<MovableFunction> function(String name) {
        return Optional.ofNullable(functionsByName.get(name));
    }

    /** Returns the function that an address is in. */
    Optional<MovableFunction> functionAt(long address) {
        return Optional.ofNullable(functions.floorEntry(address))
                .map(Map.Entry::getValue)
                .filter(function -> function.contains(address));
    }

    /** Returns the symbol of this name that is no function; empty if there is none, or more than one. */
    Optional<Symbol> other(String name) {
        return Optional.ofNullable(othersByName.get(name));
    }

    /** Returns the symbols at an address that are no functions. */
    List<Symbol> othersAt(long address) {
        return others.getOrDefault(address, List.of());
    }

    /** Returns the last symbols at or before an address that are no functions. */
    List<Symbol> othersUpTo(long address) {
        return Optional.ofNullable(others.floorEntry(address))
                .map(Map.Entry::getValue)
                .orElse(List.of());
    }

    /** Returns the symbols after an address that are no functions, in the order of their addresses. */
    Stream<Symbol> othersAfter(long address) {
        return others.tailMap(address, false).values().stream().flatMap(List::stream);
    }

    /** Returns bytes that the file holds; empty unless it holds all of them, in one segment. */
    Optional<byte[]> read(long address, long length) {
        for (Segment segment : image.segments()) {
            long from = address - segment.virtualAddress();
            if (from >= 0 && from + length <= segment.data().length) {
                return Optional.of(Arrays.copyOfRange(segment.data(), (int) from, (int) (from + length)));
            }
        }
        return Optional.empty();
    }

    /** Returns a word that the file holds, as an unsigned number. */
    Optional<Long> word(long address) {
        return read(address, Integer.BYTES)
                .map(bytes -> Integer.toUnsignedLong(
                        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getInt()));
    }

    /** Returns the segment that an address is in, its zeroed part and the address just past it included. */
    Optional<Segment> segmentAt(long address) {
        return image.segments().stream()
                .filter(segment -> address >= segment.virtualAddress()
                        && address <= segment.virtualAddress() + segment.memorySize())
                .findFirst();
    }

    /** Returns the segment that is entered. */
    Segment entered() {
        return image.entry().stream()
                .boxed()
                .flatMap(entry -> segmentAt(entry).stream())
                .findFirst()
                .orElse(image.segments().get(0));
    }

    /** Returns whether an address is in a segment that is seen as the one is that is entered. */
    boolean isMappedAlike(long address) {
        return segmentAt(address)
                .filter(segment -> shift(segment) == shift(entered()))
                .isPresent();
    }

    /** Returns what is added to a physical address of a segment to have its linear one. */
    static long shift(Segment segment) {
        return segment.virtualAddress() - segment.physicalAddress();
    }

    /** Returns the sections of constants, which may be copied: strings, tables, numbers in floating point. */
    List<Section> constants() {
        return constants;
    }

    private List<Section> readConstants() {
        return image.sections().stream()
                .filter(section ->
                        section.name().equals(CONSTANTS) || section.name().startsWith(CONSTANTS + "."))
                .filter(section -> section.size() > 0
                        && read(section.address(), section.size()).isPresent())
                .toList();
    }
}
