package dev.kvmguest.maven.check;

import dev.kvmguest.vmm.outcome.Outcome;

/** Boots the guest of a check and waits for its end. */
@FunctionalInterface
public interface GuestBooter {

    /**
     * Runs the guest.
     *
     * @throws Exception if it can't be run; a guest that dies is an outcome
     */
    Outcome boot(GuestCheck check) throws Exception;
}
