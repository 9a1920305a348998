package dev.kvmguest.vmm.internal.kvm;

import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.internal.engine.Capabilities;
import dev.kvmguest.vmm.internal.engine.Engine;
import dev.kvmguest.vmm.internal.engine.MachineTemplate;
import dev.kvmguest.vmm.internal.engine.SavedRam;
import dev.kvmguest.vmm.internal.engine.VirtualMachine;
import dev.kvmguest.vmm.internal.host.HostProbe;
import dev.kvmguest.vmm.internal.kvm.abi.Kvm;
import dev.kvmguest.vmm.internal.kvm.abi.NativeBuffer;
import java.util.Optional;

/** Runs guests on the host kernel's KVM. */
public final class KvmEngine implements Engine {

    private static final KvmEngine INSTANCE = new KvmEngine();

    private HostSupport support;
    private Capabilities capabilities;
    private Capabilities.Finding breakpoints;

    private KvmEngine() {}

    /** Returns the engine of this JVM. */
    public static KvmEngine instance() {
        return INSTANCE;
    }

    @Override
    public String name() {
        return "kvm";
    }

    @Override
    public synchronized Capabilities capabilities() {
        if (capabilities == null) {
            capabilities = new HostProbe(this).probe();
        }
        return capabilities;
    }

    @Override
    public synchronized Optional<String> whyNoBreakpoints() {
        if (breakpoints == null) {
            breakpoints = new HostProbe(this).tryBreakpoint();
        }
        return breakpoints.works() ? Optional.empty() : Optional.of(breakpoints.seen());
    }

    @Override
    public VirtualMachine createMachine(long memorySize, int vcpus) {
        try (KvmSystem system = KvmSystem.open()) {
            int max = system.maxVcpus();
            if (vcpus > max) {
                throw new VmmException(
                        "this host's KVM has at most " + max + " vCPUs a machine; " + vcpus + " were asked for");
            }
            // Asked before there is a VM, which a refusal would leave open.
            HostSupport asked = support(system);
            return new KvmMachine(system.createVm(), Mapping.anonymous(memorySize), vcpus, asked);
        }
    }

    @Override
    public MachineTemplate template(SavedRam memory) {
        return new KvmTemplate(memory, this::machineWith);
    }

    private KvmMachine machineWith(Mapping ram) {
        try (KvmSystem system = KvmSystem.open()) {
            HostSupport asked = support(system);
            return new KvmMachine(system.createVm(), ram, 1, asked);
        } catch (RuntimeException e) {
            ram.close();
            throw e;
        }
    }

    /** Processor and kernel don't change while the JVM runs, so that they are asked once. */
    private synchronized HostSupport support(KvmSystem system) {
        if (support == null) {
            NativeBuffer cpuid = system.supportedCpuid();
            KvmCpuid.removeLocalApic(cpuid.bytes());
            support =
                    new HostSupport(cpuid, (system.checkExtension(Kvm.KVM_CAP_SYNC_REGS) & Kvm.KVM_SYNC_X86_REGS) != 0);
        }
        return support;
    }

    /**
     * What each vCPU is given.
     *
     * @param cpuid the CPUID leaves
     * @param syncsRegs whether KVM can copy the general registers into the shared page
     */
    record HostSupport(NativeBuffer cpuid, boolean syncsRegs) {}
}
