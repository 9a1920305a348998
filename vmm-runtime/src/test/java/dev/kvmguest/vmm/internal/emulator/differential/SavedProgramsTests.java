package dev.kvmguest.vmm.internal.emulator.differential;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.internal.emulator.EmulatorEngine;
import dev.kvmguest.vmm.internal.engine.SavedRuns;
import java.util.Random;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Random programs that are saved after each of their instructions end as they do in one go. */
@Timeout(60)
class SavedProgramsTests {

    private static final int PROGRAMS = 8;
    private static final long SEED = 1;
    /** A repeated instruction is an exit for each repetition. */
    private static final int MOST_EXITS = 40;

    @ParameterizedTest
    @EnumSource
    void programsGoOnFromEachInstruction(Mode mode) {
        ProgramGenerator generator = new ProgramGenerator(mode, Template.all(), SEED);
        int saved = 0;
        for (int i = 0; i < PROGRAMS; i++) {
            Program program = generator.program();
            byte[] data = new byte[Mode.STACK_END - Mode.DATA];
            new Random(program.dataSeed()).nextBytes(data);
            saved += new SavedRuns(
                            EmulatorEngine.instance(),
                            Mode.MEMORY,
                            memory -> {
                                mode.prepare(memory);
                                memory.write(mode.physicalData(), data);
                                memory.write(Mode.CODE, program.code());
                                return program.start();
                            },
                            true,
                            MOST_EXITS)
                    .assertAllEndAlike();
        }
        assertThat(saved).isGreaterThan(5 * PROGRAMS);
    }
}
