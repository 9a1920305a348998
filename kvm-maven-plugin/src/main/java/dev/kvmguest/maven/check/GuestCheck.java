package dev.kvmguest.maven.check;

import dev.kvmguest.vmm.EngineChoice;
import dev.kvmguest.vmm.Expectation;
import java.time.Duration;

/**
 * One run of a guest that was built, and how it is expected to go.
 *
 * @param guest the guest's id
 * @param name what reports call the check, unlike that of any other check of the guest
 * @param input what is typed for the guest before it starts
 * @param expectation what the run is compared with
 * @param timeout the longest that the guest may run
 * @param engine what executes the guest
 */
public record GuestCheck(
        String guest, String name, String input, Expectation expectation, Duration timeout, EngineChoice engine) {

    /** The time limit of a check that doesn't set one. */
    public static final String DEFAULT_TIMEOUT = "10s";

    /** Returns the name of the file that has the JSON report of this check; what a file can't be called becomes '_'. */
    public String jsonFileName() {
        return guest + "-" + name.replaceAll("[^A-Za-z0-9._-]", "_") + ".json";
    }

    /** Returns the guest and the name, as messages name the check. */
    @Override
    public String toString() {
        return guest + " / " + name;
    }
}
