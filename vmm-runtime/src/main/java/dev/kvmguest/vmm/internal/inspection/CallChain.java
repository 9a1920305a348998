package dev.kvmguest.vmm.internal.inspection;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.diagnosis.Inspection;
import dev.kvmguest.vmm.diagnosis.Inspection.Frame;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.image.GuestImage.Symbol;
import dev.kvmguest.vmm.memory.MemoryLayout;
import dev.kvmguest.vmm.memory.MemoryLayout.Kind;
import dev.kvmguest.vmm.memory.MemoryLayout.Range;
import dev.kvmguest.vmm.text.Notation;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.LongStream;

/**
 * The functions that a guest was in. Each is found by its return address on the stack, a number that points after a
 * CALL in what an image's file holds. Such a number may also be an old one that nobody has overwritten, so one is
 *
 * <ul>
 *   <li><em>certain</em> if the CALL names the function that was called in its own bytes, and that function's code,
 *       read from its first instruction to where it was, puts its return address just there: so many bytes above ESP
 *       or, if it has set up EBP, above EBP. Which function it is says the symbol of where it was, if it has a size;
 *       else where it was must be reached from the CALL's target if no conditional jump is taken;
 *   <li><em>guessed</em> otherwise: the number that lies where the function's code says but belongs to an indirect call
 *       or a jump from another function; else one on the stack whose CALL names the function, the one above where EBP
 *       points, or the first one.
 * </ul>
 *
 * <p>A handler of the IDT that has been entered has a frame of the processor's where others have a return address,
 * which is certain if the handler's code puts it there.
 *
 * <p>The chain ends with a function that has set up the stack itself, with one whose return address is known to lie
 * where there is none, and where nothing is found.
 */
final class CallChain {

    private static final int SCANNED_WORDS = 64;
    /** How far above ESP a frame pointer is taken for one of this stack. */
    private static final long FARTHEST_FRAME = 0x10_0000;

    /**
     * Where a function was when it called another, was interrupted or died.
     *
     * @param called whether EIP is a return address
     */
    private record Position(long eip, long esp, long ebp, boolean called, boolean certain) {

        /** Returns an address in the function; after a CALL that never returns the next one may begin. */
        long inside() {
            return called ? eip - 1 : eip;
        }
    }

    /**
     * A return address on the stack.
     *
     * @param place where it is, as an offset in the stack segment
     * @param call the CALL before it
     * @param use what the function that returns there has done to its stack, if that is known
     */
    private record Candidate(long place, CallSite call, Optional<StackUse> use) {

        Candidate with(StackUse known) {
            return new Candidate(place, call, Optional.of(known));
        }
    }

    private final Code code;
    private final StackWords stack;
    private final InterruptHandlers handlers;
    private final MemoryLayout layout;
    private final List<Frame> frames = new ArrayList<>();

    private CallChain(Code code, StackWords stack, InterruptHandlers handlers, MemoryLayout layout) {
        this.code = code;
        this.stack = stack;
        this.handlers = handlers;
        this.layout = layout;
    }

    /**
     * Returns where the functions on a guest's stack go on, the innermost first.
     *
     * @param registers those with which it was about to execute the instruction at EIP
     */
    static List<Frame> of(CpuState registers, LinearMemory memory, MemoryLayout layout, GuestImage image) {
        Code code = new Code(registers, memory, layout, image);
        StackWords stack = new StackWords(registers.segment(SegmentRegister.SS), memory, code.mode());
        InterruptHandlers handlers = InterruptHandlers.of(registers, memory, code, stack);
        CallChain chain = new CallChain(code, stack, handlers, layout);
        long esp = registers.get(Register.RSP) & stack.mask();
        long ebp = registers.get(Register.RBP) & stack.mask();
        Optional<Position> position = Optional.of(new Position(registers.eip(), esp, ebp, false, true));
        while (position.isPresent() && chain.frames.size() < Inspection.MOST_FRAMES) {
            position = chain.caller(position.get());
        }
        return chain.frames;
    }

    /** Adds the frame that a function returns to; returns where that one was, or nothing if there is none. */
    private Optional<Position> caller(Position at) {
        Optional<Symbol> function = code.function(at.inside());
        Optional<StackUse> use = function.flatMap(symbol -> StackUse.inFunction(code, symbol.address(), at.eip()));
        OptionalLong place = use.map(found -> found.place(at.esp(), at.ebp())).orElse(OptionalLong.empty());
        if (use.isPresent() && place.isPresent()) {
            Optional<Candidate> exact = candidate(at, place.getAsLong()).map(found -> found.with(use.get()));
            if (exact.isPresent()) {
                boolean proven =
                        names(exact.get().call(), function.get()) && !use.get().isAssumed();
                return Optional.of(called(at, exact.get(), proven));
            }
        }
        Optional<Position> interrupted =
                handlers.interruptedBy(at.eip(), at.esp(), at.ebp()).map(found -> interrupted(at, found));
        boolean foundNone = at.called() && place.isPresent() && !use.get().isAssumed();
        boolean hasNoCaller = foundNone || use.filter(StackUse::hasOwnStack).isPresent();
        return interrupted.isPresent() || hasNoCaller ? interrupted : search(at, function);
    }

    private static boolean names(CallSite call, Symbol function) {
        return call.target().isPresent() && call.target().getAsLong() == function.address();
    }

    /** Looks at where EBP points and at what lies above ESP. */
    private Optional<Position> search(Position at, Optional<Symbol> function) {
        // What went where no code is has just been called, and has set up nothing.
        LongStream places = code.holds(at.eip())
                ? LongStream.concat(framePointer(at), words(at))
                : LongStream.concat(words(at), framePointer(at));
        List<Candidate> candidates = places.mapToObj(place -> candidate(at, place))
                .flatMap(Optional::stream)
                .toList();
        Optional<Position> proven = candidates.stream()
                .filter(candidate -> function.isEmpty())
                .flatMap(candidate -> proven(at, candidate).stream())
                .findFirst()
                .map(candidate -> called(at, candidate, true));
        return proven.or(() -> candidates.stream()
                .filter(candidate -> function.isPresent() && names(candidate.call(), function.get()))
                .findFirst()
                .or(() -> candidates.stream().findFirst())
                .map(candidate -> called(at, candidate, false)));
    }

    /** Returns a return address with its function, if that has it just there; empty otherwise. */
    private Optional<Candidate> proven(Position at, Candidate candidate) {
        OptionalLong target = candidate.call().target();
        return target.isEmpty()
                ? Optional.empty()
                : StackUse.onTheWay(code, target.getAsLong(), at.eip())
                        .filter(use -> use.place(at.esp(), at.ebp()).equals(OptionalLong.of(candidate.place())))
                        .map(candidate::with);
    }

    private LongStream framePointer(Position at) {
        long above = at.ebp() - at.esp();
        return above >= 0 && above < FARTHEST_FRAME ? LongStream.of(at.ebp() + code.width()) : LongStream.empty();
    }

    private LongStream words(Position at) {
        long end = endOfStack(at.esp());
        return LongStream.iterate(at.esp(), place -> place + code.width())
                .limit(SCANNED_WORDS)
                .takeWhile(place -> place < end);
    }

    /** Returns the end of the stack that a place is in, if the images' symbols name it. */
    private long endOfStack(long place) {
        OptionalLong physical = stack.physical(place);
        return layout.ranges().stream()
                .filter(range -> range.kind() == Kind.STACK && physical.isPresent())
                .filter(range -> range.contains(physical.getAsLong()))
                .mapToLong(Range::end)
                .map(end -> place + end - physical.getAsLong())
                .findFirst()
                .orElse(Long.MAX_VALUE);
    }

    private Optional<Candidate> candidate(Position at, long place) {
        return place < at.esp()
                ? Optional.empty()
                : stack.at(place)
                        .flatMap(returnAddress -> CallSite.before(returnAddress, code))
                        .map(call -> new Candidate(place, call, Optional.empty()));
    }

    private Position called(Position at, Candidate found, boolean proven) {
        boolean certain = at.certain() && proven;
        long eip = found.call().returnAddress();
        frames.add(frame(eip, eip - 1, false, certain));
        long popped = found.call().far() ? 2L * code.width() : code.width();
        return new Position(eip, found.place() + popped, callersEbp(at, found), true, certain);
    }

    private long callersEbp(Position at, Candidate found) {
        return found.use()
                .map(use -> use.callersEbp(found.place(), at.ebp(), stack))
                .orElseGet(() -> found.place() == at.ebp() + code.width()
                        ? stack.at(at.ebp()).orElse(0L)
                        : at.ebp());
    }

    private Position interrupted(Position at, InterruptHandlers.Interrupted found) {
        boolean certain = at.certain() && found.certain();
        frames.add(frame(found.eip(), found.eip(), true, certain));
        return new Position(found.eip(), found.esp(), found.ebp(), false, certain);
    }

    private Frame frame(long eip, long inside, boolean interrupted, boolean certain) {
        Optional<String> symbol = code.image().symbolAt(inside).map(function -> name(function, eip));
        return new Frame(eip, symbol, code.image().sourceAt(inside), interrupted, certain);
    }

    private static String name(Symbol function, long eip) {
        return eip == function.address()
                ? function.name()
                : function.name() + "+" + Notation.hex(eip - function.address());
    }
}
