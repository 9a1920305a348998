package dev.kvmguest.vmm.internal.advice.hang;

import java.util.Optional;

/** Knows one mistake by what a guest does that stands still. */
@FunctionalInterface
interface HangRule {

    /** Returns what was wrong and the way out, a sentence without a full stop; empty unless the scene says so. */
    Optional<String> apply(HangEvidence evidence);
}
