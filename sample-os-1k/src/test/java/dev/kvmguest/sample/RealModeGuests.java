package dev.kvmguest.sample;

import static dev.kvmguest.junit.GuestAssertions.assertThat;

import dev.kvmguest.junit.Guest;
import dev.kvmguest.junit.GuestTest;
import dev.kvmguest.junit.KvmGuest;
import dev.kvmguest.vmm.outcome.Outcome;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Each guest in real mode, with its exact output. Each subclass runs them on an engine. */
abstract class RealModeGuests {

    private static final String COUNTED = "0123456789\n";
    private static final String NUMBERS_OF_FIBONACCI =
            "0 1 1 2 3 5 8 13 21 34 55 89 144 233 377 610 987 1597 2584 4181 6765 10946 17711 28657 46368\n";
    private static final String PRODUCT_MATRIX = "30 24 18\n84 69 54\n138 114 90\n";

    @GuestTest(id = "minimal", outcome = Outcome.Kind.HALTED)
    void minimalGuestHalts() {}

    @Test
    @KvmGuest("hello")
    void helloGreetsBetweenTwoPostCodes(Outcome outcome) {
        assertThat(outcome).halted().hasConsole("Hello, World!\n").wrotePort(0x80, 0x01, 0x02);
    }

    @Test
    @KvmGuest("counter")
    void counterCountsFromZeroToNine(Outcome outcome) {
        assertThat(outcome).halted().hasConsole(COUNTED);
    }

    @Test
    @KvmGuest("multiplication")
    void multiplicationPrintsTheTablesFromTwoToNine(Outcome outcome) {
        assertThat(outcome).halted().hasConsole(multiplicationTables());
    }

    @Test
    @KvmGuest("fibonacci")
    void fibonacciPrintsTheNumbersThatFitIn16Bits(Outcome outcome) {
        assertThat(outcome).halted().hasConsole(NUMBERS_OF_FIBONACCI);
    }

    @Test
    @KvmGuest("matrix")
    void matrixPrintsTheProduct(Outcome outcome) {
        assertThat(outcome).halted().hasConsole(PRODUCT_MATRIX);
    }

    @Test
    @KvmGuest(value = "hypercall", input = "Ada\n")
    void hypercallGreetsByTheNameTyped(Outcome outcome) {
        assertThat(outcome).hypercallExited().hasConsole("Who is there? Hello, Ada!\n");
    }

    @Test
    @KvmGuest("hypercall")
    void hypercallGoesOnWithoutInput(Outcome outcome) {
        assertThat(outcome).hypercallExited().hasConsole("Who is there? Hello, !\n");
    }

    @Test
    @KvmGuest(value = "hang", timeout = "200ms")
    void hangIsStoppedAtItsTimeLimit(Outcome outcome) {
        assertThat(outcome).timedOut().hasConsole("looping for ever\n");
    }

    @Test
    @KvmGuest("hang")
    void hangingGuestCanBeWatchedWhileItRuns(Guest guest) {
        guest.awaitOutput("looping for ever\n");
        assertThat(guest).isRunning();
    }

    @Test
    @KvmGuest({"counter", "multiplication", "fibonacci", "matrix"})
    void fourGuestsRunSideBySideOnFourVcpus(List<Outcome> outcomes) {
        assertThat(outcomes.get(0)).halted().hasConsole(COUNTED);
        assertThat(outcomes.get(1)).halted().hasConsole(multiplicationTables());
        assertThat(outcomes.get(2)).halted().hasConsole(NUMBERS_OF_FIBONACCI);
        assertThat(outcomes.get(3)).halted().hasConsole(PRODUCT_MATRIX);
    }

    private static String multiplicationTables() {
        return IntStream.rangeClosed(2, 9)
                .boxed()
                .flatMap(table -> IntStream.rangeClosed(1, 9)
                        .mapToObj(line -> table + " x " + line + " = " + table * line + "\n"))
                .collect(Collectors.joining());
    }
}
