package dev.kvmguest.vmm.internal.advice;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.image.GuestImage.Format;
import dev.kvmguest.vmm.image.GuestImage.Segment;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Operand;
import dev.kvmguest.vmm.internal.x86.Vector;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Recognizes an image whose code runs at any address, as that of a position-independent executable does, with pointers
 * in its data that are still those of the linker: nobody has applied its relocations.
 *
 * <p>Silent unless a pointer was used that is, as it was in the file, one of the linker's addresses; of a flat binary,
 * of which nobody knows those, one of an image that begins at 0.
 */
final class LoadedElsewhere {

    private LoadedElsewhere() {}

    /** An access or a call went to where the linker had put something, and it was loaded elsewhere. */
    static Optional<String> pointer(Evidence evidence) {
        return ofLinked(evidence).or(() -> ofFlat(evidence));
    }

    private static Optional<String> ofLinked(Evidence evidence) {
        OptionalLong address = evidence.first().cr2();
        boolean missing = Vector.PF.is(evidence.first().vector())
                && !evidence.first().interrupt()
                && address.isPresent()
                && address.getAsLong() != evidence.address()
                && !evidence.memory().isMapped(address.getAsLong());
        if (!missing || !evidence.isInImage(evidence.address())) {
            return Optional.empty();
        }
        long linked = address.getAsLong();
        OptionalLong loaded = evidence.image().loadedAt(linked);
        // Where the code itself is at the linker's addresses, what is missing is a page.
        boolean moved = evidence.image().loadedAt(evidence.address()).isEmpty();
        return loaded.isPresent() && moved
                ? Optional.of(evidence.at().inWords() + " uses " + hex(linked) + evidence.symbol(linked)
                        + ", where the linker put it and no page is, while the code runs at other addresses than the linker's:"
                        + " it was loaded at physical " + hex(loaded.getAsLong())
                        + "; link the image for the address that it runs at, or have it apply its relocations first")
                : Optional.empty();
    }

    /** A call through a pointer of the image went to an offset in the image, which is the pointer's as linked at 0. */
    private static Optional<String> ofFlat(Evidence evidence) {
        if (evidence.image().image().format() != Format.FLAT
                || evidence.image().segments().size() != 1
                || !evidence.image().image().symbols().isEmpty()) {
            return Optional.empty();
        }
        Segment all = evidence.image().segments().get(0);
        List<Executed> path = evidence.path();
        int outside = evidence.departure();
        if (outside == 0 || outside == path.size() || !path.get(outside - 1).is(Mnemonic.CALL, Mnemonic.JMP)) {
            return Optional.empty();
        }
        Executed from = path.get(outside - 1);
        long to = evidence.linear(path.get(outside));
        return pointerOf(evidence, from, outside - 1)
                .filter(place -> isOffset(evidence, all, to) && isOriginal(evidence, place, to))
                .map(place -> from.inWords() + " went to " + hex(to) + ", which the pointer at " + hex(place)
                        + " has as in the file: an address of an image that begins at 0, while what belongs there was loaded"
                        + " at " + hex(all.physicalAddress() + to) + "; link the image for "
                        + hex(all.physicalAddress())
                        + ", where it is loaded, without -pie, or have it apply its relocations first");
    }

    /** Returns where the pointer is by which an instruction went elsewhere, as an operand or in a register. */
    private static Optional<Long> pointerOf(Evidence evidence, Executed from, int index) {
        Operand to = from.decoded().orElseThrow().op0;
        if (to.isRegister()) {
            return ValueOrigin.before(evidence, Register.byNumber().get(to.wholeRegister()), index)
                    .flatMap(origin -> origin.place().stream().boxed().findFirst());
        }
        return to.isMemory() ? Optional.of(to.linear(evidence.registers())) : Optional.empty();
    }

    private static boolean isOriginal(Evidence evidence, long place, long pointer) {
        OptionalLong physical = evidence.memory().physical(place);
        int word = evidence.word();
        return physical.isPresent()
                && evidence.image()
                        .original(physical.getAsLong(), word)
                        .map(bytes -> ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN))
                        .filter(bytes -> (word == Long.BYTES ? bytes.getLong() : Integer.toUnsignedLong(bytes.getInt()))
                                == pointer)
                        .isPresent();
    }

    /** Returns whether an address is one of the image as if it began at 0, and none as it was loaded. */
    private static boolean isOffset(Evidence evidence, Segment all, long address) {
        return address > 0 && address < all.data().length && !evidence.isInImage(address);
    }
}
