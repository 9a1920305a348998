package dev.kvmguest.vmm.internal.inspection;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.image.GuestImage.Segment;
import dev.kvmguest.vmm.image.GuestImage.Symbol;
import dev.kvmguest.vmm.internal.boot.firmware.LowMemory;
import dev.kvmguest.vmm.internal.x86.InterruptTable;
import dev.kvmguest.vmm.memory.MemoryLayout;
import dev.kvmguest.vmm.memory.MemoryLayout.Kind;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Tells where the gates of an IDT lead by mistake: to the low half of a handler's address, or to what the first bytes
 * of a handler's code are as a number.
 *
 * @param registers of a guest in protected mode; in real mode nothing is found
 * @param image the image, where it was loaded
 * @param layout what lay where at the start
 * @param memory the guest's memory
 */
public record GateTargets(CpuState registers, PlacedImage image, MemoryLayout layout, LinearMemory memory) {

    private static final long BLOCK = 0x1_0000;
    private static final long LOW_32 = 0xffff_ffffL;
    /** Handlers by their first bytes are looked for in no more than this. */
    private static final int LARGEST_IMAGE = 4 << 20;

    /**
     * Returns what is wrong with where a gate leads, a sentence without a full stop; empty if there may be a handler.
     *
     * @param vector 0 to 255
     */
    public Optional<String> mistaken(int vector) {
        return gate(vector).filter(gate -> !mayBeCode(gate.offset())).flatMap(gate -> bytesOfHandler(vector, gate)
                .or(() -> halfAddress(vector, gate)));
    }

    /** Returns the same for the first gate with which something is wrong. */
    public Optional<String> anyMistaken() {
        return IntStream.range(0, InterruptTable.VECTORS)
                .mapToObj(this::mistaken)
                .flatMap(Optional::stream)
                .findFirst();
    }

    private Optional<InterruptGate> gate(int vector) {
        return registers.protectedMode()
                ? InterruptGate.of(registers, memory, vector).filter(InterruptGate::leadsToHandler)
                : Optional.empty();
    }

    /** Returns whether a guest may have code at an address: it is one of an image, or something has been put there. */
    private boolean mayBeCode(long linear) {
        OptionalLong physical = memory.physical(linear);
        if (layout.isIn(Kind.IMAGE, linear)) {
            // By its physical address, which a guest may have mapped, or have meant.
            return true;
        }
        if (physical.isEmpty() || !memory.isRam(linear)) {
            return false;
        }
        boolean taken = layout.isIn(Kind.IMAGE, physical.getAsLong()) || layout.isIn(Kind.BSS, physical.getAsLong());
        return taken || isBelow(lowest(), BLOCK) || (physical.getAsLong() >= LowMemory.END && isMade(linear));
    }

    private boolean isMade(long linear) {
        OptionalLong bytes = memory.readLong(linear);
        return bytes.isPresent() && bytes.getAsLong() != 0 && bytes.getAsLong() != -1;
    }

    private long lowest() {
        return image.segments().stream()
                .map(image::linear)
                .min(Long::compareUnsigned)
                .orElse(0L);
    }

    /** The gate has the first four bytes of a handler where the handler's address belongs. */
    private Optional<String> bytesOfHandler(int vector, InterruptGate gate) {
        List<Long> places = functions()
                .map(Symbol::address)
                .filter(address -> beginsWith(address, gate))
                .toList();
        if (places.isEmpty() && image.image().symbols().isEmpty()) {
            places = occurrences(gate);
        }
        // Of several functions that begin alike none can be told to be meant; that bytes were taken is clear all the
        // same. Zeros begin nothing.
        boolean found = !places.isEmpty() && !isBelow(gate.offset(), BLOCK);
        long place = found ? places.get(0) : 0;
        return found
                ? Optional.of(where(vector, gate) + ", which are the first " + (isWide(gate) ? "eight" : "four")
                        + " bytes of the code at " + hex(place) + symbol(place)
                        + " and no address; put the handler's address into the gate: declare handlers as"
                        + " functions (extern void handler(void)), not as variables, and don't dereference them")
                : Optional.empty();
    }

    /** Returns whether a gate's address has more than 32 bits, and is none of 32 that was sign-extended. */
    private static boolean isWide(InterruptGate gate) {
        return gate.offset() != (int) gate.offset() && gate.offset() >>> Integer.SIZE != 0;
    }

    /**
     * Returns whether an image as it was loaded has the bytes of a gate's address: a storm of exceptions may have
     * overwritten it since.
     */
    private boolean beginsWith(long linear, InterruptGate gate) {
        return image.segments().stream().anyMatch(segment -> {
            long at = linear - image.linear(segment);
            return at >= 0 && at <= segment.data().length - length(gate) && has(segment, (int) at, gate);
        });
    }

    private static int length(InterruptGate gate) {
        return isWide(gate) ? Long.BYTES : Integer.BYTES;
    }

    private static boolean has(Segment segment, int index, InterruptGate gate) {
        ByteBuffer data = ByteBuffer.wrap(segment.data()).order(ByteOrder.LITTLE_ENDIAN);
        return isWide(gate) ? data.getLong(index) == gate.offset() : data.getInt(index) == (int) gate.offset();
    }

    private List<Long> occurrences(InterruptGate gate) {
        return image.segments().stream()
                .filter(segment -> segment.data().length <= LARGEST_IMAGE)
                .flatMap(segment -> IntStream.rangeClosed(0, segment.data().length - length(gate))
                        .filter(i -> has(segment, i, gate))
                        .mapToObj(i -> image.linear(segment) + i))
                .limit(1)
                .toList();
    }

    /** The gate has the lower half of the handler's address, and zeros for the upper one. */
    private Optional<String> halfAddress(int vector, InterruptGate gate) {
        long offset = gate.offset();
        if (gate.longMode() && offset >= BLOCK && offset <= LOW_32) {
            return functions()
                    .filter(symbol -> (symbol.address() & LOW_32) == offset && symbol.address() != offset)
                    .findFirst()
                    .map(symbol -> where(vector, gate) + ", where the image has no code; " + symbol.name() + " is at "
                            + hex(symbol.address())
                            + ": bytes 8 to 11 of the gate, the upper half of the handler's address, were never set");
        }
        if (offset < 0 || offset >= BLOCK || isBelow(lowest(), BLOCK)) {
            return Optional.empty();
        }
        Optional<Symbol> meant = functions()
                .filter(symbol -> (symbol.address() & BLOCK - 1) == offset)
                .min((one, other) -> Long.compareUnsigned(one.address(), other.address()));
        boolean possible = meant.isPresent()
                || image.image().symbols().isEmpty()
                        && image.segments().stream().anyMatch(segment -> hasPlace(segment, offset));
        return possible
                ? Optional.of(where(vector, gate) + ", below 64 KiB, where the image has no code"
                        + meant.map(symbol -> "; " + symbol.name() + " is at " + hex(symbol.address()))
                                .orElse("")
                        + ": bytes 6 " + (isBelow(LOW_32, lowest()) ? "to 11" : "and 7")
                        + " of the gate, the upper half of the handler's address, were never set")
                : Optional.empty();
    }

    private static boolean isBelow(long one, long other) {
        return Long.compareUnsigned(one, other) < 0;
    }

    /** Returns whether a segment of an image has an address whose lower half is this. */
    private boolean hasPlace(Segment segment, long offset) {
        long start = image.linear(segment);
        long first = (start & -BLOCK) + offset;
        return (first < start ? first + BLOCK : first) < start + segment.data().length;
    }

    private Stream<Symbol> functions() {
        return image.image().symbols().stream()
                .filter(symbol -> !symbol.object())
                .filter(symbol -> image.loadedAt(symbol.address()).isPresent());
    }

    private String where(int vector, InterruptGate gate) {
        return "IDT[" + vector + "] leads to " + hex(gate.offset());
    }

    private String symbol(long linear) {
        return image.image()
                .symbolWithOffset(linear)
                .map(symbol -> " (" + symbol + ")")
                .orElse("");
    }
}
