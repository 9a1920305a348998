package dev.kvmguest.vmm.internal.advice;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.image.GuestImage.Format;
import dev.kvmguest.vmm.image.GuestImage.Segment;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Operand;
import dev.kvmguest.vmm.internal.x86.Cr0;
import dev.kvmguest.vmm.internal.x86.Vector;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * Recognizes an image that was loaded elsewhere than it was linked for, and uses addresses of the linker's all the
 * same: pointers in its data, to which nobody has applied relocations, or with paging off addresses in its
 * instructions.
 *
 * <p>Silent unless a pointer was used that is, as it was in the file, one of the linker's addresses; of a flat binary,
 * of which nobody knows those, one of an image that begins at 0. Silent, too, about an instruction that found by the
 * linker's address what the file has for it, since the guest may have moved itself there.
 */
final class LoadedElsewhere {

    /** Of instructions whose first operand may be memory, those that read and don't write it. */
    private static final Set<Mnemonic> READS_FIRST = EnumSet.of(
            Mnemonic.CALL, Mnemonic.CMP, Mnemonic.JMP, Mnemonic.LGDT, Mnemonic.LIDT, Mnemonic.PUSH, Mnemonic.TEST);

    private LoadedElsewhere() {}

    /** An access or a call went to where the linker had put something, and it was loaded elsewhere. */
    static Optional<String> pointer(Evidence evidence) {
        return ofLinked(evidence).or(() -> ofFlat(evidence));
    }

    /** With paging off an instruction read by an address of the linker's, and found something else. */
    static Optional<String> unpaged(Evidence evidence) {
        CpuState registers = evidence.registers();
        if (!registers.protectedMode() || (registers.get(Register.CR0) & Cr0.PG) != 0) {
            return Optional.empty();
        }
        List<Executed> path = evidence.path();
        return IntStream.range(0, path.size())
                .mapToObj(i -> path.get(path.size() - 1 - i))
                .flatMap(executed ->
                        absoluteRead(executed, registers).flatMap(read -> misread(evidence, executed, read)).stream())
                .findFirst();
    }

    /** Returns what an instruction reads by an address that is all in its own bytes. */
    private static Optional<MemoryUse> absoluteRead(Executed executed, CpuState registers) {
        return executed.decoded()
                .filter(instruction -> READS_FIRST.contains(instruction.mnemonic)
                        || instruction.op1 != null && instruction.op1.isMemory())
                .flatMap(instruction -> MemoryUse.of(instruction, registers).stream()
                        .filter(use -> use.registers().isEmpty())
                        .findFirst());
    }

    private static Optional<String> misread(Evidence evidence, Executed by, MemoryUse read) {
        long linked = read.linear();
        OptionalLong loaded = evidence.image().loadedAt(linked);
        if (!evidence.isInImage(evidence.linear(by)) || loaded.isEmpty() || loaded.getAsLong() == linked) {
            return Optional.empty();
        }
        return evidence.image()
                .original(loaded.getAsLong(), read.width())
                .filter(meant -> !evidence.memory()
                        .read(linked, read.width())
                        .filter(found -> Arrays.equals(found, meant))
                        .isPresent())
                .map(meant -> by.inWords() + " reads " + hex(linked) + evidence.symbol(linked) + ", "
                        + butLoaded(evidence, linked, loaded.getAsLong(), "access"));
    }

    /**
     * Returns that paging is off where the linker has put something, and the way out, to follow the address.
     *
     * @param linked where the linker put it
     * @param loaded the physical address at which it is
     * @param use what the instruction does by that address
     */
    static String butLoaded(Evidence evidence, long linked, long loaded, String use) {
        String where = "which is where the linker put it, but it was loaded at physical " + hex(loaded)
                + ", and paging is off; ";
        List<Segment> segments = evidence.image().segments();
        Segment first = segments.get(0);
        boolean fits = segments.stream()
                .allMatch(segment -> segment.virtualAddress() - segment.physicalAddress() == linked - loaded
                        && evidence.memory().ram().contains(segment.virtualAddress(), segment.memorySize()));
        return fits
                ? where + "load the image at " + hex(first.virtualAddress())
                        + ", for which it is linked, or link it for " + hex(first.physicalAddress())
                        + ", where it is loaded"
                : where + "switch paging on with it mapped before any such " + use
                        + ", or link the image for the address that it is loaded at";
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
