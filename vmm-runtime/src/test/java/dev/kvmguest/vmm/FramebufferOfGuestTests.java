package dev.kvmguest.vmm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.kvmguest.vmm.NeedsKvm.Device;
import dev.kvmguest.vmm.bundle.Bundle;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.doctor.HostReport;
import dev.kvmguest.vmm.image.SourceFolders;
import dev.kvmguest.vmm.internal.boot.MultibootKernel;
import dev.kvmguest.vmm.outcome.Expectation;
import dev.kvmguest.vmm.outcome.Mismatch;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.outcome.Picture;
import dev.kvmguest.vmm.outcome.Screen;
import dev.kvmguest.vmm.report.HtmlReport;
import dev.kvmguest.vmm.report.JsonReport;
import dev.kvmguest.vmm.report.TextReport;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Multiboot kernels that draw into the framebuffer that they are told of, and what their runs show of it. */
@OnEachEngine
class FramebufferOfGuestTests {

    /** mov edi, [ebx + 88]: the framebuffer; cld */
    private static final String SETUP = "8b 7b 58 fc ";

    /** mov eax, 0xff112233; mov ecx, 40; rep stosd; mov eax, 0x00ff8000; stosd */
    private static final String DRAW = "b8 33 22 11 ff b9 28 00 00 00 f3 ab b8 00 80 ff 00 ab ";

    /** Two rows of the first colour, one pixel of the second, the rest as it was. */
    private static final Picture DRAWN =
            Picture.of(20, 10, (x, y) -> y < 2 ? 0x112233 : x == 0 && y == 2 ? 0xff8000 : 0);

    /** mov word [0xb8000], 0x0748: an H */
    private static final String WRITE = "66 c7 05 00 80 0b 00 48 07 ";

    private static final String HALT = "f4";

    private static final SourceFolders SOURCES = new SourceFolders(Path.of(""));

    private final EngineChoice engine;

    FramebufferOfGuestTests(EngineChoice engine) {
        Device.assumeFor(engine);
        this.engine = engine;
    }

    @Test
    void screenShowsWhatTheGuestDrew() {
        Screen screen = run(SETUP + DRAW + HALT).screen();

        assertThat(screen.framebuffer()).hasValue(DRAWN);
        assertThat(screen.picture()).isEqualTo(DRAWN);
        assertThat(Picture.ofPng(screen.toPng())).isEqualTo(DRAWN);
        assertThat(screen.isBlank()).isFalse();
        assertThat(screen.hasText()).isFalse();
        assertThat(screen).isNotEqualTo(Screen.BLANK);
    }

    @Test
    void framebufferThatNothingWasDrawnIntoLeavesTheTextScreen() {
        Screen screen = run(WRITE + HALT).screen();

        assertThat(screen.framebuffer()).isEmpty();
        assertThat(screen.text()).isEqualTo("H");
        assertThat(screen.picture()).hasToString("a picture of 640 x 400 pixels");
        assertThat(run(HALT).screen().isBlank()).isTrue();
    }

    @Test
    void blackThatWasDrawnIsAPicture() {
        // mov dword [edi], 0xff000000
        assertThat(run(SETUP + "c7 07 00 00 00 ff " + HALT).screen().framebuffer())
                .hasValue(Picture.of(20, 10, (x, y) -> 0));
    }

    @Test
    void textIsKnownBesideThePicture() {
        Screen screen = run(WRITE + SETUP + DRAW + HALT).screen();

        assertThat(screen.text()).isEqualTo("H");
        assertThat(screen.picture()).isEqualTo(DRAWN);
    }

    @Test
    void guestThatWritesPastItsFramebufferHasThePixelsThatAreInIt() {
        // mov ecx, 0x4000; mov eax, -1; rep stosd: past the framebuffer, which ends with RAM
        Outcome outcome = outcome(SETUP + "b9 00 40 00 00 b8 ff ff ff ff f3 ab " + HALT);

        assertThat(outcome.screen().framebuffer()).hasValue(Picture.of(20, 10, (x, y) -> 0xffffff));
    }

    @Test
    void reportsSayWhatWasDrawn() {
        Outcome outcome = run(SETUP + DRAW + HALT);

        assertThat(TextReport.brief(outcome)).endsWith("  screen: a picture of 20 x 10 pixels\n");
        assertThat(JsonReport.of(outcome))
                .contains("\"screen\": null,", "\"framebuffer\": {\n    \"width\": 20,\n    \"height\": 10\n  },");
        String page = HtmlReport.of(List.of(outcome), SOURCES);
        assertThat(page)
                .contains(
                        "width=\"20\" height=\"10\""
                                + " alt=\"what the guest drew into its framebuffer, a picture of 20 x 10 pixels\"",
                        "data:image/png;base64," + Base64.getEncoder().encodeToString(DRAWN.toPng()))
                .doesNotContain("what text memory has");
    }

    @Test
    void reportsHaveTheTextMemoryToo() {
        Outcome outcome = run(WRITE + SETUP + DRAW + HALT);

        assertThat(TextReport.brief(outcome))
                .endsWith("  screen: a picture of 20 x 10 pixels\n  text memory:\n  +---+\n  | H |\n  +---+\n");
        assertThat(JsonReport.of(outcome)).contains("\"screen\": \"H\"");
        assertThat(HtmlReport.of(List.of(outcome), SOURCES)).contains("what text memory has");
    }

    @Test
    void missingTextSaysThatThereIsAPicture() {
        Expectation expectation = Expectation.builder().screen("login:").build();

        assertThat(expectation.compare(run(SETUP + DRAW + HALT)))
                .extracting(Mismatch::sentence)
                .containsExactly("the screen does not contain \"login:\"; it shows a picture of 20 x 10 pixels and has"
                        + " no text");
    }

    @Test
    void bundleHasThePictureAndItsReplayDrawsItAgain() {
        try (Machine machine = machine(SETUP + DRAW + HALT)) {
            machine.run();
            Bundle bundle = machine.bundle(0, new HostReport(List.of(), List.of()), SOURCES);

            assertThat(Picture.ofPng(bundle.files().get("screen.png"))).isEqualTo(DRAWN);
            assertThat(bundle.replay(Duration.ofSeconds(30)).outcome().screen().framebuffer())
                    .hasValue(DRAWN);
        }
    }

    @Test
    void pictureIsSeenWhileTheGuestRunsAndUntilItsMachineIsClosed() throws Exception {
        // mov al, '!'; out 0xe9, al; here: jmp here
        Machine machine = machine(SETUP + DRAW + "b0 21 e6 e9 eb fe");
        try (machine) {
            assertThat(machine.screen().framebuffer()).isEmpty();
            machine.start();
            assertThat(machine.console().await("!", Duration.ofSeconds(10))).isPresent();

            assertThat(machine.screen().picture()).isEqualTo(DRAWN);

            machine.stop();
            assertThat(machine.run().screen().picture()).isEqualTo(DRAWN);
        }
        assertThatIllegalStateException().isThrownBy(machine::screen).withMessageContaining("closed");
    }

    private Outcome run(String code) {
        Outcome outcome = outcome(code);
        assertThat(outcome.kind()).isEqualTo(Outcome.Kind.HALTED);
        return outcome;
    }

    private Outcome outcome(String code) {
        try (Machine machine = machine(code)) {
            return machine.run();
        }
    }

    private Machine machine(String code) {
        VcpuConfig kernel = MultibootKernel.graphics(20, 10, TestGuest.bytes(code));
        return Machine.create(
                MachineConfig.builder().vcpu(kernel).engine(engine).build());
    }
}
