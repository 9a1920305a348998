package dev.kvmguest.vmm.internal.emulator.hardware;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.decode.Trait;
import dev.kvmguest.vmm.internal.x86.CpuMode;
import dev.kvmguest.vmm.internal.x86.Vector;
import java.io.IOException;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Has both processors execute batches, and compares them after each step. */
final class Comparison {

    private static final int MOST_SHOWN = 400;

    private final HardwareProcessor hardware;
    /** For code of 16 and 32 bits two, of which batches have one by turns: in protected and in compatibility mode. */
    private final List<EmulatedProcessor> emulators;

    private EmulatedProcessor emulator;
    private final ProcessorState before = new ProcessorState();
    private final ProcessorState real = new ProcessorState();
    private final ProcessorState emulated = new ProcessorState();
    private final Window window;
    private final byte[] memory;

    private final Map<String, Long> kinds = new TreeMap<>();
    private final Map<Integer, Long> ends = new TreeMap<>();
    private final Map<Difference, Long> differences = new EnumMap<>(Difference.class);
    private final Map<String, Long> divergences = new TreeMap<>();
    private final Map<String, String> shown = new LinkedHashMap<>();
    private long steps;
    private int batches;

    Comparison(HardwareProcessor hardware) {
        this.hardware = hardware;
        this.window = hardware.window();
        this.emulators = window.is64()
                ? List.of(new EmulatedProcessor(hardware, false))
                : List.of(new EmulatedProcessor(hardware, false), new EmulatedProcessor(hardware, true));
        this.memory = new byte[window.size()];
    }

    long steps() {
        return steps;
    }

    /** Executes and compares a batch that has been sent to the hardware. */
    void compare(Batch batch) throws IOException {
        emulator = emulators.get(batches++ % emulators.size());
        emulator.setMemory(batch.memory());
        for (Sequence sequence : batch.sequences()) {
            before.copy(sequence.start());
            System.arraycopy(batch.memory(), 0, memory, 0, memory.length);
            emulator.setData(memory);
            emulator.load(before);
            for (Step step : sequence.steps()) {
                hardware.next(real, memory);
                String end = emulator.step(sequence, step, before.selectors[Cpu.SS], emulated);
                compare(sequence, step, end);
                before.copy(real);
                steps++;
            }
        }
    }

    private void compare(Sequence sequence, Step step, String end) {
        kinds.merge(kind(step), 1L, Long::sum);
        ends.merge(real.vector, 1L, Long::sum);
        int firstChange = emulator.firstDifference(memory);
        if (end.isEmpty() && firstChange < 0 && real.agrees(emulated)) {
            return;
        }
        int lastChange = emulator.lastDifference(memory);
        Executed executed = new Executed(sequence, step, before, real, emulated, firstChange, lastChange);
        if (!end.isEmpty()) {
            note(executed, end);
        } else {
            int undefined = UndefinedFlags.after(executed);
            emulated.eflags = emulated.eflags & ~undefined | real.eflags & undefined;
            if (!executed.isAlike()) {
                judge(executed);
            }
        }
        emulator.load(real);
        if (firstChange >= 0) {
            emulator.setData(memory);
        }
    }

    private void judge(Executed executed) {
        for (Difference difference : Difference.values()) {
            if (difference.covers(executed)) {
                differences.merge(difference, 1L, Long::sum);
                return;
            }
        }
        if (emulator.isInTables(emulated.cr2) && emulated.vector == Vector.PF.number()) {
            // They have to be somewhere; at the processor's addresses is nothing there.
            return;
        }
        note(executed, "");
    }

    private void note(Executed executed, String end) {
        String summary = Divergence.summary(executed, end);
        divergences.merge(summary, 1L, Long::sum);
        if (shown.size() < MOST_SHOWN) {
            String where = executed.memoryDiffers()
                    ? String.format(
                            Locale.ROOT,
                            ", memory from %x to %x",
                            window.linear(executed.firstChange()),
                            window.linear(executed.lastChange()))
                    : "";
            shown.computeIfAbsent(summary, ignored -> Divergence.describe(executed, end, where));
        }
    }

    private static String kind(Step step) {
        if (step.instruction().isEmpty()) {
            return "invalid";
        }
        var mnemonic = step.instruction().get().mnemonic;
        if (mnemonic.is(Trait.X87)) {
            return "x87";
        }
        if (mnemonic.is(Trait.SIMD)) {
            return "MMX and SSE";
        }
        if (mnemonic.is(Trait.STRING)) {
            return "string";
        }
        return Generator.ELSEWHERE.contains(mnemonic) ? "jump, call and return" : "integer";
    }

    /** Returns the divergences that nothing explains, each with an example; empty if there are none. */
    String divergences() {
        StringBuilder text = new StringBuilder();
        divergences.forEach((summary, count) -> text.append(count)
                .append(" times ")
                .append(summary)
                .append('\n')
                .append(shown.containsKey(summary) ? "  " + shown.get(summary) + '\n' : ""));
        return text.toString();
    }

    /** Returns how many steps the emulator has executed in each mode. */
    Map<CpuMode, Long> modes() {
        Map<CpuMode, Long> all = new EnumMap<>(CpuMode.class);
        emulators.forEach(one -> one.modes().forEach((mode, count) -> all.merge(mode, count, Long::sum)));
        return all;
    }

    /** Returns how many steps there were, by kind, by the emulator's mode, by how they ended, and by accepted difference. */
    String statistics() {
        String byKind = kinds.entrySet().stream()
                .map(entry -> entry.getValue() + " " + entry.getKey())
                .collect(Collectors.joining(", "));
        String byEnd = ends.entrySet().stream()
                .map(entry -> entry.getValue() + " " + end(entry.getKey()))
                .collect(Collectors.joining(", "));
        String byDifference = differences.entrySet().stream()
                .map(entry -> "\n  " + entry.getValue() + " times " + entry.getKey() + ": "
                        + entry.getKey().reason())
                .collect(Collectors.joining());
        return steps + " steps: " + byKind + "; " + modes() + "; ended in: " + byEnd + byDifference;
    }

    private static String end(int vector) {
        if (vector == Executed.ENDLESS) {
            return "nothing";
        }
        return vector == Vector.DB.number() ? "trace" : Vector.of(vector).text();
    }
}
