package dev.kvmguest.vmm;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.internal.engine.Feature;
import dev.kvmguest.vmm.internal.kvm.KvmEngine;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.condition.EnabledIf;

/**
 * Marks tests that run guests on /dev/kvm. Where the device is missing they are reported as skipped; where it is there
 * and doesn't work they fail.
 */
@Target({ElementType.TYPE, ElementType.METHOD})
@Retention(RetentionPolicy.RUNTIME)
@Tag("kvm")
@EnabledIf(value = "dev.kvmguest.vmm.NeedsKvm$Device#exists", disabledReason = "this machine has no /dev/kvm")
public @interface NeedsKvm {

    /** The device that the annotation asks for. */
    final class Device {

        private Device() {}

        public static boolean exists() {
            return Files.exists(Path.of("/dev/kvm"));
        }

        /** Has a test skipped that would run on KVM where there is none. */
        public static void assumeFor(EngineChoice engine) {
            assumeTrue(engine != EngineChoice.KVM || exists(), "this machine has no /dev/kvm");
        }

        /** Has a test skipped that would run on KVM where it lacks a feature. */
        public static void assumeFor(EngineChoice engine, Feature feature) {
            if (engine == EngineChoice.KVM) {
                assumeFor(engine);
                Optional<String> whyNot = KvmEngine.instance().capabilities().whyNot(feature);
                assumeTrue(whyNot.isEmpty(), () -> "this KVM can't run " + feature.words() + ": " + whyNot.get());
            }
        }
    }
}
