package dev.kvmguest.vmm.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NearNamesTests {

    private static final List<String> KNOWN =
            List.of("timeout", "console", "exitCode", "ports", "panics", "kernel_panic", "id", "main");

    @ParameterizedTest
    @CsvSource({
        "timout, timeout",
        "timeuot, timeout",
        "TimeOut, timeout",
        "exit_code, exitCode",
        "exitcode, exitCode",
        "port, ports",
        "ID, id",
        "consle, console"
    })
    void slipOfAFewLettersIsRecognized(String written, String meant) {
        assertThat(NearNames.of(written, KNOWN)).first().isEqualTo(meant);
    }

    @Test
    void nearestComesFirstAndPartsOfNamesCount() {
        assertThat(NearNames.of("panic", KNOWN)).containsExactly("panics", "kernel_panic");
        assertThat(NearNames.question("panic", KNOWN)).isEqualTo("; did you mean panics or kernel_panic?");
    }

    @Test
    void noMoreThanThreeAreNamed() {
        assertThat(NearNames.of("f0", List.of("f1", "f2", "f3", "f4"))).containsExactly("f1", "f2", "f3");
    }

    @ParameterizedTest
    @CsvSource({"colour", "x1", "supercalifragilistic", "''"})
    void nothingIsGuessedForWhatIsFarFromAll(String written) {
        assertThat(NearNames.of(written, List.of("timeout", "console", "ports")))
                .isEmpty();
        assertThat(NearNames.question(written, List.of("timeout", "console", "ports")))
                .isEmpty();
    }
}
