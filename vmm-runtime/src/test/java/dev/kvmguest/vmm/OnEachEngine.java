package dev.kvmguest.vmm;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Runs a class's tests once on each of the {@link TestedEngines}, which its constructor is given. Where the machine has no /dev/kvm those on KVM
 * are reported as skipped; where it is there and doesn't work they fail.
 */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@Tag("kvm")
@ParameterizedClass(name = "{0}")
@MethodSource("dev.kvmguest.vmm.TestedEngines#all")
public @interface OnEachEngine {}
