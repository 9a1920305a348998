package dev.kvmguest.sample.corpus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.report.TextReport;
import java.io.IOException;
import java.util.EnumSet;
import java.util.List;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Every guest of the corpus that hangs or halts does so with the report that is expected of it. */
abstract class HangingGuests {

    private final EngineChoice engine;

    HangingGuests(EngineChoice engine) {
        this.engine = engine;
    }

    @TestFactory
    List<DynamicTest> reportsAreThoseExpected() throws IOException {
        return FaultyGuest.hanging().stream()
                .map(guest -> dynamicTest(guest.name(), () -> check(guest)))
                .toList();
    }

    private void check(FaultyGuest guest) throws IOException {
        Outcome outcome = guest.run(engine);
        assertThat(outcome.kind())
                .as(TextReport.brief(outcome))
                .isIn(EnumSet.of(Outcome.Kind.TIMED_OUT, Outcome.Kind.HALTED));
        new ExpectedReport(guest).checkStandstill(outcome);
    }
}
