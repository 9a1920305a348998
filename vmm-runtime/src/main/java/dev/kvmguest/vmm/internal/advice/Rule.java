package dev.kvmguest.vmm.internal.advice;

import java.util.Optional;

/** Knows one mistake by its traces. */
@FunctionalInterface
interface Rule {

    /** Returns what was wrong and the way out, a sentence without a full stop; empty unless the evidence says so. */
    Optional<String> apply(Evidence evidence);
}
