package dev.kvmguest.vmm.internal.boot;

import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.image.GuestImage.Segment;
import dev.kvmguest.vmm.image.GuestImage.Symbol;
import dev.kvmguest.vmm.memory.MemoryLayout.Kind;
import dev.kvmguest.vmm.memory.MemoryLayout.Range;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Finds an image's stacks by its symbols. The names count without underscores before and after them, alone or with
 * {@code boot_} or {@code kernel_} before them. A stack is
 *
 * <ul>
 *   <li>from {@code stack_bottom}, {@code stack_start} or {@code stack} to {@code stack_top} or {@code stack_end};
 *   <li>if there is only an upper end, from {@code bss_end} to it, as linker scripts have it that reserve a stack
 *       after the BSS;
 *   <li>else {@code stack}, if that symbol has a size, as an array in C has.
 * </ul>
 */
final class StackSymbols {

    private static final List<String> WORDS = List.of("", "boot_", "kernel_");
    private static final List<String> LOWER = List.of("stack_bottom", "stack_start", "stack");
    private static final List<String> UPPER = List.of("stack_top", "stack_end");
    private static final String BSS_END = "bss_end";
    private static final String ARRAY = "stack";

    private final GuestImage image;
    private final Map<String, Symbol> symbols = new HashMap<>();

    private StackSymbols(GuestImage image) {
        this.image = image;
        for (Symbol symbol : image.symbols()) {
            symbols.putIfAbsent(symbol.name().replaceAll("^_+|_+$", ""), symbol);
        }
    }

    /** Returns the physical ranges of an image's stacks; empty if its symbols don't tell. */
    static List<Range> find(GuestImage image) {
        StackSymbols symbols = new StackSymbols(image);
        List<Range> stacks = new ArrayList<>();
        WORDS.forEach(word -> symbols.stack(word).ifPresent(stacks::add));
        return stacks;
    }

    private Optional<Range> stack(String word) {
        // A variable of that name, which has a size, has the stack's end in it and isn't there itself.
        Optional<Symbol> upper = first(word, UPPER).filter(symbol -> symbol.size() == 0);
        if (upper.isPresent()) {
            long end = upper.get().address();
            return first(word, LOWER)
                    .or(() -> Optional.ofNullable(symbols.get(BSS_END)))
                    .filter(lower -> Long.compareUnsigned(lower.address(), end) < 0)
                    .map(lower -> range(lower.address(), end));
        }
        return Optional.ofNullable(symbols.get(word + ARRAY))
                .filter(array -> array.size() > 0)
                .map(array -> range(array.address(), array.address() + array.size()));
    }

    private Optional<Symbol> first(String word, List<String> names) {
        return names.stream()
                .map(name -> word + name)
                .filter(symbols::containsKey)
                .findFirst()
                .map(symbols::get);
    }

    private Range range(long start, long end) {
        long toPhysical = toPhysical(start);
        return new Range(Kind.STACK, "the stack of image " + image.name(), start + toPhysical, end + toPhysical);
    }

    /** Returns what makes a linear address a physical one: as in its segment or, after all of them, as in the last. */
    private long toPhysical(long address) {
        Segment nearest = image.segments().get(0);
        for (Segment segment : image.segments()) {
            if (Long.compareUnsigned(segment.virtualAddress(), address) <= 0) {
                nearest = segment;
            }
        }
        return nearest.physicalAddress() - nearest.virtualAddress();
    }
}
