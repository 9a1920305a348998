package dev.kvmguest.junit;

import dev.kvmguest.vmm.BootMode;
import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Inherited;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Skips a test or a test class, with the reason, where this host has no KVM or its KVM can't run guests in a boot mode.
 *
 * <pre>{@code
 * @EnabledIfKvm(BootMode.PAGED)
 * @KvmGuest("kernel")
 * class KernelTests { ... }
 * }</pre>
 *
 * <p>Without it nothing is skipped: a guest that can't be run on this host fails its test, because a kernel that nobody
 * has booted has not been tested. Where KVM can run a mode is found by running a tiny guest in it, once per JVM.
 */
@Documented
@Inherited
@Retention(RetentionPolicy.RUNTIME)
@Target({ElementType.TYPE, ElementType.METHOD})
@ExtendWith(KvmCondition.class)
public @interface EnabledIfKvm {

    /** The boot mode that KVM must be able to run. */
    BootMode value() default BootMode.REAL;
}
