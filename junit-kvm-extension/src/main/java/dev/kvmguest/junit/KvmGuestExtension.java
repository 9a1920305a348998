package dev.kvmguest.junit;

import dev.kvmguest.vmm.outcome.Mismatch;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.report.TextReport;
import java.lang.reflect.Constructor;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.AfterTestExecutionCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.BeforeTestExecutionCallback;
import org.junit.jupiter.api.extension.ExtensionConfigurationException;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolutionException;
import org.junit.jupiter.api.extension.ParameterResolver;
import org.junit.platform.commons.support.AnnotationSupport;
import org.opentest4j.TestAbortedException;

/**
 * Gives tests their guests. A test's state is in its {@link GuestSession}, in the store of its own context, so tests
 * may run in parallel.
 */
final class KvmGuestExtension
        implements BeforeEachCallback,
                BeforeTestExecutionCallback,
                AfterTestExecutionCallback,
                AfterEachCallback,
                ParameterResolver {

    private static final ExtensionContext.Namespace NAMESPACE =
            ExtensionContext.Namespace.create(KvmGuestExtension.class);

    /** Makes the session of a test that needs one, so that a bad attribute fails this test. */
    @Override
    public void beforeEach(ExtensionContext context) {
        Set<GuestParameter> parameters = GuestParameter.of(context.getRequiredTestMethod());
        if (parameters.contains(GuestParameter.TESTS)) {
            requireTestFactory(context, parameters);
            context.getStore(NAMESPACE).put(GuestTestRunner.class, new GuestTestRunner(context));
        } else if (!parameters.isEmpty() || GuestAnnotations.of(context).onMethod()) {
            GuestSession session = session(context);
            parameters.forEach(parameter -> requireFitting(parameter, session));
        }
    }

    /** Runs after the test's own set-up, which may have typed something for the guest. */
    @Override
    public void beforeTestExecution(ExtensionContext context) {
        Optional<GuestSession> session = existingSession(context);
        if (session.isEmpty()) {
            return;
        }
        Set<GuestParameter> parameters = GuestParameter.of(context.getRequiredTestMethod());
        boolean takesOutcome =
                parameters.contains(GuestParameter.OUTCOME) || parameters.contains(GuestParameter.OUTCOMES);
        boolean talksToGuest =
                parameters.contains(GuestParameter.GUEST) || session.get().isLive();
        if (takesOutcome || session.get().annotations().onMethod() && !talksToGuest) {
            session.get().runToEnd();
        }
    }

    /** After the body, lets a guest that is expected to end run to its end. */
    @Override
    public void afterTestExecution(ExtensionContext context) {
        existing(context, GuestTestRunner.class)
                .filter(runner -> context.getExecutionException().isEmpty())
                .ifPresent(runner -> requireUsed(runner, context));
        existingSession(context)
                .filter(session -> session.annotations().guestTest().isPresent())
                .filter(session -> context.getExecutionException().isEmpty())
                .ifPresent(GuestSession::runToEnd);
    }

    @Override
    public void afterEach(ExtensionContext context) {
        Optional<GuestSession> session = existingSession(context);
        if (session.isEmpty()) {
            return;
        }
        Optional<Throwable> ownFailure = context.getExecutionException();
        List<Outcome> outcomes = session.get().end(ownFailure.isEmpty());
        if (ownFailure.isEmpty()) {
            verdict(session.get(), outcomes).ifPresent(message -> {
                throw GuestFiles.of(session.get(), outcomes, session.get()::mismatches)
                        .failure(context, message, null);
            });
        } else if (!(ownFailure.get() instanceof TestAbortedException)) {
            List<Mismatch> asserted = List.of(Failures.sentence(ownFailure.get(), outcomes));
            GuestFiles.of(session.get(), outcomes, outcome -> asserted)
                    .publish(context, ownFailure.get(), reports(session.get(), outcomes, ownFailure.get()));
        }
    }

    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
        return GuestParameter.of(parameter.getParameter()).isPresent();
    }

    @Override
    public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
        GuestParameter kind = GuestParameter.of(parameter.getParameter()).orElseThrow();
        if (parameter.getDeclaringExecutable() instanceof Constructor<?>
                || context.getTestMethod().isEmpty()) {
            throw new ParameterResolutionException("parameter " + parameter.getParameter() + " of "
                    + parameter.getDeclaringExecutable().getName() + ": a guest lives for one test; take it in a test"
                    + " method, @BeforeEach or @AfterEach");
        }
        return switch (kind) {
            case GUEST -> fittingSession(kind, context).guest();
            case OUTCOME -> fittingSession(kind, context).runToEnd().get(0);
            case OUTCOMES -> fittingSession(kind, context).runToEnd();
            case TESTS -> guestTests(parameter, context);
        };
    }

    private static GuestSession fittingSession(GuestParameter kind, ExtensionContext context) {
        GuestSession session = session(context);
        requireFitting(kind, session);
        return session;
    }

    private static GuestTests guestTests(ParameterContext parameter, ExtensionContext context) {
        if (!parameter.getDeclaringExecutable().equals(context.getRequiredTestMethod())) {
            throw new ParameterResolutionException("parameter " + parameter.getParameter() + " of "
                    + parameter.getDeclaringExecutable().getName()
                    + ": the tests inside a guest are for the @TestFactory method that returns them");
        }
        return existing(context, GuestTestRunner.class).orElseThrow().tests();
    }

    private static void requireTestFactory(ExtensionContext context, Set<GuestParameter> parameters) {
        String test = GuestAnnotations.of(context).test();
        if (!AnnotationSupport.isAnnotated(context.getRequiredTestMethod(), TestFactory.class)) {
            throw new ExtensionConfigurationException("guest of " + test + ": GuestTests are for a @TestFactory method,"
                    + " which returns their stream()");
        }
        if (!GuestAnnotations.of(context).steps().isEmpty()) {
            throw new ExtensionConfigurationException("guest of " + test + ": GuestTests boot once by themselves, until"
                    + " the guest asks which test to run; leave @BootedUntil out");
        }
        if (parameters.size() > 1) {
            throw new ExtensionConfigurationException("guest of " + test + ": GuestTests boot a machine each, so that"
                    + " a method that takes them can't take a Guest or an Outcome too");
        }
    }

    private static void requireUsed(GuestTestRunner runner, ExtensionContext context) {
        if (!runner.isUsed()) {
            throw new AssertionError(GuestAnnotations.of(context).test()
                    + ": the factory takes GuestTests and returns none of them, so that nothing was booted and there is"
                    + " no verdict; return tests.stream()");
        }
    }

    private static void requireFitting(GuestParameter kind, GuestSession session) {
        int vcpus = session.config().vcpus().size();
        if (kind == GuestParameter.OUTCOME && vcpus > 1) {
            throw new ExtensionConfigurationException("guest of "
                    + session.annotations().test() + ": a parameter is an Outcome, but there are " + vcpus
                    + " vCPUs with one each; take a List<Outcome>");
        }
    }

    /** Returns why the guest fails a test whose body passed; empty if it doesn't. */
    private static Optional<String> verdict(GuestSession session, List<Outcome> outcomes) {
        String test = session.annotations().test();
        if (session.refusal().isPresent()) {
            return Optional.of(test + ": the guest could not be run: "
                    + session.refusal().get().getMessage());
        }
        if (session.notBooted().isPresent()) {
            return Optional.of(test + ": " + session.notBooted().get().getMessage());
        }
        if (outcomes.isEmpty()) {
            return Optional.of(
                    test + ": the test takes a Guest and never uses it, so that nothing was booted and there is"
                            + " no verdict; use the Guest, or take an Outcome to have it run to its end");
        }
        List<String> failures = failures(session, outcomes);
        return failures.isEmpty() ? Optional.empty() : Optional.of(test + ": " + String.join("\n", failures));
    }

    private static List<String> failures(GuestSession session, List<Outcome> outcomes) {
        List<String> failures = new ArrayList<>();
        for (Outcome outcome : outcomes) {
            List<Mismatch> mismatches = session.mismatches(outcome);
            if (!mismatches.isEmpty()) {
                failures.add(Failures.message(mismatches, outcome)
                        + (session.endMayBeAsserted(outcome) ? Failures.howToAssert(outcome) + "\n" : ""));
            }
        }
        return failures;
    }

    /** Returns the reports on the guest that a failure doesn't contain yet. */
    private static List<String> reports(GuestSession session, List<Outcome> outcomes, Throwable failure) {
        return outcomes.stream()
                .filter(outcome -> !String.valueOf(failure.getMessage()).contains(TextReport.brief(outcome)))
                .map(outcome -> Failures.message(session.mismatches(outcome), outcome))
                .toList();
    }

    private static GuestSession session(ExtensionContext context) {
        return context.getStore(NAMESPACE)
                .getOrComputeIfAbsent(
                        GuestSession.class,
                        key -> new GuestSession(GuestAnnotations.of(context), new BootedGuests(context)),
                        GuestSession.class);
    }

    private static Optional<GuestSession> existingSession(ExtensionContext context) {
        return existing(context, GuestSession.class);
    }

    private static <T> Optional<T> existing(ExtensionContext context, Class<T> type) {
        return Optional.ofNullable(context.getStore(NAMESPACE).get(type, type));
    }
}
