package dev.kvmguest.vmm.internal.postmortem;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.diagnosis.GuestInstruction;
import dev.kvmguest.vmm.diagnosis.HandledException;
import dev.kvmguest.vmm.internal.engine.Delivery;
import dev.kvmguest.vmm.internal.engine.DeliveryLog;
import dev.kvmguest.vmm.internal.inspection.LinearMemory;
import dev.kvmguest.vmm.internal.x86.CpuMode;
import dev.kvmguest.vmm.internal.x86.InterruptTable;
import dev.kvmguest.vmm.internal.x86.Vector;
import dev.kvmguest.vmm.memory.GuestMemory;
import dev.kvmguest.vmm.outcome.Outcome;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Finds the exception that a guest's end came from among those that its handlers took: the one that is raised again and
 * again; else the outermost one whose handler had not returned.
 *
 * <p>Left out is what nobody does by mistake: breakpoints and single steps, INT n, interrupts of devices but for those
 * at vectors of exceptions. An exception whose handler has done its work before, or has done it now and fails at its
 * IRET, isn't it either if another one came inside the handler.
 */
final class ExceptionOrigin {

    /** So often that the handler has had its chance. */
    private static final int ROUNDS = 3;

    /**
     * The exception that it came from.
     *
     * @param fault the exception, without symbols and advice
     * @param instructions how many instructions had been retired when it arose
     */
    record Found(Fault fault, long instructions) {

        /** Returns the same, with who has seen it, to follow "seen by" in a sentence. */
        Found seenBy(String who) {
            return new Found(fault.seenBy(who), instructions);
        }
    }

    private final DeliveryLog log;
    private final Outcome end;
    private final Optional<Fault> death;
    private final CpuState registers;
    private final LinearMemory memory;

    private ExceptionOrigin(
            DeliveryLog log, Outcome end, Optional<Fault> death, CpuState registers, GuestMemory memory) {
        this.log = log;
        this.end = end;
        this.death = death;
        this.registers = registers;
        this.memory = new LinearMemory(memory, registers);
    }

    /**
     * Returns the exception.
     *
     * @param log what was noted up to the end
     * @param end how the guest ended
     * @param death what led to a triple fault, if it did
     * @param memory the guest's RAM as its end left it
     * @return empty if the end came from no exception that a handler took
     */
    static Optional<Found> of(DeliveryLog log, Outcome end, Optional<Fault> death, GuestMemory memory) {
        Optional<CpuState> registers =
                death.map(Fault::registers).or(() -> end.run().registers());
        return registers.isEmpty() || !mayComeFromOne(end)
                ? Optional.empty()
                : new ExceptionOrigin(log, end, death, registers.get(), memory).find();
    }

    private static boolean mayComeFromOne(Outcome end) {
        return switch (end.kind()) {
            case TRIPLE_FAULT, TIMED_OUT, HALTED, RESET, UNSUPPORTED, ENGINE_ERROR -> true;
            case DEBUG_EXIT -> end.exitCode().orElse(0) != 0;
            // The handler that took it is the firmware's, which is as good as none.
            case UNHANDLED_EXCEPTION -> false;
            case HYPERCALL_EXIT, STOPPED -> false;
        };
    }

    private Optional<Found> find() {
        List<Delivery> suspects = suspects();
        for (int i = 0; i < suspects.size(); i++) {
            Delivery suspect = suspects.get(i);
            List<Delivery> inside = suspects.subList(i + 1, suspects.size());
            Optional<GuestInstruction> next = inside.stream()
                    .findFirst()
                    .map(Delivery::at)
                    .or(() -> death.filter(fault -> !fault.first().interrupt()).map(Fault::at));
            if (next.isEmpty() || !hasWorkingHandler(suspect, next.get())) {
                return Optional.of(new Found(fault(suspect, inside), suspect.instructions()));
            }
        }
        return Optional.empty();
    }

    /** Returns what the end may have come from, what is inside of which, the outermost first. */
    private List<Delivery> suspects() {
        List<Delivery> suspects =
                new ArrayList<>(stillOpen().stream().filter(this::isSuspect).toList());
        again().ifPresent(first -> {
            suspects.removeIf(open -> isSame(open, first));
            suspects.add(first);
            suspects.sort(Comparator.comparing(Delivery::instructions));
        });
        return suspects;
    }

    private Optional<Delivery> again() {
        return log.again().filter(first -> log.rounds() >= ROUNDS && !isOnPurpose(first));
    }

    private static boolean isSame(Delivery one, Delivery other) {
        return one.kind() == other.kind()
                && one.event().vector() == other.event().vector()
                && one.at().eip() == other.at().eip();
    }

    /** Returns the handlers that the stack can still return from. */
    private List<Delivery> stillOpen() {
        long stack = CpuMode.stackTop(registers);
        List<Delivery> open = new ArrayList<>();
        for (Delivery handler : log.open()) {
            if (Long.compareUnsigned(handler.end(), stack) > 0 && (!endedByItself() || isFrameThere(handler))) {
                open.add(handler);
            }
        }
        return open;
    }

    private boolean endedByItself() {
        return switch (end.kind()) {
            case HALTED, DEBUG_EXIT, RESET -> true;
            default -> false;
        };
    }

    private boolean isFrameThere(Delivery handler) {
        if (handler.frame() == Delivery.NO_FRAME) {
            return true;
        }
        int width = width(handler);
        int selector = handler.registers()
                .map(before -> before.segment(SegmentRegister.CS).selector())
                .orElse(0);
        OptionalLong pushed = memory.readInt(handler.frame() + width);
        return handler.registers().isEmpty() || pushed.isPresent() && (pushed.getAsLong() & 0xffff) == selector;
    }

    private int width(Delivery handler) {
        return handler.registers()
                .map(before -> before.longMode() ? 8 : before.protectedMode() ? 4 : 2)
                .orElse(4);
    }

    private boolean isSuspect(Delivery delivery) {
        return switch (delivery.kind()) {
            case EXCEPTION -> !isOnPurpose(delivery);
            case INTERRUPT ->
                delivery.event().vector() < InterruptTable.FIRST_EXTERNAL
                        && delivery.finished() == 0
                        && delivery.registers().filter(CpuState::protectedMode).isPresent();
            case SOFTWARE -> false;
        };
    }

    private static boolean isOnPurpose(Delivery delivery) {
        int vector = delivery.event().vector();
        return Vector.BP.is(vector) || Vector.OF.is(vector) || Vector.DB.is(vector);
    }

    /** Returns whether a handler does its work, so that an exception which came inside it is another matter. */
    private boolean hasWorkingHandler(Delivery delivery, GuestInstruction next) {
        OptionalLong address = delivery.event().cr2();
        boolean mapped = address.isPresent() && memory.isMapped(address.getAsLong());
        return delivery.finished() > 0 || mapped && next.text().startsWith("iret");
    }

    private Fault fault(Delivery first, List<Delivery> inside) {
        int rounds = again().filter(first::equals).isPresent() ? log.rounds() : 1;
        CpuState before = first.registers().orElse(registers);
        OptionalLong address = first.event().cr2();
        CpuState found =
                address.isEmpty() ? before : before.with(state -> state.set(Register.CR2, address.getAsLong()));
        return new Fault(
                first.at(),
                List.of(first.event()),
                whatBecameOfIt(rounds),
                first.lastInstructions(),
                found,
                "the emulator",
                List.of(),
                Optional.of(new Fault.Handler(
                        first.handler(),
                        Optional.empty(),
                        first.times(),
                        rounds,
                        inside.stream()
                                .limit(Fault.MOST_INSIDE)
                                .map(one -> new HandledException(one.event(), one.at()))
                                .toList())));
    }

    private String whatBecameOfIt(int rounds) {
        return rounds > 1
                ? "returned to the instruction, which raised it again and again"
                : "had not returned when "
                        + (end.kind() == Outcome.Kind.TIMED_OUT ? "the run ended" : "the guest " + end.describe());
    }
}
