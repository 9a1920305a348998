package dev.kvmguest.vmm;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
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
            return Stream.of(System.getenv().getOrDefault("PATH", "").split(":"))
                    .flatMap(folder ->
                            Stream.of("qemu-system-i386", "qemu-system-x86_64").map(name -> Path.of(folder, name)))
                    .anyMatch(Files::isExecutable);
        }
    }
}
