package dev.kvmguest.junit;

import dev.kvmguest.vmm.config.BootMode;
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
 * @KvmGuest(value = "kernel", engine = EngineChoice.KVM)
 * class KernelTests { ... }
 * }</pre>
 *
 * <p>For tests that are about KVM itself. Others don't need it: where KVM can't run a guest, the emulator does, unless the
 * test asks for KVM by {@link KvmGuest#engine}, and fails then. Where KVM can run a mode is found by running a tiny guest
 * in it, once per JVM.
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
