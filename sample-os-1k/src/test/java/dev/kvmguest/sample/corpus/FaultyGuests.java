package dev.kvmguest.sample.corpus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;
import static org.junit.jupiter.api.DynamicContainer.dynamicContainer;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.report.TextReport;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicContainer;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Every guest of the corpus that dies does so with the report that is expected of it. Each subclass runs them on an engine. */
abstract class FaultyGuests {

    private final EngineChoice engine;

    FaultyGuests(EngineChoice engine) {
        this.engine = engine;
    }

    /** Says why the engine can't run the guests of a folder; empty if it can. */
    abstract Optional<String> whyNot(CorpusFolder folder);

    /** Says why the engine can't be given a guest; empty if it can. */
    abstract Optional<String> whyNot(FaultyGuest guest);

    /** Returns whether the engine gives up where a processor shuts down, so that the fault is the emulator's. */
    abstract boolean givesUpAt(FaultyGuest guest);

    @TestFactory
    List<DynamicContainer> reportsAreThoseExpected() throws IOException {
        List<DynamicContainer> folders = new ArrayList<>();
        for (CorpusFolder folder : CorpusFolder.dying()) {
            Optional<String> whyNot = whyNot(folder);
            Stream<DynamicTest> tests = whyNot.isPresent()
                    ? Stream.of(dynamicTest("all", () -> abort(whyNot.get())))
                    : folder.guests().stream().map(guest -> dynamicTest(guest.name(), () -> check(guest)));
            folders.add(dynamicContainer(folder.id(), tests));
        }
        return folders;
    }

    private void check(FaultyGuest guest) throws IOException {
        whyNot(guest).ifPresent(why -> abort(why));
        Outcome outcome = guest.run(engine);
        assertThat(outcome.run().diagnosis().divergence()).isEmpty();
        if (givesUpAt(guest)) {
            assertThat(outcome).as(TextReport.brief(outcome)).isInstanceOf(Outcome.Unsupported.class);
            new ExpectedReport(guest).checkFault(outcome);
        } else {
            assertThat(outcome).as(TextReport.brief(outcome)).isInstanceOf(Outcome.TripleFault.class);
            new ExpectedReport(guest).check(outcome);
        }
    }
}
