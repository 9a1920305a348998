package dev.kvmguest.vmm.internal.replay;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.diagnosis.GuestInstruction;
import dev.kvmguest.vmm.internal.emulator.decode.CodeReader;
import dev.kvmguest.vmm.internal.inspection.Departure;
import dev.kvmguest.vmm.internal.inspection.LinearMemory;
import dev.kvmguest.vmm.internal.x86.CpuMode;
import dev.kvmguest.vmm.memory.MemoryLayout;
import dev.kvmguest.vmm.memory.MemoryLayout.Kind;
import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;

/**
 * Finds where a guest left its image for zeros, by replaying a run twice: once to see when it was among zeros first, by
 * looking every now and then, and once more to go through the time before step by step.
 *
 * @param recording of a run that has ended
 * @param origin where to start
 * @param layout where the image is
 * @param limit how long each replay may take
 */
public record ReplayedDeparture(Recording recording, Origin origin, MemoryLayout layout, Duration limit)
        implements Departure.Finder {

    private static final int INTERVAL = 16_384;
    /** What a memory operand led to is shown by so many bytes. */
    private static final int SHOWN = 8;
    /** So many are no code. */
    private static final int ZEROS = 8;

    @Override
    public Optional<Departure> intoZeros() {
        if (recording.isTooLong()) {
            return Optional.empty();
        }
        long from;
        try (Replay replay = Replay.of(recording, origin, limit)) {
            from = replay.instructions();
            boolean lost = false;
            boolean goesOn = true;
            while (goesOn && !lost) {
                goesOn = replay.runTo(from + INTERVAL);
                lost = isLost(replay, replay.cpu().state());
                from = goesOn && !lost ? from + INTERVAL : from;
            }
            if (!lost) {
                return Optional.empty();
            }
        }
        return stepThrough(from);
    }

    private Optional<Departure> stepThrough(long from) {
        try (Replay replay = Replay.of(recording, origin, limit)) {
            replay.runTo(from);
            Optional<Departure> last = Optional.empty();
            CpuState before = replay.cpu().state();
            boolean inside = isInside(replay, before);
            boolean goesOn = true;
            while (goesOn && replay.instructions() < from + INTERVAL) {
                GuestInstruction by = inside ? replay.cpu().nextInstruction() : null;
                byte[] code = inside ? operand(replay, before, by) : null;
                long retired = replay.instructions();
                goesOn = replay.step();
                CpuState after = replay.cpu().state();
                boolean insideNow = isInside(replay, after);
                if (inside && !insideNow) {
                    last = Optional.of(new Departure(by.namedBy(origin.image()), before, after, code, retired));
                }
                before = after;
                inside = insideNow;
            }
            return last;
        }
    }

    private boolean isLost(Replay replay, CpuState registers) {
        return !isInside(replay, registers)
                && new LinearMemory(replay.memory(), registers)
                        .read(registers.instructionAddress(), ZEROS)
                        .filter(bytes -> Arrays.equals(bytes, new byte[ZEROS]))
                        .isPresent();
    }

    private boolean isInside(Replay replay, CpuState registers) {
        return new LinearMemory(replay.memory(), registers)
                .physical(registers.instructionAddress()).stream()
                        .anyMatch(physical -> layout.isIn(Kind.IMAGE, physical));
    }

    private static byte[] operand(Replay replay, CpuState registers, GuestInstruction by) {
        return CodeReader.decode(by, CpuMode.of(registers))
                .map(instruction -> instruction.op0)
                .filter(operand -> operand != null && operand.isMemory())
                .flatMap(operand -> new LinearMemory(replay.memory(), registers).read(operand.linear(registers), SHOWN))
                .orElse(new byte[0]);
    }
}
