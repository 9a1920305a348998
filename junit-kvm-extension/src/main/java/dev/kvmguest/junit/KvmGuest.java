package dev.kvmguest.junit;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Inherited;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Gives each test a guest of its own.
 *
 * <pre>{@code
 * @KvmGuest("kernel")
 * class KernelTests {
 *
 *     @Test
 *     void showsTheMenu(Guest guest) {
 *         guest.awaitOutput("Select:");
 *         guest.type("1\n");
 *         guest.awaitOutput("9 x 9 = 81");
 *     }
 *
 *     @Test
 *     @KvmGuest(image = "guests/ud2.bin", boot = BootMode.PROTECTED)
 *     void diesOfAnInvalidOpcode(Outcome outcome) {
 *         assertThat(outcome).tripleFaulted();
 *     }
 * }
 * }</pre>
 *
 * <p><b>Parameters.</b> A {@link Guest} is live: it boots on first use and is gone after the test. An
 * {@link dev.kvmguest.vmm.outcome.Outcome Outcome}, or a {@code List<Outcome>} where there are several vCPUs, is that of a guest
 * that was booted and ran to its end before the test's body. Test methods, {@code @BeforeEach} and {@code @AfterEach} can
 * take them; within one test they all mean the same machine. Each repetition and each invocation of a parameterized test
 * has a machine of its own. A test method that carries the annotation itself and takes no such parameter has its guest
 * run to its end before the body too; where only its class does, it is an ordinary test.
 *
 * <p><b>Verdict.</b> A guest that died, hung or could not be run fails its test even if the body passed, unless the
 * test asserted that end with {@link GuestAssertions}. A live guest that still runs when the test ends is stopped, which
 * is no failure. One that the test takes and never uses fails: nothing was booted, so that there is no verdict. Each
 * failing test publishes the guest's console as {@code console.txt} and its report as {@code guest.json}.
 *
 * <p><b>Where it can stand.</b> On test classes, test methods and other annotations. Subclasses and nested classes
 * inherit it. Attributes that are set on a method win over those of its class one by one, and so do a nested class's
 * over its enclosing class's and a subclass's over its superclass's; naming another guest drops what was said of the
 * first one: {@link #id}, {@link #image}, {@link #boot}, {@link #load}, {@link #entry}, {@link #commandLine} and
 * {@link #modules}. What the manifest of a guest
 * built by {@code kvm:assemble} says needn't be repeated; what is said here wins.
 *
 * <p>An attribute whose type is an array takes one value, written without braces, unless its description says more; it
 * is an array only so that it can be left out.
 *
 * @see GuestTest
 */
@Documented
@Inherited
@Retention(RetentionPolicy.RUNTIME)
@Target({ElementType.TYPE, ElementType.METHOD})
@ExtendWith(KvmGuestExtension.class)
public @interface KvmGuest {

    /** The same as {@link #id}. */
    String[] value() default {};

    /**
     * The guest's id, as {@code kvm:assemble} was given it. Several ids mean one vCPU each, side by side in one machine,
     * all in real mode.
     */
    String[] id() default {};

    /**
     * The guest's file instead of an id: a path relative to the working directory or the name of a class path resource,
     * a flat binary or an ELF file. Several mean one vCPU each.
     */
    String[] image() default {};

    /** The state at entry; {@link BootMode#REAL} if neither this nor the manifest says. */
    BootMode[] boot() default {};

    /** The physical address of the image's first byte, such as {@code 0x7c00}. */
    String load() default "";

    /** Where the guest starts: a linear address, or {@code SEG:OFF} in real mode. */
    String entry() default "";

    /** What the kernel is told at boot; only for {@link BootMode#MULTIBOOT}. */
    String[] commandLine() default {};

    /**
     * The files that are loaded beside the kernel, in this order: paths relative to the working directory or names of
     * class path resources. The kernel is given their names without folders. Only for {@link BootMode#MULTIBOOT}.
     */
    String[] modules() default {};

    /** RAM, such as {@code 640K}; 16M if neither this nor the manifest says. */
    String memory() default "";

    /** What is typed for the guest before it starts. Several texts are for one vCPU each, one is for every vCPU. */
    String[] input() default {};

    /** The longest that the guest may run, such as {@code 500ms} or {@code 5s}; 10s if not said. */
    String timeout() default "";

    /**
     * What the guest's CMOS clock shows when it starts, such as {@code 2026-12-31T23:59:58}; midnight on 1 January 2026
     * if not said.
     */
    String date() default "";

    /**
     * What executes the guest. If not said, KVM where this host's can run the guest's boot mode, else the emulator, which
     * runs on any host; the system property {@code kvmguest.engine} chooses then. The outcome says which it was, and why.
     */
    EngineChoice[] engine() default {};

    /**
     * The number of vCPUs. With one guest, each vCPU runs it; with several it may be left out or must be their number.
     * Where there are several vCPUs, a flat image for which neither load nor entry is given gets a 64 KiB segment of its
     * own and is entered at that segment's offset 0.
     */
    int vcpus() default 0;

    /**
     * Whether the exceptions are noted that the guest takes and goes on from, for {@link OutcomeAssert#tookExceptions}; if
     * not said, they aren't. A guest that ran on KVM is replayed on the emulator for it, since KVM delivers exceptions
     * without a word.
     */
    boolean[] watchExceptions() default {};

    /** Whether using a port that no device has fails the test; if not said, it doesn't. */
    boolean[] strictPorts() default {};
}
