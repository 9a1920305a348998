package dev.kvmguest.junit;

import dev.kvmguest.vmm.Outcome;
import dev.kvmguest.vmm.report.JsonReport;
import java.nio.file.Files;
import java.util.List;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.MediaType;

/** Publishes what a failed test's guest wrote and how it ended, for people and tools that come later. */
final class GuestFiles {

    private GuestFiles() {}

    /** Publishes the files; where the test's launcher takes none, says so beside the failure. */
    static void publish(ExtensionContext context, GuestSession session, List<Outcome> outcomes, Throwable failure) {
        try {
            if (session.refusal().isPresent()) {
                String reason = session.refusal().get().getMessage();
                String guest = session.config().vcpus().get(0).image().name();
                publish(context, "guest.json", MediaType.APPLICATION_JSON_UTF_8, JsonReport.ofRefusal(guest, reason));
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
        } catch (RuntimeException e) {
            failure.addSuppressed(e);
        }
    }

    private static void publish(ExtensionContext context, String name, MediaType type, String text) {
        context.publishFile(name, type, file -> Files.writeString(file, text));
    }
}
