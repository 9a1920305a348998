package dev.kvmguest.junit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.image.SourceFolders;
import dev.kvmguest.vmm.outcome.Mismatch;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.outcome.Screen;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class GuestFilesTests {

    private static final Map<String, String> GITHUB = Map.of("GITHUB_ACTIONS", "true");

    @Test
    void gitHubIsToldOfAFailureAndNobodyElse() {
        Outcome outcome = new Outcome.TripleFault(Runs.run(""));
        GuestFiles files = files(Optional.empty(), List.of(outcome));

        assertThat(files.annotation(Map.of())).isEmpty();
        assertThat(files.annotation(GITHUB)).hasValueSatisfying(line -> assertThat(line)
                .startsWith("::error title=KernelTests.boots::no greeting%0Aguest ")
                .contains(" triple-faulted"));
    }

    @Test
    void gitHubIsToldWhyAGuestCouldNotBeRun() {
        assertThat(files(Optional.of(new VmmException("no KVM")), List.of()).annotation(GITHUB))
                .contains("::error title=KernelTests.boots::no KVM");
    }

    private static GuestFiles files(Optional<VmmException> refusal, List<Outcome> outcomes) {
        List<Mismatch> mismatches = List.of(Mismatch.of("no greeting"));
        return new GuestFiles(
                "",
                "KernelTests.boots",
                "kernel",
                refusal,
                outcomes,
                outcome -> mismatches,
                Screen.BLANK,
                new SourceFolders(Path.of("")),
                Optional.empty());
    }
}
