package dev.kvmguest.vmm.internal.bisect;

import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.image.GuestImage.Section;
import dev.kvmguest.vmm.image.GuestImage.Segment;
import dev.kvmguest.vmm.image.GuestImage.Symbol;
import dev.kvmguest.vmm.internal.emulator.decode.CodeReader;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Puts functions of one image in the place of those of another one whose functions have other sizes or addresses: a
 * copy goes where memory is free, and the function it replaces begins with a jump to it.
 */
public final class FunctionExchange {

    private static final int JUMP_LENGTH = 5;
    private static final byte JUMP = (byte) 0xe9;

    private final LinkedImage source;
    private final LinkedImage target;
    private final CopiedCode copies;
    /** Where functions of the target jump to in others, and which one does. */
    private final Map<Long, MovableFunction> entries = new HashMap<>();

    private final Map<String, Plan> plans = new LinkedHashMap<>();
    private final Map<String, String> refusals = new LinkedHashMap<>();

    /** What is done to exchange a function. */
    private record Plan(
            MovableFunction from, MovableFunction to, boolean jumps, byte[] atTarget, Set<MovableFunction> copied) {}

    /**
     * Plans to exchange functions.
     *
     * @param giver the image that functions are taken from
     * @param taker the image that they are put into
     * @param place the linear address of free memory, as the taker's first instruction sees it
     * @param names the functions, each of which is in both images; they need not differ
     */
    public FunctionExchange(GuestImage giver, GuestImage taker, long place, Collection<String> names) {
        source = new LinkedImage(giver);
        target = new LinkedImage(taker);
        copies = new CopiedCode(source, target, new CarriedFunctions(source, target), place);
        target.functions().forEach(function -> function.targets()
                .filter(to -> !function.contains(to))
                .forEach(to -> entries.put(to, function)));
        for (String name : names) {
            try {
                plans.put(name, plan(named(source, name), named(target, name)));
            } catch (NotMovableException e) {
                refusals.put(name, e.getMessage());
            }
        }
    }

    private static MovableFunction named(LinkedImage image, String name) {
        return image.function(name)
                .orElseThrow(() -> new NotMovableException(
                        "several functions of " + image.image().name() + " have this name"));
    }

    /**
     * Returns the functions of both images that differ in what they do, by name, in the order of the first one.
     * A static function that is called directly belongs to those that call it.
     */
    public static List<String> differing(GuestImage one, GuestImage other) {
        return differing(new LinkedImage(one), new LinkedImage(other));
    }

    private static List<String> differing(LinkedImage one, LinkedImage other) {
        CarriedFunctions carried = new CarriedFunctions(one, other);
        FunctionComparison comparison = new FunctionComparison(new AddressMap(one, other, new NoCopies(carried)));
        Set<String> inOther =
                other.functions().stream().map(MovableFunction::name).collect(Collectors.toSet());
        Set<String> names = new LinkedHashSet<>();
        for (MovableFunction function : one.functions()) {
            boolean isOwn = !carried.isCalledStatic(function) && inOther.contains(function.name());
            Optional<MovableFunction> counterpart = other.function(function.name());
            boolean same = counterpart.isPresent()
                    && one.function(function.name()).isPresent()
                    && comparison.areSame(function, counterpart.get());
            if (isOwn && !same) {
                names.add(function.name());
            }
        }
        return List.copyOf(names);
    }

    /** For a comparison, in which nothing is copied. */
    private record NoCopies(CarriedFunctions carried) implements AddressMap.Copies {

        @Override
        public long of(MovableFunction function) {
            throw new NotMovableException("it needs " + function);
        }

        @Override
        public long of(Section constants) {
            throw new NotMovableException("it needs constants");
        }

        @Override
        public boolean isCarried(MovableFunction function) {
            return carried.contains(function);
        }
    }

    private Plan plan(MovableFunction from, MovableFunction to) {
        boolean reachable = source.isMappedAlike(from.start()) && target.isMappedAlike(to.start());
        if (!reachable || to.size() < JUMP_LENGTH) {
            return inPlace(from, to, reachable);
        }
        for (long at = to.start() + 1; at < to.start() + JUMP_LENGTH; at++) {
            if (entries.containsKey(at)) {
                throw new NotMovableException(entries.get(at) + " jumps into its first instructions");
            }
        }
        byte[] jump = ByteBuffer.allocate(JUMP_LENGTH)
                .order(ByteOrder.LITTLE_ENDIAN)
                .put(JUMP)
                .putInt((int) (copies.place(from) - (to.start() + JUMP_LENGTH)))
                .array();
        return new Plan(from, to, true, jump, copies.closure(from));
    }

    private Plan inPlace(MovableFunction from, MovableFunction to, boolean reachable) {
        if (from.size() > to.size()) {
            throw new NotMovableException(
                    reachable
                            ? "the " + to.size() + " bytes of the other build have no room for it, nor for a jump"
                            : "it is loaded at another address than it is seen at, and the " + to.size()
                                    + " bytes of the other build have no room for it");
        }
        if (!reachable && copies.usesConstants(from, to.start())) {
            throw new NotMovableException(
                    "it is loaded at another address than it is seen at, where a copy of its constants isn't seen");
        }
        Set<MovableFunction> needed = copies.neededFor(from, to.start());
        if (!reachable && !needed.isEmpty()) {
            throw new NotMovableException("it is loaded at another address than it is seen at, where a copy of "
                    + needed.iterator().next() + " isn't seen");
        }
        return new Plan(from, to, false, copies.copyFor(from, to.start()), needed);
    }

    /** Returns the functions that can be exchanged, by name. */
    public List<String> names() {
        return List.copyOf(plans.keySet());
    }

    /** Returns the functions that can't be exchanged, and why, to follow the name and a colon. */
    public Map<String, String> refusals() {
        return refusals;
    }

    /** Returns the linear address of the copies. */
    public long place() {
        return copies.start();
    }

    /** Returns how much free memory is needed, in bytes. */
    public long size() {
        return copies.size();
    }

    /** Returns the taker with functions of the giver. */
    public GuestImage with(Collection<String> names) {
        return with(names, Map.of());
    }

    /**
     * Returns the same with other bytes in the place of some of the taker's.
     *
     * @param bytes by linear address
     */
    public GuestImage with(Collection<String> names, Map<Long, Byte> bytes) {
        List<Segment> segments = new ArrayList<>();
        for (Segment segment : target.image().segments()) {
            byte[] data = segment.data().clone();
            for (String name : names) {
                Plan plan = plans.get(name);
                put(segment, data, plan.to().start(), plan.atTarget());
            }
            bytes.forEach((address, value) -> put(segment, data, address, new byte[] {value}));
            segments.add(new Segment(segment.physicalAddress(), segment.virtualAddress(), data, segment.memorySize()));
        }
        Set<MovableFunction> copied = new LinkedHashSet<>();
        names.forEach(name -> copied.addAll(plans.get(name).copied()));
        byte[] block = copies.block(copied);
        List<Symbol> symbols = new ArrayList<>(target.image().symbols());
        if (block.length > 0) {
            long physical = copies.start() - LinkedImage.shift(target.entered());
            segments.add(new Segment(physical, copies.start(), block, block.length));
            copied.forEach(
                    function -> symbols.add(new Symbol(function.name(), copies.place(function), function.size())));
        }
        GuestImage image = target.image();
        return new GuestImage(
                image.name(),
                image.format(),
                segments,
                image.entry(),
                symbols,
                image.file(),
                image.lines(),
                image.sections());
    }

    private static void put(Segment segment, byte[] data, long address, byte[] bytes) {
        long at = address - segment.virtualAddress();
        if (at >= 0 && at + bytes.length <= data.length) {
            System.arraycopy(bytes, 0, data, (int) at, bytes.length);
        }
    }

    /**
     * Returns the bytes in which a function differs if its code takes the same place in both images, by linear address;
     * empty if it doesn't, or if it needs copies of other functions.
     */
    public Optional<Map<Long, Byte>> bytesInPlace(String name) {
        Plan plan = plans.get(name);
        if (plan.from().size() != plan.to().size()) {
            return Optional.empty();
        }
        try {
            if (!copies.neededFor(plan.from(), plan.to().start()).isEmpty()) {
                return Optional.empty();
            }
        } catch (NotMovableException e) {
            return Optional.empty();
        }
        byte[] now = copies.copyFor(plan.from(), plan.to().start());
        byte[] old = target.read(plan.to().start(), plan.to().size()).orElseThrow();
        Map<Long, Byte> bytes = new LinkedHashMap<>();
        for (int i = 0; i < now.length; i++) {
            if (now[i] != old[i]) {
                bytes.put(plan.to().start() + i, now[i]);
            }
        }
        return Optional.of(bytes);
    }

    /** Returns where in the giver an address of an image with its functions comes from; empty if it is the taker's. */
    public Optional<Long> origin(Collection<String> names, long address) {
        return copies.copiedAt(address)
                .map(function -> function.start() + address - copies.place(function))
                .or(() -> names.stream()
                        .map(plans::get)
                        .filter(plan -> !plan.jumps() && plan.to().contains(address))
                        .map(plan -> plan.from().start() + address - plan.to().start())
                        .findFirst());
    }

    /** Returns up to 15 bytes of the giver, an instruction's most, from a linear address on. */
    public byte[] giverBytes(long address) {
        for (long length = CodeReader.LONGEST; length > 0; length--) {
            Optional<byte[]> bytes = source.read(address, length);
            if (bytes.isPresent()) {
                return bytes.get();
            }
        }
        return new byte[0];
    }

    /** Returns the names of the functions that are copied along with some, themselves left out. */
    public List<String> carriedWith(Collection<String> names) {
        Set<String> carried = new LinkedHashSet<>();
        names.forEach(name -> plans.get(name).copied().forEach(function -> carried.add(function.name())));
        carried.removeAll(Set.copyOf(names));
        return List.copyOf(carried);
    }
}
