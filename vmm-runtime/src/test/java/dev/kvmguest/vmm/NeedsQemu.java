package dev.kvmguest.vmm;

import dev.kvmguest.vmm.internal.host.ProgramPath;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.condition.EnabledIf;

/** Skips tests where no QEMU with long mode is installed. */
@Target({ElementType.TYPE, ElementType.METHOD})
@Retention(RetentionPolicy.RUNTIME)
@EnabledIf(value = "dev.kvmguest.vmm.NeedsQemu$Installed#isThere", disabledReason = "no qemu-system-x86_64 on the PATH")
public @interface NeedsQemu {

    /** Looks for QEMU. */
    final class Installed {

        private Installed() {}

        public static boolean isThere() {
            return new ProgramPath(System.getenv())
                    .find(ProgramPath.QEMU.get(0))
                    .isPresent();
        }
    }
}
