package dev.kvmguest.vmm.internal.host;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.internal.engine.Capabilities;
import dev.kvmguest.vmm.internal.engine.Feature;
import java.util.Optional;

/** Judges a KVM by what its probe guests saw: whether guests in a boot mode are to run on it. */
public final class KvmFitness {

    private KvmFitness() {}

    /**
     * Returns why guests in a boot mode had better run on the emulator, as a sentence; empty if KVM runs them in full
     * and at a processor's speed.
     *
     * <p>Interrupts are asked for too, exceptions and system calls of a guest in long mode, and paging of a guest that
     * is entered in protected mode: nobody can tell from an image whether it will take an interrupt or turn on paging,
     * and a guest that does, where KVM can't, would end as unsupported.
     */
    public static Optional<String> whyEmulator(Capabilities kvm, BootMode mode) {
        return whyNot(kvm, Feature.neededBy(mode), "boot mode " + mode)
                .or(() -> whyNot(kvm, Feature.interruptsIn(mode), "all of boot mode " + mode))
                .or(() -> whyNotPaged(kvm, mode))
                .or(() -> whyNotFurther(kvm, mode))
                .or(() -> whyTooSlow(kvm, mode));
    }

    /**
     * Returns why KVM can't run what a guest that is entered in protected mode may come to: paging, which it turns on
     * itself. A sentence; empty if KVM can, and for the other boot modes.
     */
    public static Optional<String> whyNotPaged(Capabilities kvm, BootMode mode) {
        return switch (mode) {
            case PROTECTED, MULTIBOOT, MULTIBOOT2, PVH, LINUX ->
                whyNoPaging(kvm).map(why -> "this host's KVM can't run all of boot mode " + mode + ": " + why);
            case REAL, PAGED, PAGED_4K, LONG, LIMINE -> Optional.empty();
        };
    }

    /** Returns why KVM can't run what else a kernel of a boot mode comes to, as a sentence; empty if it can. */
    public static Optional<String> whyNotFurther(Capabilities kvm, BootMode mode) {
        return Feature.furtherIn(mode).stream()
                .flatMap(feature -> whyNot(kvm, feature, "all of boot mode " + mode).stream())
                .findFirst();
    }

    /**
     * Returns what was seen of a KVM that can't page guests of 32 bits at all, in words; empty if it can, were it with
     * one size of pages only.
     */
    public static Optional<String> whyNoPaging(Capabilities kvm) {
        return kvm.has(Feature.PAGING_4M)
                ? Optional.empty()
                : kvm.whyNot(Feature.PAGING_4K).map(why -> Feature.PAGING_4K.words() + ": " + why);
    }

    /**
     * Returns why KVM can't do something, as a sentence; empty if it can.
     *
     * @param feature what it takes
     * @param what what KVM is to run
     */
    public static Optional<String> whyNot(Capabilities kvm, Feature feature, String what) {
        return kvm.whyNot(feature)
                .map(why -> "this host's KVM can't run " + what + ": " + feature.words() + ": " + why);
    }

    private static Optional<String> whyTooSlow(Capabilities kvm, BootMode mode) {
        return kvm.whyNot(Feature.speedIn(mode))
                .map(why -> "this host's KVM is slower than the emulator: " + why + " in boot mode " + mode);
    }
}
