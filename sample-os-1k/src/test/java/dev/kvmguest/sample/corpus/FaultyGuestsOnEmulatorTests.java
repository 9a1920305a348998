package dev.kvmguest.sample.corpus;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.config.EngineChoice;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** On the emulator. */
class FaultyGuestsOnEmulatorTests extends FaultyGuests {

    FaultyGuestsOnEmulatorTests() {
        super(EngineChoice.EMULATOR);
    }

    @Override
    Optional<String> whyNot(CorpusFolder folder) {
        return Optional.empty();
    }

    @Override
    Optional<String> whyNot(FaultyGuest guest) {
        return Optional.empty();
    }

    @Override
    boolean givesUpAt(FaultyGuest guest) {
        return false;
    }

    @Test
    void everyExpectedReportIsThatOfAGuest() throws IOException {
        List<String> guests = CorpusFolder.allGuests().stream()
                .map(guest -> guest.folder().id() + "/" + guest.name())
                .toList();

        assertThat(ExpectedReport.names()).containsExactlyInAnyOrderElementsOf(guests);
    }

    /** Where no rule fits the facts stand alone. */
    @Test
    void someReportsHaveNoAdvice() throws IOException {
        assertThat(ExpectedReport.withoutAdvice()).hasSizeGreaterThanOrEqualTo(10);
    }
}
