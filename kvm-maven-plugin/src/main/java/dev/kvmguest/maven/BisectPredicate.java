package dev.kvmguest.maven;

import static dev.kvmguest.vmm.text.ConsoleText.quoted;

import dev.kvmguest.vmm.bisect.ImageBisection;
import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.outcome.Expectation;
import dev.kvmguest.vmm.outcome.Outcome;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.maven.plugin.MojoExecutionException;

/**
 * What tells good from bad in kvm:bisect, as an expectation of kvm:check that takes what isn't named as it is.
 *
 * @param words to follow "a guest that" in a sentence
 * @param expectation what is true of one of the images
 */
record BisectPredicate(String words, Expectation expectation) {

    /**
     * Reads the parameters; null for one that isn't given.
     *
     * @return the predicate; empty if none is given
     * @throws MojoExecutionException if one is bad; the message names its property
     */
    static Optional<BisectPredicate> read(String outcome, String exception, String exitCode, String console)
            throws MojoExecutionException {
        List<String> words = new ArrayList<>();
        Expectation.Builder expectation = Expectation.builder().acceptPanics();
        Optional<Outcome.Kind> kind = BootParameters.value("outcome", outcome, Outcome.Kind::parse);
        kind.ifPresent(end -> {
            expectation.outcome(end);
            words.add("ends with " + end.id());
        });
        BootParameters.value("exception", exception, Fault.Event::parseVector).ifPresent(vector -> {
            expectation.exception(vector);
            words.add("dies of " + Fault.Event.name(vector));
        });
        BootParameters.value("exitCode", exitCode, CheckParameters::exitCode).ifPresent(code -> {
            expectation.exitCode(code);
            words.add("has exit code " + code);
        });
        if (words.isEmpty()) {
            expectation.anyEnd();
        }
        if (console != null) {
            expectation.console(console);
            words.add("writes " + quoted(console));
        }
        try {
            Expectation built = expectation.build();
            return words.isEmpty()
                    ? Optional.empty()
                    : Optional.of(new BisectPredicate(String.join(" and ", words), built));
        } catch (IllegalArgumentException e) {
            throw new MojoExecutionException("kvm.outcome, kvm.exception: " + e.getMessage(), e);
        }
    }

    void applyTo(ImageBisection bisection) {
        bisection.by(words, outcome -> expectation.compare(outcome).isEmpty());
    }
}
