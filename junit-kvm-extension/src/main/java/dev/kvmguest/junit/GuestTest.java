package dev.kvmguest.junit;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.outcome.Outcome;
import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * A test that boots a guest, lets it run to its end, and compares the run with what is expected: {@code @Test},
 * {@link KvmGuest @KvmGuest} and the usual assertions in one. The body can be empty.
 *
 * <pre>{@code
 * @GuestTest(id = "hello", console = "Hello")
 * void hello() {}
 *
 * @GuestTest(image = "guests/ud2.bin", boot = BootMode.PROTECTED, outcome = Outcome.Kind.TRIPLE_FAULT)
 * void diesOfAnInvalidOpcode() {}
 * }</pre>
 *
 * <p>By default the end must be a normal one with exit code 0. A body that takes a {@link Guest} talks to it first;
 * then the guest runs to its end. What is expected holds for every vCPU. Attributes that {@code @KvmGuest} also has
 * mean the same here, and win over a {@code @KvmGuest} on the class.
 */
@Documented
@Retention(RetentionPolicy.RUNTIME)
@Target({ElementType.METHOD, ElementType.ANNOTATION_TYPE})
@Test
@ExtendWith(KvmGuestExtension.class)
public @interface GuestTest {

    /** See {@link KvmGuest#id}. */
    String[] id() default {};

    /** See {@link KvmGuest#image}. */
    String[] image() default {};

    /** See {@link KvmGuest#boot}. */
    BootMode[] boot() default {};

    /** See {@link KvmGuest#load}. */
    String load() default "";

    /** See {@link KvmGuest#entry}. */
    String entry() default "";

    /** See {@link KvmGuest#commandLine}. */
    String[] commandLine() default {};

    /** See {@link KvmGuest#modules}. */
    String[] modules() default {};

    /** See {@link KvmGuest#memory}. */
    String memory() default "";

    /** See {@link KvmGuest#input}. */
    String[] input() default {};

    /** See {@link KvmGuest#timeout}. */
    String timeout() default "";

    /** See {@link KvmGuest#date}. */
    String date() default "";

    /** See {@link KvmGuest#engine}. */
    EngineChoice[] engine() default {};

    /** See {@link KvmGuest#qemuArguments}. */
    String[] qemuArguments() default {};

    /** See {@link KvmGuest#vcpus}. */
    int vcpus() default 0;

    /** See {@link KvmGuest#watchExceptions}. */
    boolean[] watchExceptions() default {};

    /** See {@link KvmGuest#strictPorts}. */
    boolean[] strictPorts() default {};

    /** A text that the console must contain; CR LF and LF count as the same. */
    String console() default "";

    /** A regular expression; the console must contain a match, with LF for every CR LF. */
    String pattern() default "";

    /** The kind of end. Default: a normal end. */
    Outcome.Kind[] outcome() default {};

    /** The status that the guest must report. Default: 0, or any if {@link #outcome} is set. */
    int[] exitCode() default {};
}
