package dev.kvmguest.junit;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Inherited;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Has the guest boot once, up to a moment, for all tests of the JVM with the same settings. Each of them goes on from
 * there with a machine of its own.
 *
 * <pre>{@code
 * @KvmGuest("kernel")
 * @BootedUntil("Select:")
 * class KernelTests {
 *
 *     @Test
 *     void multiplies(Guest guest) {
 *         guest.type("1\n");
 *         guest.awaitOutput("9 x 9 = 81");
 *     }
 *
 *     @Nested
 *     @BootedUntil(value = "$ ", input = "2\n")
 *     class InTheShell { ... }
 * }
 * }</pre>
 *
 * <p>What a test does to its machine no other test sees: RAM, devices, registers and guest time are as they were at
 * that moment, each time. The console has what was written until then; {@link Guest#awaitOutput} looks at what comes
 * after. The report of a failure tells the whole run, from the boot on.
 *
 * <p>One more around it, on a class that encloses the test's, comes first: the guest goes on from that moment to this
 * one. It starts anew where {@link KvmGuest} names another guest. Which settings are the same is decided by what the
 * annotations say; {@link KvmGuest#input} and {@link KvmGuest#timeout} may differ: input is typed and the time limit
 * counts from that moment on, and the boot has the time limit of the test that comes first. If the guest ends before it
 * comes there, all of its tests fail, the first of them with the whole report.
 *
 * <p>It needs a {@link KvmGuest} with one vCPU, and doesn't go with engine {@code qemu}; {@link GuestTests} boot once
 * by themselves, until the guest asks which test to run.
 */
@Documented
@Inherited
@Retention(RetentionPolicy.RUNTIME)
@Target({ElementType.TYPE, ElementType.METHOD, ElementType.ANNOTATION_TYPE})
@ExtendWith(KvmGuestExtension.class)
public @interface BootedUntil {

    /** The text that the guest has written to its console, after the moment before this one, if there is one. */
    String value() default "";

    /** What is typed for the guest at the moment before this one, or at its start, so that it comes here. */
    String input() default "";

    /** The text that its screen shows within a line, instead. */
    String screen() default "";

    /** The symbol of its image that it comes to the first time, before the instruction there, instead. */
    String symbol() default "";

    /** The port that it has written to, 0 to 65535, instead; several are an error. */
    int[] port() default {};
}
