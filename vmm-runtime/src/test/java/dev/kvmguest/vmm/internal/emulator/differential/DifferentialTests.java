package dev.kvmguest.vmm.internal.emulator.differential;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.abort;
import static org.junit.jupiter.api.DynamicContainer.dynamicContainer;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.kvmguest.vmm.KvmKind;
import dev.kvmguest.vmm.NeedsKvm;
import dev.kvmguest.vmm.internal.emulator.EmulatorEngine;
import dev.kvmguest.vmm.internal.engine.Capabilities;
import dev.kvmguest.vmm.internal.engine.Feature;
import dev.kvmguest.vmm.internal.kvm.KvmEngine;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DynamicContainer;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;

/** Random programs end alike on the emulator and on this host's KVM. */
@NeedsKvm
@Tag("differential")
class DifferentialTests {

    private static final int PROGRAMS_OF_ONE_TEMPLATE = 25;
    private static final int STEPS_OF_ONE_TEMPLATE = 4;
    /** In protected and paged mode together. */
    private static final long FEWEST_INSTRUCTIONS = 100_000;

    private final Capabilities kvm = KvmEngine.instance().capabilities();
    private final List<KvmDifference> known = KvmDifference.listOf(KvmKind.ofThisHost());
    private final Map<Mode, Differential> engines = new EnumMap<>(Mode.class);

    @TestFactory
    Stream<DynamicContainer> programsEndAlikeOnKvm() {
        return Stream.concat(
                Arrays.stream(Mode.values()).map(this::programs),
                Stream.of(dynamicContainer(
                        "all", Stream.of(dynamicTest("enough instructions", this::countInstructions)))));
    }

    private DynamicContainer programs(Mode mode) {
        if (!kvm.has(mode.feature())) {
            String seen = "this KVM can't run " + mode.feature().words() + ": "
                    + kvm.finding(mode.feature()).seen();
            return dynamicContainer(mode.name(), Stream.of(dynamicTest("all", () -> abort(seen))));
        }
        List<DynamicTest> tests = new ArrayList<>();
        List<Template> comparable = comparable(mode, Template.all());
        tests.add(test(mode, "mixed instructions", () -> {
            ProgramGenerator generator = new ProgramGenerator(mode, comparable, Seeds.seed());
            return Stream.generate(generator::program).limit(mode.isLong() ? Seeds.count() / 4 : Seeds.count());
        }));
        for (Template template : comparable) {
            tests.add(test(mode, template.name(), () -> {
                ProgramGenerator generator = new ProgramGenerator(mode, List.of(template), Seeds.seed());
                return Stream.generate(() -> generator.program(STEPS_OF_ONE_TEMPLATE))
                        .limit(programsOfOneTemplate(mode));
            }));
        }
        for (Template template : comparable(mode, faults(mode))) {
            tests.add(test(mode, template.name(), () -> {
                ProgramGenerator generator = new ProgramGenerator(mode, comparable, Seeds.seed());
                return Stream.generate(() -> generator.programEndingIn(template))
                        .limit(programsOfOneTemplate(mode));
            }));
        }
        return dynamicContainer(mode.name(), tests);
    }

    /** Returns what ends in an exception's handler, if this KVM can get there. */
    private List<Template> faults(Mode mode) {
        return mode == Mode.REAL || mode.isLong() || kvm.has(Feature.PROTECTED_MODE_INTERRUPTS)
                ? FaultTemplates.all()
                : List.of();
    }

    /** Of long mode there are three, and in the kvm-lab time is short. */
    private static int programsOfOneTemplate(Mode mode) {
        return mode.isLong() ? PROGRAMS_OF_ONE_TEMPLATE / 3 : PROGRAMS_OF_ONE_TEMPLATE;
    }

    private void countInstructions() {
        long instructions = 0;
        for (Mode mode : List.of(Mode.FLAT, Mode.PAGED)) {
            if (!kvm.has(mode.feature())) {
                abort("this KVM can't run " + mode.feature().words());
            }
            instructions += onEmulatorAndKvm(mode).instructions();
        }
        System.out.println(
                "differential: " + instructions + " instructions of protected and paged mode compared with KVM ("
                        + KvmKind.ofThisHost().word() + "), " + Seeds.text());
        assertThat(instructions).isGreaterThanOrEqualTo(FEWEST_INSTRUCTIONS);
    }

    private List<Template> comparable(Mode mode, List<Template> templates) {
        return templates.stream()
                .filter(template -> template.modes().contains(mode))
                .filter(template -> !KvmDifference.covers(known, template, mode))
                .toList();
    }

    private DynamicTest test(Mode mode, String name, Supplier<Stream<Program>> programs) {
        return dynamicTest(name, () -> {
            Differential engines = onEmulatorAndKvm(mode);
            programs.get().forEach(program -> engines.divergence(program)
                    .ifPresent(report -> fail("emulator / KVM\n  " + report + "\nagain: " + Seeds.text())));
        });
    }

    private Differential onEmulatorAndKvm(Mode mode) {
        return engines.computeIfAbsent(
                mode,
                ignored -> new Differential(
                        new Executor(EmulatorEngine.instance(), mode, false),
                        new Executor(KvmEngine.instance(), mode, false),
                        // QEMU's exceptions never push RF.
                        end -> KvmKind.ofThisHost() == KvmKind.AMD_TCG ? end.withoutPushedRf() : end));
    }

    @AfterEach
    void closeMachines() {
        engines.values().forEach(Differential::close);
    }

    @TestFactory
    Stream<DynamicTest> listedDifferencesOfKvmAreStillThere() {
        List<Template> templates = new ArrayList<>(Template.all());
        templates.addAll(FaultTemplates.all());
        return known.stream().flatMap(difference -> difference.modes().stream()
                .filter(mode -> kvm.has(mode.feature()))
                .map(mode -> dynamicTest(difference.template() + " " + mode, () -> {
                    Template template = templates.stream()
                            .filter(candidate -> candidate.name().equals(difference.template()))
                            .findFirst()
                            .orElseThrow();
                    // What loses flags shows that only after something else has set them.
                    List<Template> used = templates.stream()
                            .filter(other -> other == template
                                    || template.name().equals("64: cmpxchg16b")
                                            && other.name().equals("64: mul, imul"))
                            .toList();
                    ProgramGenerator generator = new ProgramGenerator(mode, used, Seeds.seed());
                    assertThat(Stream.generate(() -> generator.program(STEPS_OF_ONE_TEMPLATE))
                                    .limit(PROGRAMS_OF_ONE_TEMPLATE))
                            .anyMatch(onEmulatorAndKvm(mode)::differs);
                })));
    }
}
