package dev.kvmguest.vmm;

import dev.kvmguest.vmm.internal.host.ProgramPath;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.condition.EnabledIf;

/** Skips tests where no QEMU is installed. */
@Target({ElementType.TYPE, ElementType.METHOD})
@Retention(RetentionPolicy.RUNTIME)
@EnabledIf(value = "dev.kvmguest.vmm.NeedsQemu$Installed#isThere", disabledReason = "no qemu-system-i386 on the PATH")
public @interface NeedsQemu {

    /** Looks for QEMU. */
    final class Installed {

        private Installed() {}

        public static boolean isThere() {
            ProgramPath path = new ProgramPath(System.getenv());
            return ProgramPath.QEMU.stream().anyMatch(name -> path.find(name).isPresent());
        }
    }
}
