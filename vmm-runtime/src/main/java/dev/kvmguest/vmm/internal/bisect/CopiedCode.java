package dev.kvmguest.vmm.internal.bisect;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.image.GuestImage.Section;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Copies of an image's functions and constants for another image, in a block of memory that is free there. Each has its
 * place in the block, whether it is used or not.
 */
final class CopiedCode {

    /** Enough for what vector instructions want of their operands. */
    private static final long ALIGNMENT = 64;

    private final LinkedImage source;
    private final LinkedImage target;
    private final CarriedFunctions carried;
    private final long start;
    private final long end;
    private final Map<MovableFunction, Long> functions = new HashMap<>();
    private final Map<Section, Long> constants = new HashMap<>();
    private final Map<MovableFunction, Copy> copies = new HashMap<>();
    private final Map<MovableFunction, String> refusals = new HashMap<>();
    private Optional<byte[]> constantBytes = Optional.empty();

    /** A function's copy, and what has to be there with it. */
    private record Copy(byte[] bytes, Set<MovableFunction> functions, boolean constants) {}

    /** Notes what a copy needs. */
    private final class Needs implements AddressMap.Copies {

        private final Set<MovableFunction> needed = new LinkedHashSet<>();
        private boolean needsConstants;

        @Override
        public long of(MovableFunction function) {
            needed.add(function);
            return place(function);
        }

        @Override
        public long of(Section section) {
            needsConstants = true;
            return constants.get(section);
        }

        @Override
        public boolean isCarried(MovableFunction function) {
            return carried.contains(function);
        }
    }

    CopiedCode(LinkedImage source, LinkedImage target, CarriedFunctions carried, long start) {
        this.source = source;
        this.target = target;
        this.carried = carried;
        this.start = start;
        long at = start;
        for (Section section : source.constants()) {
            at = alike(at, section.address());
            constants.put(section, at);
            at += section.size();
        }
        for (MovableFunction function : source.functions()) {
            if (source.isMappedAlike(function.start())) {
                at = alike(at, function.start());
                functions.put(function, at);
                at += function.size();
            }
        }
        end = at;
    }

    /** Returns the first address from {@code at} on that lies in its cache line as another one does. */
    private static long alike(long at, long other) {
        return at + Math.floorMod(other - at, ALIGNMENT);
    }

    /** Returns the linear address of the block. */
    long start() {
        return start;
    }

    /** Returns the block's size in bytes. */
    long size() {
        return end - start;
    }

    /**
     * Returns the address of a function's copy.
     *
     * @throws NotMovableException if it can't have one
     */
    long place(MovableFunction function) {
        Long place = functions.get(function);
        if (place == null) {
            throw new NotMovableException("it needs " + function + ", which is seen at another address than it is"
                    + " loaded at, where no copy can be reached");
        }
        return place;
    }

    /** Returns the source's function whose copy an address is in. */
    Optional<MovableFunction> copiedAt(long address) {
        return functions.entrySet().stream()
                .filter(entry -> address >= entry.getValue()
                        && address < entry.getValue() + entry.getKey().size())
                .map(Map.Entry::getKey)
                .findFirst();
    }

    /**
     * Returns a copy of a function for an address outside the block.
     *
     * @throws NotMovableException if that isn't certain to do the same
     */
    byte[] copyFor(MovableFunction function, long to) {
        return Relocation.copy(function, to, new AddressMap(source, target, new Needs()));
    }

    /**
     * Returns whether a copy of a function at an address outside the block needs a copy of constants.
     *
     * @throws NotMovableException if that isn't certain to do the same
     */
    boolean usesConstants(MovableFunction function, long to) {
        Needs needs = new Needs();
        Relocation.copy(function, to, new AddressMap(source, target, needs));
        return needs.needsConstants;
    }

    /**
     * Returns what a copy of a function at an address outside the block needs in it.
     *
     * @throws NotMovableException if something of that can't be copied
     */
    Set<MovableFunction> neededFor(MovableFunction function, long to) {
        Needs needs = new Needs();
        Relocation.copy(function, to, new AddressMap(source, target, needs));
        if (needs.needsConstants) {
            constantBytes();
        }
        Set<MovableFunction> all = new LinkedHashSet<>();
        needs.needed.forEach(one -> all.addAll(closure(one)));
        return all;
    }

    /**
     * Returns a function and all that have to be copied with it.
     *
     * @throws NotMovableException if one of them can't be
     */
    Set<MovableFunction> closure(MovableFunction function) {
        Set<MovableFunction> all = new LinkedHashSet<>();
        Deque<MovableFunction> open = new ArrayDeque<>(Set.of(function));
        while (!open.isEmpty()) {
            MovableFunction one = open.pop();
            if (all.add(one)) {
                open.addAll(copy(one, function).functions());
            }
        }
        return all;
    }

    private Copy copy(MovableFunction function, MovableFunction neededBy) {
        String refusal = refusals.get(function);
        try {
            if (refusal != null) {
                throw new NotMovableException(refusal);
            }
            return copies.computeIfAbsent(function, this::copied);
        } catch (NotMovableException e) {
            refusals.put(function, e.getMessage());
            throw function.equals(neededBy)
                    ? e
                    : new NotMovableException(
                            "it needs a copy of " + function + ", and can't have one: " + e.getMessage());
        }
    }

    private Copy copied(MovableFunction function) {
        Needs needs = new Needs();
        byte[] bytes = Relocation.copy(function, place(function), new AddressMap(source, target, needs));
        if (needs.needsConstants) {
            constantBytes();
        }
        return new Copy(bytes, Set.copyOf(needs.needed), needs.needsConstants);
    }

    /** Returns the block with the copies of functions, all of which have one, and with the constants. */
    byte[] block(Set<MovableFunction> used) {
        byte[] block = constantBytes.map(byte[]::clone).orElseGet(() -> new byte[(int) size()]);
        for (MovableFunction function : used) {
            byte[] copy = copies.get(function).bytes();
            System.arraycopy(copy, 0, block, (int) (place(function) - start), copy.length);
        }
        return block;
    }

    private byte[] constantBytes() {
        if (constantBytes.isEmpty()) {
            byte[] block = new byte[(int) size()];
            constants.forEach((section, place) -> {
                byte[] bytes = constants(section);
                System.arraycopy(bytes, 0, block, (int) (place - start), bytes.length);
            });
            constantBytes = Optional.of(block);
        }
        return constantBytes.get();
    }

    /** Tables among constants hold addresses: of strings, of variables, of the code of each {@code case}. */
    private byte[] constants(Section section) {
        AddressMap map = new AddressMap(source, target, new Pointers());
        byte[] bytes = source.read(section.address(), section.size()).orElseThrow();
        ByteBuffer words = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        for (int at = 0; at + Integer.BYTES <= bytes.length; ) {
            long address = section.address() + at;
            long word = Integer.toUnsignedLong(words.getInt(at));
            long mapped;
            try {
                mapped = map.word(word, address % Integer.BYTES == 0);
            } catch (NotMovableException e) {
                throw new NotMovableException("it needs the constants of " + section.name() + ", and there, at "
                        + hex(address) + ": " + e.getMessage());
            }
            words.putInt(at, (int) mapped);
            at += mapped == word ? 1 : Integer.BYTES;
        }
        return bytes;
    }

    /** What constants point to: a case of a switch is used only by the function that it is in, which is copied then. */
    private final class Pointers implements AddressMap.Copies {

        @Override
        public long of(MovableFunction function) {
            if (target.function(function.name()).isEmpty()) {
                // Whoever calls it through the table isn't known, so that it isn't known whether it has to be there.
                throw new NotMovableException("a pointer to " + function + ", which isn't a function of both images");
            }
            return place(function);
        }

        @Override
        public long of(Section section) {
            return constants.get(section);
        }

        @Override
        public boolean isCarried(MovableFunction function) {
            return carried.contains(function);
        }
    }
}
