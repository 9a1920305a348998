package dev.kvmguest.vmm.internal.advice;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.image.GuestImage.Segment;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Operand;
import dev.kvmguest.vmm.internal.inspection.PlacedImage;
import dev.kvmguest.vmm.internal.x86.Vector;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.LongStream;

/**
 * Recognizes an address of 64-bit code of which only 32 bits are left: the upper half is all zeros, or all ones, and
 * should be that of the image's addresses (System V ABI for x86-64, 3.5.1, "Architectural Constraints").
 *
 * <p>Silent unless the whole address is one of the image, or an instruction is seen to have cut the address and a page
 * is mapped at the whole one.
 */
public final class CutAddress {

    private static final long LOW_32 = 0xffff_ffffL;
    /** Half of what 32 bits hold: from here on zero extension and sign extension differ. */
    private static final long SIGN = 0x8000_0000L;
    /** A number below this may be no address at all, but a count or an index. */
    private static final long NUMBERS = 0x10_0000;

    private CutAddress() {}

    /**
     * Returns the address of an image of which an address is the rest.
     *
     * @param image what the guest runs
     * @param rest what is left
     * @return empty if the image has none, or has the rest itself
     */
    public static OptionalLong whole(PlacedImage image, long rest) {
        return image.segments().stream()
                .map(Segment::virtualAddress)
                .mapToLong(start -> start & ~LOW_32 | rest & LOW_32)
                .filter(whole -> isRest(rest, whole))
                .filter(whole -> image.loadedAt(whole).isPresent()
                        && image.loadedAt(rest).isEmpty())
                .findFirst();
    }

    /** An access or a jump went to the rest of an address. */
    static Optional<String> used(Evidence evidence) {
        return evidence.mode().is64()
                ? wrong(evidence).stream()
                        .boxed()
                        .flatMap(rest -> ofImage(evidence, rest).or(() -> seenCut(evidence, rest)).stream())
                        .findFirst()
                : Optional.empty();
    }

    /** Returns the address that nothing could be at, if there is one. */
    private static OptionalLong wrong(Evidence evidence) {
        boolean fault =
                Vector.PF.is(evidence.first().vector()) && !evidence.first().interrupt();
        if (fault) {
            return evidence.first().cr2().stream()
                    .filter(address -> !evidence.memory().isMapped(address))
                    .findFirst();
        }
        return departure(evidence).stream()
                .mapToLong(index -> evidence.linear(evidence.path().get(index)))
                .findFirst();
    }

    /** Returns the index of the first instruction after the image's last one, if no RAM is there. */
    private static Optional<Integer> departure(Evidence evidence) {
        List<Executed> path = evidence.path();
        int outside = evidence.departure();
        return outside > 0
                        && outside < path.size()
                        && path.get(outside - 1).isTransfer()
                        && !evidence.memory().isRam(evidence.linear(path.get(outside)))
                ? Optional.of(outside)
                : Optional.empty();
    }

    /** The image has the whole address. */
    private static Optional<String> ofImage(Evidence evidence, long rest) {
        return whole(evidence.image(), rest).stream()
                .mapToObj(whole -> sentence(evidence, rest, whole, cutter(evidence, rest)))
                .findFirst();
    }

    /** An instruction was seen that cut the address, and something is mapped at the whole one. */
    private static Optional<String> seenCut(Evidence evidence, long rest) {
        return pointer(evidence, rest)
                .flatMap(register -> ValueOrigin.of(evidence, register))
                .flatMap(ValueOrigin::cut)
                .flatMap(cut -> uppers(evidence)
                        .map(upper -> upper | rest & LOW_32)
                        .filter(whole ->
                                isRest(rest, whole) && evidence.memory().isRam(whole))
                        .filter(whole -> isSource(evidence, cut, whole) || isOfInt(cut) && Math.abs(rest) >= NUMBERS)
                        .boxed()
                        .findFirst()
                        .map(whole -> sentence(evidence, rest, whole, Optional.of(cut))));
    }

    /** Returns whether an instruction makes a pointer of an int; what is 32 bits long otherwise may be physical. */
    private static boolean isOfInt(Executed cut) {
        return cut.is(Mnemonic.CDQE)
                || cut.is(Mnemonic.MOVSXD)
                        && cut.decoded().filter(found -> found.op1.isRegister()).isPresent();
    }

    /** Returns whether the register from which an address was cut has the whole one still. */
    private static boolean isSource(Evidence evidence, Executed cut, long whole) {
        return cut.decoded()
                .filter(found -> found.op1 != null && found.op1.isRegister() && !found.op1.isHighByte())
                .filter(found -> evidence.registers().get(Register.byNumber().get(found.op1.number)) == whole)
                .isPresent();
    }

    /** Returns the upper halves of the addresses at which a guest is known to have something. */
    private static LongStream uppers(Evidence evidence) {
        return LongStream.concat(
                        LongStream.of(evidence.stackPointer(), evidence.address()),
                        evidence.image().segments().stream().mapToLong(Segment::virtualAddress))
                .map(address -> address & ~LOW_32)
                .distinct();
    }

    private static boolean isRest(long rest, long whole) {
        return rest != whole && (rest == (whole & LOW_32) || rest == (int) whole);
    }

    /** Returns the instruction that left 32 bits of an address, if it is seen. */
    private static Optional<Executed> cutter(Evidence evidence, long rest) {
        return pointer(evidence, rest)
                .flatMap(register -> ValueOrigin.of(evidence, register))
                .flatMap(
                        origin -> origin.cut().or(() -> Optional.of(origin.by()).filter(CutAddress::loads32Bits)));
    }

    private static boolean loads32Bits(Executed executed) {
        return executed.decoded()
                .filter(found -> found.mnemonic == Mnemonic.MOV
                        && found.op1.kind == Operand.Kind.IMMEDIATE
                        && (found.op0.width == Integer.BYTES || found.bytes().length < 10))
                .isPresent();
    }

    /** Returns the register that has an address with which the last instruction, or the jump, was executed. */
    private static Optional<Register> pointer(Evidence evidence, long rest) {
        Optional<Instruction> at = evidence.at().decoded();
        Optional<Register> base = at.stream()
                .flatMap(instruction -> MemoryUse.of(instruction, evidence.registers()).stream())
                .filter(access -> access.contains(rest) || access.linear() == rest)
                .flatMap(access -> access.registers().stream())
                .findFirst();
        return base.or(() -> evidence.before()
                .flatMap(Executed::decoded)
                .filter(jump -> jump.mnemonic == Mnemonic.CALL || jump.mnemonic == Mnemonic.JMP)
                .map(jump -> jump.op0)
                .filter(Operand::isRegister)
                .map(target -> Register.byNumber().get(target.wholeRegister())));
    }

    private static String sentence(Evidence evidence, long rest, long whole, Optional<Executed> cut) {
        boolean extended = rest < 0;
        return hex(rest) + ", where " + (evidence.memory().isMapped(rest) ? "no RAM is" : "no page is") + ", is "
                + (extended
                        ? "the lower half of " + hex(whole) + evidence.symbol(whole)
                                + " with its bit 31 in all bits above"
                        : "the lower half of " + hex(whole) + evidence.symbol(whole))
                + ": 32 bits of an address are left"
                + cut.map(by -> ", after " + by.inWords()).orElse("")
                + "; " + remedy(whole, cut);
    }

    private static String remedy(long whole, Optional<Executed> cut) {
        boolean ofFunction =
                cut.filter(by -> by.is(Mnemonic.CDQE, Mnemonic.MOVSXD)).isPresent();
        return ofFunction
                ? "keep addresses in pointers or uintptr_t, never in int, which is also what C takes a function without a"
                        + " declaration to return"
                : remedy(whole);
    }

    /**
     * Returns what to do about the rest of an address, as a clause.
     *
     * @param whole the whole address
     */
    public static String remedy(long whole) {
        String code = whole < 0 && whole >= -SIGN
                ? "-mcmodel=kernel, and with MOVABS, LEA with RIP or a sign-extended number in assembly"
                : whole >= 0 && whole < SIGN
                        ? "-mcmodel=small"
                        : "-mcmodel=large or -fPIE, since the image is linked for addresses of more than 32 bits";
        return "compile for such addresses with " + code + ", and keep them in pointers or uintptr_t, not in int";
    }
}
