package dev.kvmguest.junit;

import dev.kvmguest.vmm.Machine;
import dev.kvmguest.vmm.Outcome;
import dev.kvmguest.vmm.Screen;
import dev.kvmguest.vmm.VmmException;
import dev.kvmguest.vmm.report.JsonReport;
import java.nio.file.Files;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.MediaType;

/**
 * What a failed test's guest wrote and how it ended, as files for people and tools that come later.
 *
 * @param prefix what the files' names start with
 * @param guest the image's name
 * @param refusal why the guest could not be run, if it could not
 * @param outcomes how each vCPU ended; empty if nothing was booted
 * @param screen what the machine's screen showed
 */
record GuestFiles(String prefix, String guest, Optional<VmmException> refusal, List<Outcome> outcomes, Screen screen) {

    /** Returns the files of a test that has a guest. */
    static GuestFiles of(GuestSession session, List<Outcome> outcomes) {
        return new GuestFiles(
                "",
                session.config().vcpus().get(0).image().name(),
                session.refusal(),
                outcomes,
                session.booted().map(Machine::screen).orElse(Screen.BLANK));
    }

    /** Publishes the files; where the test's launcher takes none, says so beside the failure. */
    void publish(ExtensionContext context, Throwable failure) {
        try {
            if (refusal.isPresent()) {
                publish(
                        context,
                        "guest.json",
                        MediaType.APPLICATION_JSON_UTF_8,
                        JsonReport.ofRefusal(guest, refusal.get().getMessage()));
            } else if (!outcomes.isEmpty()) {
                publish(context, "guest.json", MediaType.APPLICATION_JSON_UTF_8, JsonReport.of(outcomes));
            }
            for (int i = 0; i < outcomes.size(); i++) {
                String name = outcomes.size() == 1 ? "console.txt" : "console-" + i + ".txt";
                publish(
                        context,
                        name,
                        MediaType.TEXT_PLAIN_UTF_8,
                        outcomes.get(i).console());
            }
            if (!screen.isBlank()) {
                publish(context, "screen.txt", MediaType.TEXT_PLAIN_UTF_8, screen.text());
                context.publishFile(
                        prefix + "screen.png", MediaType.IMAGE_PNG, file -> Files.write(file, screen.toPng()));
            }
        } catch (RuntimeException e) {
            failure.addSuppressed(e);
        }
    }

    private void publish(ExtensionContext context, String name, MediaType type, String text) {
        context.publishFile(prefix + name, type, file -> Files.writeString(file, text));
    }
}
