package dev.kvmguest.vmm.internal.emulator.differential;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Makes random programs; the same from the same seed. */
final class ProgramGenerator {

    private static final int LONGEST = 30;
    private static final int DATA_PATTERNS = 16;

    private final Mode mode;
    private final List<Template> templates;
    private final Random random;

    /**
     * Creates a generator.
     *
     * @param templates what to choose from; those that can't stand in the mode are left out
     */
    ProgramGenerator(Mode mode, List<Template> templates, long seed) {
        this.mode = mode;
        this.templates = templates.stream()
                .filter(template -> template.modes().contains(mode))
                .toList();
        this.random = new Random(seed);
    }

    /** Makes a program of 1 to 30 steps. */
    Program program() {
        return program(1 + random.nextInt(LONGEST));
    }

    /** Makes a program of so many steps. */
    Program program(int length) {
        List<Step> steps = new ArrayList<>();
        for (int i = 0; i < length; i++) {
            steps.add(templates.get(random.nextInt(templates.size())).step(mode, random));
        }
        return startingAnyhow(steps);
    }

    /** Makes a program of some steps and one of another template. */
    Program programEndingIn(Template last) {
        List<Step> steps = new ArrayList<>(program(random.nextInt(4)).steps());
        // Its jumps must not lead past the last step.
        steps.removeIf(step -> step.skip() > 0);
        steps.add(last.step(mode, random));
        return startingAnyhow(steps);
    }

    private Program startingAnyhow(List<Step> steps) {
        long[] registers = mode.is64()
                ? random.longs(16).toArray()
                : random.ints(8).asLongStream().toArray();
        registers[Emitter.ESP] = Program.stackPointer(mode);
        long flags = mode.fixedFlags() | random.nextInt() & Emitter.ARITHMETIC_FLAGS;
        return new Program(mode, steps, registers, flags, random.nextInt(DATA_PATTERNS));
    }
}
