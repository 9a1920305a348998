package dev.kvmguest.vmm.internal.emulator.exec;

import dev.kvmguest.vmm.diagnosis.TakenEvent;
import dev.kvmguest.vmm.diagnosis.TakenEvent.Kind;
import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.ExceptionWatch;
import dev.kvmguest.vmm.internal.emulator.core.RegisterCopy;
import dev.kvmguest.vmm.internal.emulator.core.Registers;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.engine.Delivery;
import dev.kvmguest.vmm.internal.engine.DeliveryLog;
import dev.kvmguest.vmm.internal.engine.DeliveryLog.ChangedRegisters;
import dev.kvmguest.vmm.internal.x86.AddressPolicy;
import dev.kvmguest.vmm.internal.x86.CpuMode;
import dev.kvmguest.vmm.internal.x86.InterruptTable;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongFunction;

/**
 * What the guest's handlers were entered for, and which of them have not returned. It is always kept, so that it can be
 * told after the end what the end came from, and takes the same memory however much the guest takes.
 *
 * <p>A handler has returned when an IRET takes the frame that the processor pushed for it. Until then it is open. What
 * it is interrupted by is inside it, and what is pushed above its frame shows that it was left in another way. When the
 * guest comes from an outer ring, or IRET takes a frame of another stack, the handlers that were open wait, as those of
 * other threads do; they are open again when one of their frames is taken.
 */
final class HandlerLog implements ExceptionWatch {

    /** Of more places, those at which nothing was raised for longest are only counted. */
    private static final int PLACES = 256;

    /** Of more handlers inside each other, the outermost ones and the innermost. */
    private static final int DEPTH = 64;

    /** Of more threads whose handlers wait, those that began to wait last. */
    private static final int WAITING = 64;

    /** EIP, CS and EFLAGS. */
    private static final int FRAME_WORDS = 3;

    private final Cpu cpu;
    private final Trace trace;
    private final LongFunction<Optional<Instruction>> instructions;

    /** By kind and vector. */
    private final long[] counts = new long[Kind.values().length * InterruptTable.VECTORS];

    private final Map<Long, ExceptionPlace> places = new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Long, ExceptionPlace> eldest) {
            return size() > PLACES;
        }
    };
    private final long[] finished = new long[InterruptTable.VECTORS];
    private final Deque<Delivered> waiting = new ArrayDeque<>();
    private ExceptionLog watched;
    private Delivered arising;
    /** What TR was when it arose. */
    private int arisingTask;

    private long interrupts;
    private Delivered open;
    /** How many are open between the innermost one and the one that it is said to be in. */
    private long omitted;

    private ExceptionPlace newest;
    private ExceptionPlace returnedTo;

    private Delivered changed;
    private RegisterCopy after;
    private final long[] changes = new long[InterruptTable.VECTORS];
    private final long[] returns = new long[InterruptTable.VECTORS];

    /**
     * Makes an empty log.
     *
     * @param cpu the vCPU
     * @param trace what it executed last
     * @param instructions gives the instruction at an EIP
     */
    HandlerLog(Cpu cpu, Trace trace, LongFunction<Optional<Instruction>> instructions) {
        this.cpu = cpu;
        this.trace = trace;
        this.instructions = instructions;
    }

    /** Forgets all. */
    void clear() {
        Arrays.fill(counts, 0);
        Arrays.fill(finished, 0);
        Arrays.fill(changes, 0);
        Arrays.fill(returns, 0);
        places.clear();
        waiting.clear();
        arising = null;
        interrupts = 0;
        open = null;
        omitted = 0;
        newest = null;
        returnedTo = null;
        changed = null;
        after = null;
    }

    /** Has it know what another one knows, which stays as it is. No event must be arising in either. */
    void restore(HandlerLog other) {
        clear();
        System.arraycopy(other.counts, 0, counts, 0, counts.length);
        System.arraycopy(other.finished, 0, finished, 0, finished.length);
        System.arraycopy(other.changes, 0, changes, 0, changes.length);
        System.arraycopy(other.returns, 0, returns, 0, returns.length);
        DeliveredCopies copies = new DeliveredCopies();
        other.places.forEach((key, place) -> places.put(key, copies.of(place)));
        other.waiting.forEach(innermost -> waiting.addLast(copies.of(innermost)));
        interrupts = other.interrupts;
        open = copies.of(other.open);
        omitted = other.omitted;
        newest = copies.of(other.newest);
        returnedTo = copies.of(other.returnedTo);
        changed = copies.of(other.changed);
        after = other.after;
    }

    /** Adds each exception to a list from now on, instead of to the one before. */
    void watch(ExceptionLog list) {
        watched = list;
    }

    @Override
    public void arises(Kind kind, long eip) {
        arisingTask = cpu.tr.selector();
        arising = new Delivered(
                kind,
                eip,
                cpu.stackTop(),
                cpu.cpl(),
                cpu.retired,
                kind == Kind.SOFTWARE ? null : new RegisterCopy(cpu),
                at(kind, eip));
    }

    private Instruction at(Kind kind, long eip) {
        // To fetch an instruction takes time, and interrupts that are worth a word are among the first.
        if (kind == Kind.SOFTWARE || kind == Kind.INTERRUPT && ++interrupts > PLACES) {
            return null;
        }
        Instruction executing = trace.executing(eip, cpu.retired);
        return executing != null ? executing : instructions.apply(eip).orElse(null);
    }

    @Override
    public void isTaken(int vector, boolean hasErrorCode, int errorCode, long cr2, String cause) {
        Delivered taken = arising;
        taken.is(vector, hasErrorCode, errorCode, cr2, cause);
        taken.handler = cpu.eip;
        // Devices interrupt often, and what came before it says nothing about them.
        if (taken.kind == Kind.EXCEPTION || taken.kind == Kind.INTERRUPT && vector < InterruptTable.FIRST_EXTERNAL) {
            taken.trace = trace.copy();
        }
        counts[index(taken.kind, vector)]++;
        if (cpu.tr.selector() != arisingTask) {
            taken.frame = Delivery.NO_FRAME;
            taken.end = Long.MAX_VALUE;
        } else {
            placeFrame(taken, hasErrorCode);
        }
        enter(taken);
        if (taken.kind == Kind.EXCEPTION) {
            newest = places.computeIfAbsent(taken.eip << Byte.SIZE | vector, key -> new ExceptionPlace(taken));
            newest.add(taken);
            taken.place = newest;
            if (watched != null) {
                watched.add(taken);
            }
        } else if (returnedTo != null && taken.eip == returnedTo.first.eip && returnedTo.isAt(taken.retired)) {
            taken.awaited = returnedTo;
        }
    }

    /** Notes where the frame is, and which handlers wait or have been left since the stack is where it is. */
    private void placeFrame(Delivered taken, boolean hasErrorCode) {
        taken.frame = cpu.stackTop() + (hasErrorCode ? frameWidth() : 0);
        boolean innerStack = taken.level > cpu.cpl();
        taken.end = innerStack ? taken.frame + (long) FRAME_WORDS * frameWidth() : taken.stack;
        if (innerStack) {
            suspend();
        } else {
            leaveThoseBelow(taken.stack);
        }
    }

    private static int index(Kind kind, int vector) {
        return kind.ordinal() * InterruptTable.VECTORS + vector;
    }

    private int frameWidth() {
        return cpu.mode().usesDescriptors() ? cpu.mode().stackOperandSize() : 2;
    }

    private void enter(Delivered taken) {
        if (open != null && open.depth == DEPTH) {
            taken.outer = open.outer;
            omitted++;
        } else {
            taken.outer = open;
        }
        taken.depth = taken.outer == null ? 1 : taken.outer.depth + 1;
        open = taken;
    }

    private void suspend() {
        if (open != null) {
            if (waiting.size() == WAITING) {
                waiting.removeFirst();
            }
            waiting.addLast(open);
            open = null;
            omitted = 0;
        }
    }

    /** Where the stack ends above a frame, that handler has been left. */
    private void leaveThoseBelow(long stack) {
        if (open != null && open.end <= stack) {
            Delivered outer = open;
            suspend();
            while (outer != null && outer.end <= stack) {
                outer = outer.outer;
            }
            open = outer;
        }
    }

    @Override
    public void returns(long frame) {
        Delivered returned = open;
        if (returned == null || returned.frame != frame) {
            returned = find(open, frame);
            if (returned == null) {
                returned = findWaiting(frame);
            }
            if (returned == null && omitted > 0) {
                omitted--;
                return;
            }
            suspend();
        }
        if (returned != null) {
            open = returned.outer;
            finish(returned);
        }
    }

    private static Delivered find(Delivered innermost, long frame) {
        for (Delivered handler = innermost; handler != null; handler = handler.outer) {
            if (handler.frame == frame) {
                return handler;
            }
        }
        return null;
    }

    private Delivered findWaiting(long frame) {
        for (Delivered innermost : waiting) {
            Delivered found = find(innermost, frame);
            if (found != null) {
                waiting.remove(innermost);
                return found;
            }
        }
        return null;
    }

    private void finish(Delivered returned) {
        boolean back = cpu.eip == returned.eip;
        if (returned.place != null) {
            returned.place.returned(back, cpu.retired);
            returnedTo = returned.place;
            return;
        }
        finished[returned.vector]++;
        if (returned.awaited != null && back) {
            returned.awaited.stillThere(cpu.retired);
        }
        if (returned.kind == Kind.INTERRUPT
                && back
                && returned.registers.codeSelector() == cpu.segments[Cpu.CS].selector()) {
            returns[returned.vector]++;
            compare(returned);
        }
    }

    private void compare(Delivered returned) {
        CpuMode mode = returned.registers.mode();
        long mask = AddressPolicy.offsetMask(mode.stackOperandSize());
        int registers = mode.is64() ? Registers.NONE : Registers.RDI + 1;
        for (int i = Registers.RAX; i < registers; i++) {
            if (i != Registers.RSP && ((cpu.registers.gpr[i] ^ returned.registers.general(i)) & mask) != 0) {
                changes[returned.vector]++;
                if (changed == null) {
                    changed = returned;
                    after = new RegisterCopy(cpu);
                }
                return;
            }
        }
    }

    /** Returns all that is known now. */
    DeliveryLog log() {
        boolean isAgain = newest != null && newest.row > 1 && (isOpen(newest) || newest.isAt(cpu.retired));
        return new DeliveryLog(
                events(),
                openHandlers(),
                isAgain ? Optional.of(delivery(newest.rowBegan)) : Optional.empty(),
                isAgain ? newest.row : 0,
                Optional.ofNullable(changed)
                        .map(first -> new ChangedRegisters(
                                delivery(first), after.state(), changes[first.vector], returns[first.vector])));
    }

    private boolean isOpen(ExceptionPlace place) {
        for (Delivered handler = open; handler != null; handler = handler.outer) {
            if (handler == place.newest || handler.awaited == place) {
                return true;
            }
        }
        return false;
    }

    private List<Delivery> openHandlers() {
        List<Delivery> handlers = new ArrayList<>();
        for (Delivered handler = open; handler != null; handler = handler.outer) {
            handlers.add(delivery(handler));
        }
        Collections.reverse(handlers);
        return handlers;
    }

    private Delivery delivery(Delivered delivered) {
        int vector = delivered.vector;
        ExceptionPlace place = delivered.place;
        long done = place == null
                ? finished[vector]
                : places.values().stream()
                        .filter(one -> one.first.vector == vector)
                        .mapToLong(one -> one.finished(cpu.retired))
                        .sum();
        return delivered.delivery(place == null ? counts[index(delivered.kind, vector)] : place.times, done);
    }

    private List<TakenEvent> events() {
        List<TakenEvent> events = new ArrayList<>();
        long[] elsewhere = counts.clone();
        for (ExceptionPlace place : places.values()) {
            elsewhere[index(Kind.EXCEPTION, place.first.vector)] -= place.times;
            events.add(new TakenEvent(
                    Kind.EXCEPTION, place.first.vector, Optional.of(place.first.instruction()), place.times));
        }
        for (Kind kind : Kind.values()) {
            for (int vector = 0; vector < InterruptTable.VECTORS; vector++) {
                long times = elsewhere[index(kind, vector)];
                if (times > 0) {
                    events.add(new TakenEvent(kind, vector, Optional.empty(), times));
                }
            }
        }
        events.sort(Comparator.comparing(TakenEvent::kind).thenComparing(TakenEvent::vector));
        return events;
    }
}
