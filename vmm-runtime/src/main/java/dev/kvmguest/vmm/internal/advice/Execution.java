package dev.kvmguest.vmm.internal.advice;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Operand;
import dev.kvmguest.vmm.internal.emulator.decode.Trait;
import dev.kvmguest.vmm.internal.x86.Cr0;
import dev.kvmguest.vmm.internal.x86.InterruptTable;
import dev.kvmguest.vmm.memory.MemoryLayout.Range;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.IntStream;

/**
 * Recognizes that execution left the code: to unmapped memory, to where no RAM is, into a boot table or through zeros.
 * It names the jump, call or return that led there, or says that the code has no end.
 *
 * <p>Silent if there may be code at the place, because the guest has put some there.
 */
final class Execution {

    /** As many equal bytes are taken for memory without code. */
    private static final int SAMPLE = 8;
    /** So many zeros executed one after the other are no code either: each pair is ADD [EAX], AL, or [RAX]. */
    private static final int SLED = 8;

    private Execution() {}

    /** A jump, call or return went where no code is, or execution ran off the end of the code. */
    static Optional<String> leftTheImage(Evidence evidence) {
        List<Executed> path = evidence.path();
        int start = whereCodeEnds(evidence, path);
        if (start == path.size()
                || evidence.layout().ranges().isEmpty()
                || StackPointer.lost(evidence).isPresent()
                || StackBelowZero.byLocals(evidence).isPresent()
                || OverwrittenCode.byStack(evidence).isPresent()
                || PagingSwitch.codeUnmapped(evidence).isPresent()
                || NullPointer.used(evidence).isPresent()
                || CutAddress.used(evidence).isPresent()
                || LoadedElsewhere.pointer(evidence).isPresent()
                || LoadedElsewhere.unpaged(evidence).isPresent()
                || GateTarget.any(evidence).isPresent()) {
            return Optional.empty();
        }
        if (start == 0) {
            // Between what was pushed there are zeros too. Those that execution ran through come one after the other.
            return sled(path) && path.stream().limit(path.size() - 1L).allMatch(Executed::isZeros)
                    ? Optional.of("execution ran through zeros up to "
                            + hex(evidence.at().eip())
                            + noCode(evidence, evidence.address())
                                    .map(what -> ", " + what)
                                    .orElse("")
                            + "; look for a jump, call or return to address 0 or past the end of the code")
                    : Optional.empty();
        }
        Executed from = path.get(start - 1);
        long to = path.get(start).eip();
        Optional<String> linked = linkedElsewhere(evidence, from, to);
        if (linked.isPresent()) {
            return linked;
        }
        String where = hex(to) + ", "
                + noCode(evidence, evidence.linear(path.get(start)))
                        .orElseGet(() -> isEmpty(evidence, evidence.linear(path.get(start)), 0));
        return Optional.of(went(evidence, from, to, where));
    }

    /** The handler that took the exception is where no code is. */
    static Optional<String> handlerWithoutCode(Evidence evidence) {
        int vector = evidence.first().vector();
        // Whoever was interrupted and the handler may be in other segments; those that are used begin at 0.
        return evidence.fault()
                .handler()
                .filter(handler -> evidence.registers().protectedMode()
                        && evidence.linear(0) == 0
                        && GateTarget.any(evidence).isEmpty())
                .flatMap(handler -> noCode(evidence, handler.eip()).map(why -> hex(handler.eip()) + ", " + why))
                .map(where -> handlerIs(vector, where));
    }

    private static String handlerIs(int vector, String where) {
        return "the handler of " + Fault.Event.name(vector) + " in IDT[" + vector + "] is at " + where
                + "; give the gate the linear address of the handler";
    }

    /**
     * Returns the sentence about execution that went where it shouldn't.
     *
     * @param from the instruction after which it went there
     * @param to the offset in the code segment to which it went
     * @param where the same in words, with what is wrong with it
     */
    static String went(Evidence evidence, Executed from, long to, String where) {
        return handlerAt(evidence, from, to)
                .map(vector -> handlerIs(vector, where))
                .orElseGet(() ->
                        "execution went to " + where + ", after " + from.inWords() + "; " + remedy(evidence, from, to));
    }

    /** The place is one of the image by its linker, but the image was loaded elsewhere. */
    private static Optional<String> linkedElsewhere(Evidence evidence, Executed from, long to) {
        long linear = evidence.linear(to);
        OptionalLong loaded = evidence.image().loadedAt(linear);
        if (loaded.isEmpty() || loaded.equals(evidence.memory().physical(linear))) {
            return Optional.empty();
        }
        boolean paging = (evidence.registers().get(Register.CR0) & Cr0.PG) != 0;
        return Optional.of("execution went to " + hex(to) + evidence.symbol(linear) + ", after " + from.inWords() + ", "
                + (paging
                        ? "which is where the linker put it, but it was loaded at physical " + hex(loaded.getAsLong())
                                + ", to which the page tables don't lead from there; map it there, or link the image for"
                                + " the address that it is loaded at"
                        : LoadedElsewhere.butLoaded(evidence, linear, loaded.getAsLong(), "jump")));
    }

    /**
     * Returns the index of the first instruction after which nothing of the image was executed, and that was no code
     * itself; as many as there are if there is none. Between such there may be others, which the guest has made of
     * zeros by executing them.
     */
    private static int whereCodeEnds(Evidence evidence, List<Executed> path) {
        int outside = evidence.departure();
        boolean zeros = sled(path.subList(outside, path.size()));
        for (int i = outside; i < path.size(); i++) {
            if (noCode(evidence, evidence.linear(path.get(i))).isPresent()
                    || zeros && path.get(i).isZeros()) {
                return i;
            }
        }
        return path.size();
    }

    private static String isEmpty(Evidence evidence, long linear, int bytes) {
        String where = evidence.bss(linear).map(bss -> "in " + bss).orElse("outside the image");
        return "which is " + where + " and has no code (bytes " + hex(bytes) + ")";
    }

    /** Returns why there can't be code at a linear address, as a clause; empty if there may be. */
    private static Optional<String> noCode(Evidence evidence, long linear) {
        if (evidence.isInImage(linear)) {
            return Optional.empty();
        }
        if (!evidence.memory().isMapped(linear)) {
            return Optional.of(evidence.memory()
                    .reserved(linear)
                    .map(why -> "which is not usable, since " + why)
                    .orElse("which is not mapped"));
        }
        if (!evidence.memory().isRam(linear)) {
            return Optional.of("where no RAM is");
        }
        Optional<Range> table = evidence.bootTable(linear).or(() -> evidence.firmware(linear));
        if (table.isPresent()) {
            return Optional.of("which is in " + table.get());
        }
        return evidence.memory()
                .read(linear, SAMPLE)
                .filter(Execution::isUniform)
                .map(bytes -> isEmpty(evidence, linear, bytes[0] & 0xff));
    }

    private static boolean isUniform(byte[] bytes) {
        for (byte b : bytes) {
            if (b != bytes[0]) {
                return false;
            }
        }
        return bytes[0] == 0 || bytes[0] == (byte) 0xff;
    }

    private static boolean sled(List<Executed> path) {
        return path.stream().filter(Executed::isZeros).count() >= SLED;
    }

    /** Returns the exception through whose gate a place was entered: its gate leads there and nothing else did. */
    private static Optional<Integer> handlerAt(Evidence evidence, Executed from, long to) {
        if (!evidence.registers().protectedMode() || from.isTransfer()) {
            return Optional.empty();
        }
        return IntStream.range(0, InterruptTable.VECTORS)
                .filter(vector -> evidence.handlerGate(vector)
                        .filter(gate -> gate.offset() == to)
                        .isPresent())
                .boxed()
                .findFirst();
    }

    private static String remedy(Evidence evidence, Executed from, long to) {
        if (from.is(Trait.INTERRUPT_RETURN)) {
            return "the frame that IRET found on the stack is not one of an interrupt: look for pushes that were not popped,"
                    + " and for an error code that was not removed";
        }
        if (from.is(Mnemonic.SYSCALL)) {
            return SystemCall.remedy(evidence, to);
        }
        if (from.is(Mnemonic.SYSRET)) {
            return SystemReturn.remedy(evidence);
        }
        if (from.is(Trait.RETURN)) {
            return HandlerReturn.frameTaken(evidence, to)
                    .or(() -> ReturnAddress.ofEntry(evidence, from))
                    .or(() -> ReturnAddress.overwritten(evidence, from))
                    .orElse(
                            "the return address on the stack is wrong: look for pushes that were not popped and for writes past local"
                                    + " variables");
        }
        Optional<String> cutOff = goesTo(from, to)
                ? evidence.memory().physical(evidence.linear(to)).stream()
                        .mapToObj(evidence.image()::cutOff)
                        .flatMap(Optional::stream)
                        .findFirst()
                : Optional.empty();
        if (cutOff.isPresent()) {
            return cutOff.get();
        }
        if (from.is(Trait.CALL) || from.is(Trait.JUMP)) {
            return "look at where that address comes from, a pointer that was not set or was overwritten, or code linked for"
                    + " another address";
        }
        return "it doesn't jump there: execution ran past the end of the code; end it with a jump, a return or a loop of"
                + " HLT";
    }

    /** Returns whether an instruction itself has the place to which it went, as its assembler wrote it. */
    private static boolean goesTo(Executed from, long to) {
        return from.decoded()
                .filter(instruction -> instruction.op0 != null
                        && (instruction.op0.kind == Operand.Kind.RELATIVE
                                || instruction.op0.kind == Operand.Kind.FAR_POINTER)
                        && instruction.op0.value == to)
                .isPresent();
    }
}
