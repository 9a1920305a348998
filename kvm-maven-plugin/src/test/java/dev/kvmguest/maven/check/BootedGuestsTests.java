package dev.kvmguest.maven.check;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.Milestone;
import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.outcome.Expectation;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Checks that go on from where their guest was booted once. */
class BootedGuestsTests {

    /** Writes '>', and then each byte typed on COM1 until a q is typed. */
    private static final String PROMPT = "b03ee6e9" + "bafd03eca80174fbb2f8ec" + "3c717404" + "e6e9ebed" + "f4";

    @TempDir
    private Path classes;

    @BeforeEach
    void build() throws IOException {
        Path folder = Files.createDirectories(classes.resolve("META-INF/kvm-guests/prompt"));
        Files.writeString(folder.resolve("guest.properties"), "id=prompt\nimage=prompt.bin\nboot=real\n");
        Files.write(folder.resolve("prompt.bin"), HexFormat.of().parseHex(PROMPT));
    }

    private static GuestCheck check(String until, String input, EngineChoice engine) {
        return new GuestCheck(
                "prompt",
                "prompt",
                input,
                Optional.of(Milestone.console(until)),
                Expectation.builder().build(),
                Duration.ofSeconds(5),
                MachineConfig.DEFAULT_DATE,
                engine,
                List.of(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty());
    }

    @Test
    void guestIsBootedOnceAndEachCheckTypesItsInput() throws IOException {
        try (BuiltGuests built = new BuiltGuests(classes)) {
            assertThat(built.boot(check(">", "aq", EngineChoice.EMULATOR)).console())
                    .isEqualTo(">a");
            // A boot from now on would be of a guest that only halts.
            Files.write(classes.resolve("META-INF/kvm-guests/prompt/prompt.bin"), new byte[] {(byte) 0xf4});

            assertThat(built.boot(check(">", "bcq", EngineChoice.EMULATOR)).console())
                    .isEqualTo(">bc");
        }
    }

    @Test
    void guestThatDoesNotComeThereHasNoVerdict() {
        try (BuiltGuests built = new BuiltGuests(classes)) {
            for (int i = 0; i < 2; i++) {
                assertThatThrownBy(() -> built.boot(check("Select:", "q", EngineChoice.EMULATOR)))
                        .isInstanceOf(VmmException.class)
                        .hasMessageStartingWith("the guest was to be booted until its console has \"Select:\", but it ")
                        .hasMessageContaining("| >");
            }
        }
    }
}
