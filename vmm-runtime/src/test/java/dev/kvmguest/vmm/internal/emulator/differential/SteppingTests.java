package dev.kvmguest.vmm.internal.emulator.differential;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.internal.emulator.EmulatorEngine;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Random programs end alike whether the emulator executes blocks or comes back after each instruction. */
class SteppingTests {

    @ParameterizedTest
    @EnumSource
    void steppingChangesNothing(Mode mode) {
        ProgramGenerator generator = new ProgramGenerator(mode, Template.all(), Seeds.seed());
        try (Differential differential = new Differential(
                new Executor(EmulatorEngine.instance(), mode, false),
                new Executor(EmulatorEngine.instance(), mode, true))) {
            for (int i = 0; i < Seeds.count() / 4; i++) {
                assertThat(differential.divergence(generator.program())).isEmpty();
            }
        }
    }
}
