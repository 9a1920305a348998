package dev.kvmguest.junit;

import dev.kvmguest.vmm.Host;
import dev.kvmguest.vmm.Machine;
import dev.kvmguest.vmm.bundle.Bundle;
import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.doctor.HostReport;
import dev.kvmguest.vmm.image.SourceFolders;
import dev.kvmguest.vmm.outcome.Mismatch;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.outcome.Screen;
import dev.kvmguest.vmm.report.GitHubActions;
import dev.kvmguest.vmm.report.HtmlReport;
import dev.kvmguest.vmm.report.JsonReport;
import dev.kvmguest.vmm.report.ReportFile;
import dev.kvmguest.vmm.report.TextReport;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.MediaType;

/**
 * What a failed test's guest wrote and how it ended, as files for people and tools.
 *
 * @param prefix what the files' names start with
 * @param test the test's name
 * @param guest the image's name
 * @param refusal why the guest could not be run, if it could not
 * @param outcomes how each vCPU ended; empty if nothing was booted
 * @param mismatches returns in what a vCPU's run was not as expected
 * @param screen what the machine's screen showed
 * @param sources where the guest's source files are
 * @param machine the machine, whose guests have ended; empty if nothing was booted
 */
record GuestFiles(
        String prefix,
        String test,
        String guest,
        Optional<VmmException> refusal,
        List<Outcome> outcomes,
        Function<Outcome, List<Mismatch>> mismatches,
        Screen screen,
        SourceFolders sources,
        Optional<Machine> machine) {

    /** The configuration parameter by which a failed test publishes a C program that repeats its guest's run. */
    static final String EXPORT = "kvmguest.export";

    /** The configuration parameter by which a failed test publishes its guest's run as a bundle. */
    static final String BUNDLE = "kvmguest.bundle";

    private static HostReport host;

    /** Returns what this host can do, which takes a second and doesn't change. */
    private static synchronized HostReport host() {
        if (host == null) {
            host = Host.report();
        }
        return host;
    }

    /**
     * Returns the files of a test that has a guest.
     *
     * @param mismatches returns in what a vCPU's run was not as expected
     */
    static GuestFiles of(GuestSession session, List<Outcome> outcomes, Function<Outcome, List<Mismatch>> mismatches) {
        return new GuestFiles(
                "",
                session.annotations().test(),
                session.config().vcpus().get(0).image().name(),
                session.refusal(),
                outcomes,
                mismatches,
                session.booted().map(Machine::screen).orElse(Screen.BLANK),
                session.annotations().sources(),
                outcomes.isEmpty() ? Optional.empty() : session.booted());
    }

    /**
     * Publishes the files.
     *
     * @return a failure with this message, whose last line names the page; if the test's launcher takes no files, a
     *     suppressed exception says so
     */
    AssertionError failure(ExtensionContext context, String message, Throwable cause) {
        List<RuntimeException> problems = new ArrayList<>();
        String line =
                publish(context, problems, List.of()).map(page -> "\n" + page).orElse("");
        AssertionError failure = new AssertionError(line.isEmpty() ? message : message.stripTrailing() + line, cause);
        problems.forEach(failure::addSuppressed);
        return failure;
    }

    /**
     * Publishes the files of a test with a failure of its own.
     *
     * @param reports the reports to add to that failure; the last one names the page
     */
    void publish(ExtensionContext context, Throwable failure, List<String> reports) {
        List<RuntimeException> problems = new ArrayList<>();
        List<String> texts = new ArrayList<>(reports);
        List<ScreenPictures> pictures = ScreenPictures.of(failure);
        publish(context, problems, pictures).ifPresent(page -> {
            String last = texts.isEmpty() ? "" : texts.remove(texts.size() - 1).stripTrailing() + "\n";
            texts.add(last + page);
        });
        texts.forEach(text -> failure.addSuppressed(new GuestReport(text)));
        problems.forEach(failure::addSuppressed);
    }

    /**
     * Publishes each file that can be, and returns a line that says where the page is, if there is one.
     *
     * @param pictures the pictures of comparisons that have failed
     * @param problems takes why the others can't be
     */
    private Optional<String> publish(
            ExtensionContext context, List<RuntimeException> problems, List<ScreenPictures> pictures) {
        annotation(System.getenv()).ifPresent(System.out::println);
        try {
            Publisher publisher = new Publisher(context, problems);
            Optional<String> page = publish(publisher);
            for (int i = 0; i < pictures.size(); i++) {
                publisher.pictures(i == 0 ? "screen-" : "screen-" + (i + 1) + "-", pictures.get(i));
            }
            return page;
        } catch (LinkageError e) {
            problems.add(new UnsupportedOperationException(
                    "no file of the report was written: that takes JUnit 5.12 or later, and this one is older", e));
            return Optional.empty();
        }
    }

    private Optional<String> publish(Publisher publisher) {
        if (refusal.isPresent()) {
            publisher.text(
                    "guest.json",
                    MediaType.APPLICATION_JSON_UTF_8,
                    () -> JsonReport.ofRefusal(guest, refusal.get().getMessage()));
        } else if (!outcomes.isEmpty()) {
            publisher.text("guest.json", MediaType.APPLICATION_JSON_UTF_8, () -> JsonReport.of(outcomes, mismatches));
            publisher.text("guest.txt", MediaType.TEXT_PLAIN_UTF_8, () -> outcomes.stream()
                    .map(this::text)
                    .collect(Collectors.joining("\n")));
            publisher.text("guest.html", Publisher.HTML, () -> HtmlReport.of(outcomes, sources, test, mismatches));
        }
        for (Outcome outcome : outcomes) {
            String name = outcomes.size() == 1
                    ? "console.txt"
                    : "console-" + outcome.run().vcpu() + ".txt";
            publisher.text(name, MediaType.TEXT_PLAIN_UTF_8, outcome::console);
        }
        if (publisher.wants(EXPORT)) {
            machine.ifPresent(ended -> publisher.made("guest.c", Publisher.C, EXPORT, () -> ended.reproducer()
                    .toC(prefix + "guest")
                    .getBytes(StandardCharsets.UTF_8)));
        }
        if (publisher.wants(BUNDLE)) {
            machine.ifPresent(ended -> publisher.made(
                    "guest" + Bundle.SUFFIX, Publisher.ZIP, BUNDLE, () -> ended.bundle(failed(), host(), sources)
                            .bytes()));
        }
        if (screen.hasText()) {
            publisher.text("screen.txt", MediaType.TEXT_PLAIN_UTF_8, screen::text);
        }
        if (!screen.isBlank()) {
            publisher.bytes("screen.png", MediaType.IMAGE_PNG, screen::toPng);
        }
        return Optional.ofNullable(publisher.files.get("guest.html")).map(HtmlReport::link);
    }

    /** Returns what tells GitHub Actions of the failure; empty elsewhere. */
    Optional<String> annotation(Map<String, String> environment) {
        Stream<String> ends = outcomes.stream()
                .flatMap(outcome -> Stream.concat(
                        mismatches.apply(outcome).stream().map(Mismatch::sentence),
                        Stream.of(TextReport.line(outcome))));
        String message = Stream.concat(refusal.stream().map(Throwable::getMessage), ends)
                .distinct()
                .collect(Collectors.joining("\n"));
        Optional<String> place = outcomes.stream()
                .filter(outcome -> !mismatches.apply(outcome).isEmpty())
                .flatMap(outcome -> GitHubActions.place(outcome).stream())
                .findFirst();
        return GitHubActions.of(environment, Path.of("")).map(github -> github.error(place, test, message));
    }

    /** Returns the number of the first vCPU whose run was not as expected; of the first one if all were. */
    private int failed() {
        return outcomes.stream()
                .filter(outcome -> !mismatches.apply(outcome).isEmpty())
                .map(outcome -> outcome.run().vcpu())
                .findFirst()
                .orElse(0);
    }

    private String text(Outcome outcome) {
        List<Mismatch> found = mismatches.apply(outcome);
        return (found.isEmpty() ? "" : TextReport.failure(test, found)) + TextReport.whole(outcome);
    }

    /** Publishes files, one after the other; one that can't be written keeps no other from being written. */
    private final class Publisher {

        private static final MediaType HTML = MediaType.create("text", "html", StandardCharsets.UTF_8);
        private static final MediaType C = MediaType.create("text", "x-c", StandardCharsets.UTF_8);
        private static final MediaType ZIP = MediaType.create("application", "zip");

        private final ExtensionContext context;
        private final List<RuntimeException> problems;
        private final Map<String, Path> files = new HashMap<>();

        Publisher(ExtensionContext context, List<RuntimeException> problems) {
            this.context = context;
            this.problems = problems;
        }

        void text(String name, MediaType type, Supplier<String> text) {
            bytes(name, type, () -> text.get().getBytes(StandardCharsets.UTF_8));
        }

        boolean wants(String parameter) {
            return context.getConfigurationParameter(parameter, Boolean::valueOf)
                    .orElse(false);
        }

        /** A run of which a file can't be made has none, and the failure says why. */
        void made(String name, MediaType type, String parameter, Supplier<byte[]> content) {
            byte[] bytes;
            try {
                bytes = content.get();
            } catch (IllegalArgumentException | VmmException e) {
                problems.add(new UnsupportedOperationException(
                        "there is no " + prefix + name + ", for which " + parameter + " asks: " + e.getMessage(), e));
                return;
            }
            bytes(name, type, () -> bytes);
        }

        void bytes(String name, MediaType type, Supplier<byte[]> content) {
            try {
                context.publishFile(prefix + name, type, file -> {
                    ReportFile.write(file, content.get());
                    files.put(name, file);
                });
            } catch (RuntimeException e) {
                // Where no file can be written, once is enough.
                if (problems.stream().noneMatch(problem -> reason(problem).equals(reason(e)))) {
                    problems.add(e);
                }
            }
        }

        /** Publishes the pictures of a comparison, and has it say where they are. */
        void pictures(String start, ScreenPictures comparison) {
            comparison.pictures().forEach((name, picture) -> {
                String file = start + name + ".png";
                bytes(file, MediaType.IMAGE_PNG, picture::toPng);
                Optional.ofNullable(files.get(file)).ifPresent(path -> comparison.published(name, path));
            });
        }

        private static String reason(Throwable problem) {
            return problem.getCause() == null ? problem.toString() : reason(problem.getCause());
        }
    }
}
