package dev.kvmguest.maven.check;

import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.Milestone;
import dev.kvmguest.vmm.image.GuestTestCase;
import dev.kvmguest.vmm.outcome.Expectation;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.time.Duration;
import java.time.LocalDateTime;
import java.util.List;
import java.util.Optional;

/**
 * One run of a guest that was built, and how it is expected to go.
 *
 * @param guest the guest's id
 * @param name what reports call the check, unlike that of any other check of the guest
 * @param input what is typed for the guest before it starts, or before it goes on
 * @param bootedUntil where the guest goes on from, after it was booted once for several checks; empty if it boots for
 *     this one
 * @param expectation what the run is compared with
 * @param timeout the longest that the guest may run
 * @param date what the guest's CMOS clock shows when it starts
 * @param engine what executes the guest
 * @param qemuArguments further arguments of QEMU, if that is the engine
 * @param commandLine what the kernel is told at boot; empty for what the guest's manifest says
 * @param modules the files that are loaded beside the kernel; empty for those of the guest's manifest
 * @param guestTest the one of its own tests that the guest is asked to run, if it is
 * @param points how many points a pass is worth, if it is worth any
 * @param obstacle why the guest can't be run, if that is known before
 */
public record GuestCheck(
        String guest,
        String name,
        String input,
        Optional<Milestone> bootedUntil,
        Expectation expectation,
        Duration timeout,
        LocalDateTime date,
        EngineChoice engine,
        List<String> qemuArguments,
        Optional<String> commandLine,
        Optional<List<Path>> modules,
        Optional<GuestTestCase> guestTest,
        Optional<BigDecimal> points,
        Optional<String> obstacle) {

    /** The time limit of a check that doesn't set one. */
    public static final String DEFAULT_TIMEOUT = "10s";

    /**
     * Returns this check for one of the guest's own tests, called after both.
     *
     * @param share how many of the points are for this test
     */
    public GuestCheck withGuestTest(GuestTestCase test, Optional<BigDecimal> share) {
        return new GuestCheck(
                guest,
                name + ": " + test.name(),
                input,
                Optional.of(Milestone.testQuestion()),
                expectation,
                timeout,
                date,
                engine,
                qemuArguments,
                commandLine,
                modules,
                Optional.of(test),
                share,
                obstacle);
    }

    /** Returns this check of a guest that can't be run, for the reason given. */
    public GuestCheck withObstacle(String reason) {
        return new GuestCheck(
                guest,
                name,
                input,
                bootedUntil,
                expectation,
                timeout,
                date,
                engine,
                qemuArguments,
                commandLine,
                modules,
                guestTest,
                points,
                Optional.of(reason));
    }

    /** Returns the name of the file that has the JSON report of this check; what a file can't be called becomes '_'. */
    public String jsonFileName() {
        return fileName(".json");
    }

    /** Returns the name of the file that has the page about this check, made in the same way. */
    public String pageFileName() {
        return fileName(".html");
    }

    /** Returns the name of the file that has the picture of the screen, made in the same way. */
    public String pictureFileName() {
        return fileName(".png");
    }

    private String fileName(String extension) {
        return guest + "-" + name.replaceAll("[^A-Za-z0-9._-]", "_") + extension;
    }

    /** Returns the guest and the name, as messages name the check. */
    @Override
    public String toString() {
        return guest + " / " + name;
    }
}
