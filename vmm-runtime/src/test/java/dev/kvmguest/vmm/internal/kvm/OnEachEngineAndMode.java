package dev.kvmguest.vmm.internal.kvm;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Runs a class's tests on each engine and in each boot mode but real mode, which its constructor is given. Where this
 * machine's KVM lacks what a test needs {@link SystemGuest} has it skipped.
 */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@Tag("kvm")
@ParameterizedClass(name = "{0}, {1}")
@MethodSource("dev.kvmguest.vmm.internal.kvm.SystemGuest#enginesAndModes")
@interface OnEachEngineAndMode {}
