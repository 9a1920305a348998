package dev.kvmguest.vmm;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.condition.EnabledIf;

/**
 * Marks tests that run guests on /dev/kvm. Where the device is missing they are reported as skipped; where it is there
 * and doesn't work they fail.
 */
@Target({ElementType.TYPE, ElementType.METHOD})
@Retention(RetentionPolicy.RUNTIME)
@EnabledIf(value = "dev.kvmguest.vmm.NeedsKvm$Device#exists", disabledReason = "this machine has no /dev/kvm")
public @interface NeedsKvm {

    /** The device that the annotation asks for. */
    final class Device {

        private Device() {}

        static boolean exists() {
            return Files.exists(Path.of("/dev/kvm"));
        }
    }
}
