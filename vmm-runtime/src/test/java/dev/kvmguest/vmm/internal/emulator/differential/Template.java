package dev.kvmguest.vmm.internal.emulator.differential;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Makes random steps of one kind of instruction.
 *
 * @param name what the instruction is called in reports and lists
 * @param modes where it can stand
 * @param emit writes a step
 */
record Template(String name, Set<Mode> modes, Consumer<Emitter> emit) {

    private static final List<Template> ALL = collect();

    static Template of(String name, Consumer<Emitter> emit) {
        return new Template(name, Mode.OF_32_BITS, emit);
    }

    static Template of(String name, Set<Mode> modes, Consumer<Emitter> emit) {
        return new Template(name, modes, emit);
    }

    /** Returns all that go on with the next step. */
    static List<Template> all() {
        return ALL;
    }

    private static List<Template> collect() {
        List<Template> all = new ArrayList<>();
        all.addAll(ArithmeticTemplates.all());
        all.addAll(ShiftTemplates.all());
        all.addAll(DataTemplates.all());
        all.addAll(StringTemplates.all());
        all.addAll(StackTemplates.all());
        all.addAll(ControlTemplates.all());
        all.addAll(SystemTemplates.all());
        all.addAll(LongTemplates.all());
        return List.copyOf(all);
    }

    Step step(Mode mode, Random random) {
        Emitter emitter = new Emitter(mode, random);
        emit.accept(emitter);
        return emitter.step(name);
    }
}
