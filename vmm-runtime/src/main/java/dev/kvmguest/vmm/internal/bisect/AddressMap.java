package dev.kvmguest.vmm.internal.bisect;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.image.GuestImage.Section;
import dev.kvmguest.vmm.image.GuestImage.Segment;
import dev.kvmguest.vmm.image.GuestImage.Symbol;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Tells where in one image is what code of another one refers to. An address that could be two things is mapped only if
 * both are found at the same place.
 *
 * @param source the image that the code is from
 * @param target the image that the code goes to
 * @param copies where copies of the source's functions and constants are
 */
record AddressMap(LinkedImage source, LinkedImage target, Copies copies) {

    /** A number below this may be a size, a count or a device's address as well. */
    private static final long PLAIN_NUMBERS_END = 0x10_0000;
    /** So may a multiple of a page's size below this. */
    private static final long ROUND_NUMBERS_END = 0x1000_0000;

    private static final long PAGE = 0x1000;
    /** Code begins no further than this before an array. */
    private static final long NEAR = 64;

    /** Where copies of functions and constants of the source go. */
    interface Copies {

        /**
         * Returns the address of a function's copy, and notes that it is needed.
         *
         * @throws NotMovableException if there can be none
         */
        long of(MovableFunction function);

        /**
         * Returns the address of the copy of a section of constants, and notes that it is needed.
         *
         * @throws NotMovableException if there can be none
         */
        long of(Section constants);

        /** Returns whether callers in the source get a copy of a function, and not the target's own. */
        boolean isCarried(MovableFunction function);
    }

    /**
     * Returns where a jump or a call out of its function goes.
     *
     * @throws NotMovableException if the target of the jump isn't known to be in the target image
     */
    long branch(long to) {
        Optional<MovableFunction> function = source.functionAt(to);
        if (function.isPresent()) {
            long offset = to - function.get().start();
            if (copies.isCarried(function.get())) {
                return copies.of(function.get()) + offset;
            }
            if (offset > 0) {
                throw new NotMovableException("it jumps into the middle of " + function.get());
            }
            return counterpart(function.get()).orElseThrow().start();
        }
        return label(to)
                .orElseThrow(() -> new NotMovableException(
                        "it jumps to " + hex(to) + ", where there is no function and no label of both images"));
    }

    /**
     * Returns what a number in code is in the target image: the same, unless it is an address.
     *
     * @param number zero-extended
     * @param use how the code uses it
     * @throws NotMovableException if it isn't certain what it is
     */
    long number(long number, Use use) {
        if (source.segmentAt(number).isEmpty()) {
            requireNotPhysical(number);
            return number;
        }
        long mapped = address(number, use);
        boolean plain = number < PLAIN_NUMBERS_END || number % PAGE == 0 && number < ROUND_NUMBERS_END;
        if (mapped != number && plain && use.kind() != Use.Kind.DIRECT) {
            throw new NotMovableException(hex(number) + " in it may be a number or an address");
        }
        return mapped;
    }

    /**
     * Returns where in the target image is what the source has at an address.
     *
     * @throws NotMovableException if that isn't known
     */
    private long address(long address, Use use) {
        Optional<MovableFunction> function = source.functionAt(address);
        if (function.isPresent()) {
            if (function.get().start() != address) {
                throw new NotMovableException("it refers to the middle of " + function.get());
            }
            // Whoever takes a function's address calls it as all do, so that the target's own is as good.
            return counterpart(function.get()).map(MovableFunction::start).orElseGet(() -> copies.of(function.get()));
        }
        Optional<Section> constants = constants(address);
        return constants.isPresent()
                ? copies.of(constants.get()) + address - constants.get().address()
                : data(address, use);
    }

    /**
     * Returns what four bytes of constants are in the target image: the same, unless they are an address. In tables of
     * {@code switch} it is one in the middle of a function.
     *
     * @param aligned whether their address is a multiple of four; other addresses are in packed structures only
     * @throws NotMovableException if it isn't certain what they are
     */
    long word(long word, boolean aligned) {
        if (source.segmentAt(word).isEmpty()) {
            return word;
        }
        Optional<MovableFunction> function = source.functionAt(word);
        long mapped = function.isPresent() && function.get().start() != word
                ? copies.of(function.get()) + word - function.get().start()
                : number(word, Use.POINTER);
        if (mapped != word && !aligned && word < ROUND_NUMBERS_END) {
            throw new NotMovableException("the bytes of " + hex(word) + " may be an address, or parts of two numbers");
        }
        return mapped;
    }

    Optional<Section> constants(long address) {
        return source.constants().stream()
                .filter(section -> section.contains(address))
                .findFirst();
    }

    /** Returns the target's function of the same name; empty if there is none, or the name isn't unique. */
    Optional<MovableFunction> counterpart(MovableFunction function) {
        return source.function(function.name()).isPresent() ? target.function(function.name()) : Optional.empty();
    }

    private Optional<Long> label(long address) {
        return source.othersAt(address).stream()
                .flatMap(symbol -> shift(symbol).stream())
                .map(shift -> address + shift)
                .findFirst();
    }

    private Optional<Long> shift(Symbol symbol) {
        return source.other(symbol.name())
                .flatMap(own -> target.other(symbol.name()))
                .map(other -> other.address() - symbol.address());
    }

    /**
     * Variables have moved together, or each by itself. An address is that of the variable that it lies in, unless it
     * could be computed from a neighbour that has moved otherwise: an array may be accessed from before its beginning,
     * and compared with its end.
     */
    private long data(long address, Use use) {
        List<Symbol> own = inSegmentOf(address, source.othersUpTo(address));
        if (own.isEmpty()) {
            throw new NotMovableException("it refers to " + hex(address) + ", which has no symbol");
        }
        Symbol symbol = own.stream().max(Comparator.comparingLong(Symbol::size)).orElseThrow();
        List<Long> shifts =
                own.stream().flatMap(one -> shift(one).stream()).distinct().toList();
        if (shifts.isEmpty()) {
            throw new NotMovableException(
                    "it refers to " + symbol.name() + ", which isn't a unique symbol of both images");
        }
        if (address > symbol.address() + symbol.size()) {
            throw new NotMovableException("it refers to " + hex(address) + ", which is after " + symbol.name()
                    + " and has no symbol of its own");
        }
        List<Symbol> others = neighbours(address)
                .filter(one -> shift(one).stream().anyMatch(shift -> !shift.equals(shifts.get(0))))
                .toList();
        if (shifts.size() > 1 || !others.isEmpty() && !use.isOf(symbol, address, others)) {
            throw new NotMovableException("it refers to " + hex(address) + " at " + symbol.name()
                    + ", and what is beside that has moved otherwise");
        }
        return address + shifts.get(0);
    }

    private Stream<Symbol> neighbours(long address) {
        Stream<Symbol> before = source.othersUpTo(address - 1).stream()
                .filter(one -> one.size() > 0 && one.address() + one.size() == address);
        List<Symbol> after = source.othersAfter(address)
                .takeWhile(one -> one.address() <= address + NEAR)
                .toList();
        Optional<Symbol> next = source.othersAfter(address)
                .filter(one -> shift(one).isPresent())
                .findFirst();
        return Stream.concat(
                before,
                inSegmentOf(
                        address, Stream.concat(after.stream(), next.stream()).toList())
                        .stream());
    }

    private List<Symbol> inSegmentOf(long address, List<Symbol> symbols) {
        Optional<Segment> segment = source.segmentAt(address);
        return symbols.stream()
                .filter(symbol -> source.segmentAt(symbol.address()).equals(segment))
                .toList();
    }

    /** A kernel that is seen elsewhere than it is loaded may hold the address at which something is loaded. */
    private void requireNotPhysical(long number) {
        long shift = LinkedImage.shift(source.entered());
        long linear = number + shift & 0xffff_ffffL;
        boolean moved = Stream.concat(
                        source.functionAt(linear).filter(function -> function.start() == linear).stream()
                                .flatMap(function -> counterpart(function).stream())
                                .map(MovableFunction::start),
                        label(linear).stream())
                .anyMatch(other -> other != linear);
        if (shift != 0 && moved) {
            throw new NotMovableException(
                    hex(number) + " in it may be a number or the physical address of what is at " + hex(linear));
        }
    }
}
