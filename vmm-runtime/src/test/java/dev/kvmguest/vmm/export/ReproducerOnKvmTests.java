package dev.kvmguest.vmm.export;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.NeedsKvm;
import dev.kvmguest.vmm.NeedsKvm.Device;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.internal.engine.Feature;
import dev.kvmguest.vmm.outcome.Outcome;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The C program of a run, compiled and run on this host's KVM, beside the runtime's own run there. */
@NeedsKvm
@Timeout(120)
class ReproducerOnKvmTests {

    @TempDir
    private Path folder;

    @BeforeEach
    void compiler() throws InterruptedException {
        CProgramRun.assumeCompiler();
    }

    private static EngineChoice engine(ExportedGuests exported) {
        exported.feature.ifPresent(feature -> Device.assumeFor(EngineChoice.KVM, feature));
        // Ticks of the host's clock come anywhere, and those of the emulator's while the guest waits for them.
        boolean ticks = exported == ExportedGuests.TICKS || exported == ExportedGuests.TICKS_AMID_CODE;
        return ticks ? EngineChoice.EMULATOR : EngineChoice.KVM;
    }

    private CProgramRun compileAndRun(String text) throws IOException, InterruptedException {
        return CProgramRun.of(folder, List.of(CProgramRun.compile(folder, text).toString()));
    }

    @ParameterizedTest
    @EnumSource
    void programEndsAsTheRuntimeDoesWithTheSameConsole(ExportedGuests exported)
            throws IOException, InterruptedException {
        ExportedGuests.Run run = exported.run(engine(exported));

        CProgramRun program = compileAndRun(run.program());

        assertThat(program.status()).as(program.messages()).isZero();
        assertThat(program.outcome()).isEqualTo(run.outcome().kind().id());
        assertThat(program.console())
                .isEqualTo(new String(run.outcome().run().consoleBytes(), StandardCharsets.ISO_8859_1));
        assertThat(program.messages()).doesNotContain("differs");
    }

    @Test
    void programSaysThatAnInterruptAmidCodeIsAGuess() throws IOException, InterruptedException {
        Device.assumeFor(EngineChoice.KVM, Feature.REAL_MODE_INTERRUPTS);

        String messages = compileAndRun(ExportedGuests.TICKS_AMID_CODE
                        .run(EngineChoice.EMULATOR)
                        .program())
                .messages();

        assertThat(messages)
                .containsOnlyOnce("interrupt 8 came while the guest executed: it may come some instructions earlier");
    }

    @Test
    void programSaysWithWhichExitItEndedAndInWhichState() throws IOException, InterruptedException {
        String messages = compileAndRun(
                        ExportedGuests.HALTS.run(EngineChoice.KVM).program())
                .messages();

        assertThat(messages)
                .containsPattern("(?m)^exit 2: KVM_EXIT_HLT rip=0x1005, interrupts off$")
                .containsPattern("(?m)^rip=0x1005 rsp=0x1000 rflags=0x2 ")
                .containsPattern("(?m)^rax=0x41 ");
    }

    @Test
    void programSaysTheRegistersOfLongModeToo() throws IOException, InterruptedException {
        Device.assumeFor(EngineChoice.KVM, Feature.LONG_MODE);

        String messages = compileAndRun(
                        ExportedGuests.HALTS_IN_LONG_MODE.run(EngineChoice.KVM).program())
                .messages();

        assertThat(messages)
                .containsPattern("(?m)^rip=0xffffffff80100016 ")
                .containsPattern("(?m)^r8=0x4c r9=0x0 .* r15=0x0 efer=0x500$");
    }

    @Test
    void programOfAnotherGuestsAnswersSaysWhereItDiffersAndGoesOn() throws IOException, InterruptedException {
        ExportedGuests.Run run = ExportedGuests.ECHOES_INPUT.run(EngineChoice.KVM);
        assertThat(run.outcome().kind()).isEqualTo(Outcome.Kind.HALTED);

        CProgramRun program = compileAndRun(run.program().replace("{ 0x500, 1, 0x77, 1 }", "{ 0x501, 1, 0x77, 1 }"));

        assertThat(program.console()).isEqualTo("t");
        assertThat(program.messages())
                .contains("differs from the recording at port access or HLT 5: the guest reads port 0x500\n")
                .contains("(the recording has IN from port 0x501 here, 1 bytes)\n");
        assertThat(program.outcome()).isEqualTo("halted");
    }

    @Test
    void programSaysThatItsOutcomeIsNotTheRecorded() throws IOException, InterruptedException {
        String text = ExportedGuests.HALTS.run(EngineChoice.KVM).program();

        CProgramRun program =
                compileAndRun(text.replace("#define RECORDED\t\"halted\"", "#define RECORDED\t\"reset\""));

        assertThat(program.messages()).contains("differs from the recording, which ends with reset\noutcome: halted\n");
    }
}
