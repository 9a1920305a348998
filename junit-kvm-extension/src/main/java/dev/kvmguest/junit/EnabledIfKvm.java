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
 * Skips a test or a test class, with the reason, if this host has no KVM or its KVM can't run guests in a boot mode.
 *
 * <pre>{@code
 * @EnabledIfKvm(BootMode.PAGED)
 * @KvmGuest(value = "kernel", engine = EngineChoice.KVM)
 * class KernelTests { ... }
 * }</pre>
 *
 * <p>It is for tests of KVM itself. Other tests don't need it: if KVM can't run a guest, the emulator does. Only a test
 * that asks for KVM with {@link KvmGuest#engine} fails then. To find out, a tiny guest runs in the mode, once per JVM.
 */
@Documented
@Inherited
@Retention(RetentionPolicy.RUNTIME)
@Target({ElementType.TYPE, ElementType.METHOD})
@ExtendWith(KvmCondition.class)
public @interface EnabledIfKvm {

    /** The boot mode that KVM must be able to run. */
    BootMode value() default BootMode.REAL;

    /**
     * Whether KVM must be able to run all that guests in the boot mode may do: take interrupts and exceptions, turn on
     * paging themselves and, in long mode, serve programs by SYSCALL.
     */
    boolean allOfIt() default false;
}
