package dev.kvmguest.junit;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.kvmguest.vmm.BootMode;
import dev.kvmguest.vmm.kvm.KvmEngine;
import java.lang.annotation.ElementType;
import java.lang.annotation.Inherited;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Writes the guests of these tests, and skips each test by its name, not the class as one, where KVM can't run them in
 * the modes that they use.
 */
@Inherited
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.TYPE)
@ExtendWith(NeedsKvm.Assumption.class)
@interface NeedsKvm {

    /** Aborts a test before its guest would boot. */
    final class Assumption implements BeforeAllCallback, BeforeEachCallback {

        @Override
        public void beforeAll(ExtensionContext context) {
            TestGuests.write();
        }

        @Override
        public void beforeEach(ExtensionContext context) {
            for (BootMode mode : new BootMode[] {BootMode.REAL, BootMode.PROTECTED}) {
                var result = KvmCondition.evaluate(KvmEngine.instance(), mode);
                assumeTrue(!result.isDisabled(), () -> result.getReason().orElseThrow());
            }
        }
    }
}
