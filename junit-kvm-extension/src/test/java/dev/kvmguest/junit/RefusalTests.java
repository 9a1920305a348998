package dev.kvmguest.junit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.outcome.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Guests that no host can run, with or without KVM: nothing is skipped, nothing passes. */
class RefusalTests {

    @TempDir
    private Path root;

    @Test
    void aGuestThatThisHostCannotRunFailsItsTestAndPublishesWhy() throws IOException {
        Throwable failure = Fixture.failuresOf(Fixture.run(TooManyVcpus.class, Map.of(), new Fixture.Folder(root)))
                .get(0);

        assertThat(failure).isInstanceOf(VmmException.class);
        try (Stream<Path> files = Files.walk(root)) {
            assertThat(files.filter(Files::isRegularFile)).singleElement().satisfies(file -> assertThat(file)
                    .hasFileName("guest.json")
                    .content()
                    .contains("\"outcome\": \"unsupported\"", "\"engineReason\": \""));
        }
    }

    static class TooManyVcpus {
        @Test
        @KvmGuest(image = TestGuests.HELLO, vcpus = 100_000, engine = EngineChoice.KVM)
        void runs(List<Outcome> outcomes) {}
    }

    @Test
    void aRefusalThatTheBodySwallowedStillFails() {
        assertThat(Fixture.failureOf(SwallowsTheRefusal.class))
                .isInstanceOf(AssertionError.class)
                .hasMessageStartingWith(SwallowsTheRefusal.class.getName() + ".runs: the guest could not be run: ");
    }

    static class SwallowsTheRefusal {
        @Test
        @KvmGuest(image = TestGuests.HELLO, vcpus = 100_000, engine = EngineChoice.KVM)
        void runs(Guest guest) {
            try {
                guest.await();
            } catch (VmmException e) {
                assertThat(e).hasMessageNotContainingAny("100000 guests");
            }
        }
    }
}
