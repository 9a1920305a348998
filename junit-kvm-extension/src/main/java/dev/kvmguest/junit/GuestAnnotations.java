package dev.kvmguest.junit;

import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.image.GuestTestCase;
import dev.kvmguest.vmm.image.SourceFolders;
import dev.kvmguest.vmm.outcome.Expectation;
import java.lang.reflect.AnnotatedElement;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.junit.jupiter.api.extension.ExtensionConfigurationException;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.platform.commons.support.AnnotationSupport;

/**
 * The annotations on a test method and around it, as seen by one test.
 *
 * @param test the test, as errors name it
 * @param guestTest the method's {@link GuestTest}
 * @param steps by which the guest is booted, one after the other, before the test goes on from there
 * @param onMethod whether the method itself asks for a guest
 */
record GuestAnnotations(
        String test,
        GuestSettings settings,
        Optional<GuestTest> guestTest,
        List<BootStep> steps,
        boolean onMethod,
        ClassLoader loader) {

    /**
     * Reads the annotations that apply to a test method, the outermost class first.
     *
     * @throws ExtensionConfigurationException if attributes contradict each other
     */
    static GuestAnnotations of(ExtensionContext method) {
        String test = method.getRequiredTestClass().getName() + "."
                + method.getRequiredTestMethod().getName();
        try {
            GuestSettings settings = GuestSettings.NONE;
            List<BootStep> steps = new ArrayList<>();
            for (Class<?> testClass : outermostFirst(method)) {
                GuestSettings ofClass = ofClass(testClass);
                settings = settings.overriddenBy(ofClass);
                add(steps, testClass, ofClass);
            }
            AnnotatedElement element = method.getRequiredTestMethod();
            Optional<KvmGuest> kvmGuest = AnnotationSupport.findAnnotation(element, KvmGuest.class);
            Optional<GuestTest> guestTest = AnnotationSupport.findAnnotation(element, GuestTest.class);
            GuestSettings ofMethod = kvmGuest.map(GuestSettings::of).orElse(GuestSettings.NONE);
            if (guestTest.isPresent()) {
                ofMethod = ofMethod.overriddenBy(GuestSettings.of(guestTest.get()));
            }
            settings = settings.overriddenBy(ofMethod);
            boolean goesOn = add(steps, element, ofMethod);
            return new GuestAnnotations(
                    test,
                    settings,
                    guestTest,
                    List.copyOf(steps),
                    kvmGuest.isPresent() || guestTest.isPresent() || goesOn,
                    method.getRequiredTestClass().getClassLoader());
        } catch (IllegalArgumentException e) {
            throw refused(test, e);
        }
    }

    /** Adds the step of a class or method, and drops those before it if it has a guest of its own. */
    private static boolean add(List<BootStep> steps, AnnotatedElement element, GuestSettings settings) {
        if (settings.namesGuest()) {
            steps.clear();
        }
        Optional<BootedUntil> annotation = AnnotationSupport.findAnnotation(element, BootedUntil.class);
        annotation.map(BootStep::of).ifPresent(steps::add);
        return annotation.isPresent();
    }

    /**
     * Returns the machine that they describe.
     *
     * @throws ExtensionConfigurationException if they describe no machine
     */
    MachineConfig machine() {
        try {
            return GuestDefinition.machine(settings, loader);
        } catch (IllegalArgumentException e) {
            throw refused(test, e);
        }
    }

    /**
     * Returns the tests inside the guest.
     *
     * @throws ExtensionConfigurationException if the guest has no tests, or their table is damaged
     */
    List<GuestTestCase> guestTests() {
        try {
            return GuestDefinition.guestTests(settings, loader);
        } catch (IllegalArgumentException e) {
            throw refused(test, e);
        }
    }

    /** Returns where the guest's source files are: in this module, or in that of this build which has the guest. */
    SourceFolders sources() {
        return GuestDefinition.sources(settings, loader);
    }

    /**
     * Returns how the guest is expected to end, without {@code strictPorts}.
     *
     * @throws ExtensionConfigurationException if an attribute of {@link GuestTest} is malformed
     */
    Expectation expectation() {
        Expectation.Builder expectation = Expectation.builder();
        try {
            if (guestTest.isPresent()) {
                GuestTest expected = guestTest.get();
                expectation.console(expected.console());
                expectation.pattern(pattern(expected.pattern()));
                GuestSettings.single("outcome", expected.outcome()).ifPresent(expectation::outcome);
                int[] exitCode = expected.exitCode();
                if (exitCode.length > 1) {
                    throw new IllegalArgumentException("exitCode has " + exitCode.length + " values; give one");
                }
                if (exitCode.length == 1) {
                    expectation.exitCode(exitCode[0]);
                }
            } else {
                // What a status means is for the test to say; only @GuestTest expects success.
                expectation.anyExitCode();
            }
            return expectation.build();
        } catch (IllegalArgumentException e) {
            throw refused(test, e);
        }
    }

    /** Returns the error for a value that a user wrote. */
    static ExtensionConfigurationException refused(String test, IllegalArgumentException reason) {
        return new ExtensionConfigurationException("guest of " + test + ": " + reason.getMessage(), reason);
    }

    private static Pattern pattern(String regex) {
        try {
            return Pattern.compile(regex);
        } catch (PatternSyntaxException e) {
            throw new IllegalArgumentException(
                    "pattern \"" + regex + "\" is not a regular expression: " + e.getDescription(), e);
        }
    }

    /**
     * Returns the test classes around a test. Those of nested classes come from the contexts and not from the classes'
     * enclosing classes: a nested class that a superclass declares runs within the subclass.
     */
    private static Iterable<Class<?>> outermostFirst(ExtensionContext method) {
        Deque<Class<?>> classes = new ArrayDeque<>();
        Optional<ExtensionContext> context = Optional.of(method);
        while (context.isPresent()) {
            context.get()
                    .getTestClass()
                    .filter(testClass -> testClass != classes.peekFirst())
                    .ifPresent(classes::addFirst);
            context = context.get().getParent();
        }
        return classes;
    }

    private static GuestSettings ofClass(Class<?> testClass) {
        GuestSettings inherited =
                testClass.getSuperclass() == null ? GuestSettings.NONE : ofClass(testClass.getSuperclass());
        return AnnotationSupport.findAnnotation(testClass, KvmGuest.class)
                .map(annotation -> inherited.overriddenBy(GuestSettings.of(annotation)))
                .orElse(inherited);
    }
}
