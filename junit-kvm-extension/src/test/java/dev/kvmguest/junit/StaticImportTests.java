package dev.kvmguest.junit;

import static dev.kvmguest.junit.GuestAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.outcome.Outcome;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Compiles only if both static imports can stand in one file. */
class StaticImportTests {

    @Test
    void theAssertionsOfBothLibrariesAreFoundByTheirArguments() {
        Outcome outcome = Runs.halted("Hello");
        Outcome.Halted halted = new Outcome.Halted(false, outcome.run());

        assertThat(assertThat(outcome)).isInstanceOf(OutcomeAssert.class);
        assertThat(assertThat(halted)).isInstanceOf(OutcomeAssert.class);
        assertThat(assertThat((Guest) null)).isInstanceOf(GuestAssert.class);
        assertThat(outcome.console()).isEqualTo("Hello");
        assertThat(List.of(outcome)).allSatisfy(each -> assertThat(each).halted());
        assertThat(outcome.run().wallMillis()).isPositive();
    }
}
