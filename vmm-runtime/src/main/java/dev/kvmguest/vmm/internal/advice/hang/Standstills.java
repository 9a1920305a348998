package dev.kvmguest.vmm.internal.advice.hang;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.diagnosis.GuestInstruction;
import dev.kvmguest.vmm.diagnosis.Standstill;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.internal.inspection.LinearMemory;
import dev.kvmguest.vmm.internal.x86.AddressPolicy;
import dev.kvmguest.vmm.internal.x86.CpuMode;
import dev.kvmguest.vmm.memory.GuestMemory;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Explains where a guest hung or halted. */
public final class Standstills {

    /** A loop that is longer is shown from its head on. */
    private static final int LONGEST_LOOP = 64;

    /** More than these are no wait any more. */
    private static final int MOST_POLLS = 6;

    private static final byte HLT = (byte) 0xf4;

    private Standstills() {}

    /**
     * Returns what can be said of it.
     *
     * @param seen what was seen of it
     * @param surroundings what was around it
     * @param image what it runs
     * @param memory its RAM, as it is after that was seen
     */
    public static Standstill of(HangTrace seen, InterruptContext context, GuestImage image, GuestMemory memory) {
        StepReader reader = new StepReader(memory);
        LinearMemory now = new LinearMemory(memory, seen.registers());
        Optional<SpinLoop> loop = SpinLoop.at(seen.steps());
        List<Poll> polls = Poll.of(loop.map(SpinLoop::steps).orElse(seen.steps()), now).stream()
                .limit(MOST_POLLS)
                .toList();
        GuestInstruction at = at(seen.registers(), seen.halted(), reader, image);
        HangEvidence evidence = new HangEvidence(at, seen, loop, polls, context, image, now);
        return new Standstill(
                at,
                seen.registers().interruptsEnabled(),
                samples(seen.samples(), reader, image),
                loop.map(found -> instructions(found, reader, image)).orElse(List.of()),
                polls.stream().map(poll -> poll.sentence(image)).toList(),
                InterruptFacts.of(evidence),
                HangAdvice.of(evidence));
    }

    /**
     * Returns what can be said of a guest that has halted with interrupts off while the interrupt controllers had
     * nothing for it: most do, and nothing is wrong with them.
     */
    public static Standstill ofHalt(CpuState registers, GuestImage image) {
        return new Standstill(halt(registers, image), false, List.of(), List.of(), List.of(), List.of(), List.of());
    }

    /**
     * Returns what can be said of a guest that the user has stopped: where it was, without a word about what may be
     * wrong.
     *
     * @param halted whether it was halted
     */
    public static Standstill ofStop(CpuState registers, boolean halted, GuestImage image, GuestMemory memory) {
        GuestInstruction at = at(registers, halted, new StepReader(memory), image);
        List<Standstill.Sample> seen = halted ? List.of() : List.of(new Standstill.Sample(at, 1));
        return new Standstill(at, registers.interruptsEnabled(), seen, List.of(), List.of(), List.of(), List.of());
    }

    private static GuestInstruction at(CpuState registers, boolean halted, StepReader reader, GuestImage image) {
        return halted
                ? halt(registers, image)
                : reader.instruction(registers, place(registers, false)).namedBy(image);
    }

    /** Returns the instruction that a halted guest has just executed, which need not be read: nothing else halts. */
    private static GuestInstruction halt(CpuState registers, GuestImage image) {
        long place = place(registers, true);
        return new GuestInstruction(
                place, new byte[] {HLT}, "hlt", image.symbolWithOffset(place), image.sourceAt(place));
    }

    /** Returns the offset of the instruction at which a guest stands: HLT is a byte long. */
    private static long place(CpuState registers, boolean halted) {
        long mask = AddressPolicy.offsetMask(CpuMode.of(registers).addressSize());
        return halted ? registers.eip() - 1 & mask : registers.eip();
    }

    private static List<Standstill.Sample> samples(
            List<HangTrace.Sample> samples, StepReader reader, GuestImage image) {
        Map<Long, Integer> times = new LinkedHashMap<>();
        Map<Long, CpuState> states = new LinkedHashMap<>();
        for (HangTrace.Sample sample : samples) {
            long place = place(sample.registers(), sample.halted());
            times.merge(place, 1, Integer::sum);
            states.putIfAbsent(place, sample.registers());
        }
        return times.entrySet().stream()
                .sorted(Map.Entry.<Long, Integer>comparingByValue().reversed())
                .map(entry -> new Standstill.Sample(
                        reader.instruction(states.get(entry.getKey()), entry.getKey())
                                .namedBy(image),
                        entry.getValue()))
                .toList();
    }

    private static List<GuestInstruction> instructions(SpinLoop loop, StepReader reader, GuestImage image) {
        return loop.round().stream()
                .limit(LONGEST_LOOP)
                .map(step ->
                        reader.instruction(step.before(), step.before().eip()).namedBy(image))
                .toList();
    }
}
