package dev.kvmguest.vmm.internal.advice.hang;

import java.util.List;
import java.util.Optional;

/** Returns the advice for a guest that hung or halted: what is likely wrong, and the way out. */
final class HangAdvice {

    /** More than these are not read. */
    private static final int MOST = 3;

    private static final List<HangRule> RULES = List.of(
            TimeLimitTooShort::needed,
            EndlessException::again,
            EndlessJump::toItself,
            StrayGate::taken,
            Cascade::miscounted,
            UnservedDevice::stillAsks,
            MissingEoi::inService,
            MaskedLine::withHandler,
            StackWithoutRam::used,
            NoDevice::answers,
            AnswerAwaited::polled,
            EndlessOutput::printed,
            NothingTyped::polled,
            NothingTyped::awaited,
            HeldLock::byItself,
            NoInterrupt::changesTheFlag,
            NoInterrupt::wakesFromHalt,
            NoInterrupt::amidInitialization,
            NoInterrupt::whileHaltedWithoutThem);

    private HangAdvice() {}

    /** Returns the causes that the scene proves, each with its way out, the most important first; three at most. */
    static List<String> of(HangEvidence evidence) {
        return RULES.stream()
                .map(rule -> rule.apply(evidence))
                .flatMap(Optional::stream)
                .limit(MOST)
                .toList();
    }
}
