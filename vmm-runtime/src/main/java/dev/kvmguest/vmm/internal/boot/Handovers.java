package dev.kvmguest.vmm.internal.boot;

import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.internal.boot.layout.Handover;
import dev.kvmguest.vmm.internal.boot.limine.LimineHandover;
import dev.kvmguest.vmm.internal.boot.linux.LinuxHandover;
import dev.kvmguest.vmm.internal.boot.multiboot.MultibootHandover;
import dev.kvmguest.vmm.internal.boot.multiboot2.Multiboot2Handover;
import dev.kvmguest.vmm.internal.boot.plain.LongModeHandover;
import dev.kvmguest.vmm.internal.boot.plain.ProtectedModeHandover;
import dev.kvmguest.vmm.internal.boot.plain.RealModeHandover;
import dev.kvmguest.vmm.internal.boot.pvh.PvhHandover;
import java.util.List;
import java.util.stream.IntStream;

/** Finds the protocol for each boot mode. */
final class Handovers {

    private Handovers() {}

    /**
     * Returns how each of these guests is handed the machine.
     *
     * @throws IllegalArgumentException if its boot mode can't enter one
     */
    static List<Handover> of(List<VcpuConfig> vcpus) {
        return vcpus.size() == 1
                ? List.of(of(vcpus.get(0)))
                : IntStream.range(0, vcpus.size())
                        .mapToObj(vcpu -> amongOthers(vcpus.get(vcpu), vcpu))
                        .toList();
    }

    /** Returns the same of one guest. */
    static Handover of(VcpuConfig config) {
        CodeWidth.require(config.image(), config.boot());
        return switch (config.boot()) {
            case REAL -> RealModeHandover.alone(config, Handovers::isPossible);
            case PROTECTED, PAGED, PAGED_4K -> new ProtectedModeHandover(config);
            case LONG -> new LongModeHandover(config);
            case MULTIBOOT -> new MultibootHandover(config);
            case MULTIBOOT2 -> new Multiboot2Handover(config);
            case LIMINE -> new LimineHandover(config);
            case PVH -> new PvhHandover(config);
            case LINUX -> new LinuxHandover(config);
        };
    }

    /** Guests beside each other are in real mode; see {@link dev.kvmguest.vmm.config.MachineConfig}. */
    private static Handover amongOthers(VcpuConfig config, int vcpu) {
        CodeWidth.require(config.image(), config.boot());
        return RealModeHandover.amongOthers(config, vcpu, Handovers::isPossible);
    }

    private static boolean isPossible(VcpuConfig config) {
        try {
            of(config);
            return true;
        } catch (IllegalArgumentException e) {
            return false;
        }
    }
}
