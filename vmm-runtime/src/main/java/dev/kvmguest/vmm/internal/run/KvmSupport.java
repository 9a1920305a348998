package dev.kvmguest.vmm.internal.run;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.internal.engine.Engine;
import dev.kvmguest.vmm.internal.engine.Feature;
import dev.kvmguest.vmm.internal.host.KvmFitness;
import dev.kvmguest.vmm.internal.kvm.KvmEngine;
import java.util.Optional;
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

    /** Returns why KVM can't run all that a guest in this boot mode may do, interrupts and exceptions included. */
    public Optional<String> whyNotAllOf(BootMode mode) {
        return whyNot(mode).or(() -> whyNot(Feature.interruptsIn(mode), "all of boot mode " + mode));
    }

    private Optional<String> whyNot(Feature feature, String what) {
        try {
            return KvmFitness.whyNot(kvm.get().capabilities(), feature, what);
        } catch (VmmException e) {
            return Optional.of("this host has no usable KVM: " + e.getMessage());
        }
    }
}
