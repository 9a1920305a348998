package dev.kvmguest.vmm.internal.run;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.internal.engine.Capabilities;
import dev.kvmguest.vmm.internal.engine.Engine;
import dev.kvmguest.vmm.internal.engine.Feature;
import dev.kvmguest.vmm.internal.host.KvmFitness;
import dev.kvmguest.vmm.internal.kvm.KvmEngine;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;

/** Tells what a host's KVM can't run, for those who plan tests rather than machines. */
public final class KvmSupport {

    /** The KVM of this host. */
    public static final KvmSupport OF_THIS_HOST = new KvmSupport(KvmEngine::instance);

    private final Supplier<Engine> kvm;

    KvmSupport(Supplier<Engine> kvm) {
        this.kvm = kvm;
    }

    /**
     * Returns why KVM can't run a guest in this boot mode; empty if it can, or at least one that takes no interrupt.
     */
    public Optional<String> whyNot(BootMode mode) {
        return whyNot(Feature.neededBy(mode), "boot mode " + mode);
    }

    /**
     * Returns why KVM can't run all that a guest in this boot mode may do: interrupts and exceptions included, paging
     * that it turns on itself and, in long mode, system calls of programs.
     */
    public Optional<String> whyNotAllOf(BootMode mode) {
        return whyNot(mode)
                .or(() -> whyNot(Feature.interruptsIn(mode), "all of boot mode " + mode))
                .or(() -> ask(capabilities -> KvmFitness.whyNotPaged(capabilities, mode)))
                .or(() -> ask(capabilities -> KvmFitness.whyNotFurther(capabilities, mode)));
    }

    private Optional<String> whyNot(Feature feature, String what) {
        return ask(capabilities -> KvmFitness.whyNot(capabilities, feature, what));
    }

    private Optional<String> ask(Function<Capabilities, Optional<String>> question) {
        try {
            return question.apply(kvm.get().capabilities());
        } catch (VmmException e) {
            return Optional.of("this host has no usable KVM: " + e.getMessage());
        }
    }
}
