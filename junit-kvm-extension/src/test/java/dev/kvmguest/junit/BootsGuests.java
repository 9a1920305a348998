package dev.kvmguest.junit;

import java.lang.annotation.ElementType;
import java.lang.annotation.Inherited;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;

/** Writes the guests of these tests before the first of a class, on whatever engine they then run. */
@Inherited
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.TYPE)
@ExtendWith(BootsGuests.Writer.class)
@interface BootsGuests {

    /** Writes the files. */
    final class Writer implements BeforeAllCallback {

        @Override
        public void beforeAll(ExtensionContext context) {
            TestGuests.write();
        }
    }
}
