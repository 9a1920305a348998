package dev.kvmguest.sample.corpus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;
import static org.junit.jupiter.api.DynamicContainer.dynamicContainer;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.report.TextReport;
import java.io.IOException;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicContainer;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Every guest of the corpus that hangs or halts does so with the report that is expected of it. */
abstract class HangingGuests {

    private final EngineChoice engine;

    HangingGuests(EngineChoice engine) {
        this.engine = engine;
    }

    /** Says why the engine can't run the guests of a boot mode; empty if it can. */
    abstract Optional<String> whyNot(BootMode mode);

    @TestFactory
    List<DynamicContainer> reportsAreThoseExpected() throws IOException {
        List<DynamicContainer> folders = new ArrayList<>();
        for (CorpusFolder folder : CorpusFolder.hanging()) {
            Optional<String> whyNot = whyNot(folder.mode());
            Stream<DynamicTest> tests = whyNot.isPresent()
                    ? Stream.of(dynamicTest("all", () -> abort(whyNot.get())))
                    : folder.guests().stream().map(guest -> dynamicTest(guest.name(), () -> check(guest)));
            folders.add(dynamicContainer(folder.id(), tests));
        }
        return folders;
    }

    private void check(FaultyGuest guest) throws IOException {
        Outcome outcome = guest.run(engine);
        assertThat(outcome.kind())
                .as(TextReport.brief(outcome))
                .isIn(EnumSet.of(Outcome.Kind.TIMED_OUT, Outcome.Kind.HALTED));
        new ExpectedReport(guest).checkStandstill(outcome);
    }
}
