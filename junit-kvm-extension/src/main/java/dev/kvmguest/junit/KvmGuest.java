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
 * {@link dev.kvmguest.vmm.outcome.Outcome Outcome}, or a {@code List<Outcome>} with several vCPUs, is that of a guest
 * that booted and ran to its end before the test's body. Test methods, {@code @BeforeEach} and {@code @AfterEach} can
 * take these parameters; within one test they all mean the same machine. Each repetition and each invocation of a
 * parameterized test has a machine of its own. If a test method carries the annotation itself and takes no such
 * parameter, its guest also runs to its end before the body. If only the class carries it, such a method is an ordinary
 * test.
 *
 * <p><b>Verdict.</b> A guest that died, hung, panicked or could not be run fails its test even if the body passed,
 * unless the test asserted that end with {@link GuestAssertions}. A live guest that still runs when the body has passed
 * goes on for a moment, as {@link Guest} says, and is stopped then; that is not a failure. A {@code Guest} that the
 * test takes and never uses fails it: nothing was booted, so there is no verdict.
 *
 * <p><b>Files.</b> A failing test publishes these files about its guest:
 *
 * <ul>
 *   <li>{@code guest.txt}, the whole report as text
 *   <li>{@code guest.html}, the page with everything known of the run
 *   <li>{@code guest.json}, the report as JSON; the only file about a guest that could not be run
 *   <li>{@code console.txt}, what the guest wrote; with several vCPUs {@code console-0.txt} and so on
 *   <li>{@code screen.txt} and {@code screen.png}, what the screen showed, unless it was blank
 *   <li>{@code screen-expected.png}, {@code screen-actual.png} and {@code screen-difference.png}, if the test found
 *       that the screen doesn't look as expected
 * </ul>
 *
 * <p>The names of files about {@link GuestTests} begin with the in-guest test's name and a hyphen.
 *
 * <p><b>Placement.</b> On test classes, test methods and other annotations. Subclasses and nested classes inherit it.
 * Each attribute set on a method wins over that of its class, a nested class's over its enclosing class's, and a
 * subclass's over its superclass's. Naming another guest drops these attributes of the first one: {@link #id},
 * {@link #image}, {@link #boot}, {@link #load}, {@link #entry}, {@link #commandLine} and {@link #modules}. What isn't
 * set here comes from the manifest of a guest built by {@code kvm:assemble}, if the manifest has it.
 *
 * <p>An attribute of an array type takes one value, written without braces, unless its description says more. It is an
 * array only so that it can be left out.
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
     * The guest's id, as in the configuration of {@code kvm:assemble}. Several ids mean one vCPU each, side by side in
     * one machine, all in real mode.
     */
    String[] id() default {};

    /**
     * The guest's file instead of an id: a flat binary or an ELF file, by its path relative to the working directory or
     * as the name of a class path resource. Several mean one vCPU each.
     */
    String[] image() default {};

    /**
     * The state at entry. Default: what the manifest says; for an image what it asks for itself, by a header, note or
     * request of a boot protocol, 64 bits or an entry that real mode can't reach, else {@link BootMode#REAL}.
     */
    BootMode[] boot() default {};

    /**
     * The physical address of the image's first byte, such as {@code 0x7c00}. Default: what the manifest or the ELF
     * file says; 0x7c00 for a boot sector in real mode (512 bytes with 0x55 0xAA at their end), 0x100000 for another
     * flat binary in {@link BootMode#LONG}, else 0x1000.
     */
    String load() default "";

    /** Where the guest starts: a linear address, or {@code SEG:OFF} in real mode. */
    String entry() default "";

    /** The kernel's command line; only for a boot mode that {@linkplain BootMode#hasLoader has a loader}. */
    String[] commandLine() default {};

    /**
     * The files that are loaded beside the kernel, in this order: paths relative to the working directory or names of
     * class path resources. The kernel gets their names without folders. Only for a boot mode that
     * {@linkplain BootMode#hasLoader has a loader}.
     */
    String[] modules() default {};

    /** RAM, such as {@code 640K}. Default: what the manifest says, else 16M. */
    String memory() default "";

    /** The input typed before the guest starts. One text is for every vCPU; several are for one vCPU each. */
    String[] input() default {};

    /** The longest that the guest may run, such as {@code 500ms} or {@code 5s}. Default: 10s. */
    String timeout() default "";

    /**
     * What the guest's CMOS clock shows when it starts, such as {@code 2026-12-31T23:59:58}. Default: midnight on 1
     * January 2026.
     */
    String date() default "";

    /**
     * What executes the guest; {@link EngineChoice#QEMU} is an installed QEMU. Default: the engine named by the system
     * property {@code kvmguest.engine}, else KVM if this host's KVM can run the guest's boot mode at a processor's
     * speed, else the emulator, which runs on any host. The outcome says which it was, and why.
     */
    EngineChoice[] engine() default {};

    /**
     * Further arguments for {@link EngineChoice#QEMU}, such as {@code {"-device", "edu"}}: hardware that isn't modelled
     * here. The outcome's reason for its engine has them.
     */
    String[] qemuArguments() default {};

    /**
     * The number of vCPUs. With one guest, each vCPU runs it. With several guests it must be their number, or be left
     * out. With several vCPUs, a flat image without load and entry gets a 64 KiB segment of its own and is entered at
     * that segment's offset 0.
     */
    int vcpus() default 0;

    /**
     * Whether to record the exceptions that the guest takes and survives, for {@link OutcomeAssert#tookExceptions}.
     * Default: no. A guest that ran on KVM is replayed on the emulator for this, because KVM doesn't report the
     * exceptions that it delivers.
     */
    boolean[] watchExceptions() default {};

    /** Whether using a port without a device fails the test. Default: no. */
    boolean[] strictPorts() default {};
}
