package dev.kvmguest.vmm.internal.kvm;

import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.internal.engine.Capabilities;
import dev.kvmguest.vmm.internal.engine.Engine;
import dev.kvmguest.vmm.internal.engine.VirtualMachine;
import dev.kvmguest.vmm.internal.host.HostProbe;
import dev.kvmguest.vmm.internal.kvm.abi.Kvm;
import dev.kvmguest.vmm.internal.kvm.abi.NativeBuffer;
import dev.kvmguest.vmm.memory.GuestMemory;
import java.util.ArrayList;
import java.util.List;

/** Runs guests on the host kernel's KVM. */
public final class KvmEngine implements Engine {

    private static final KvmEngine INSTANCE = new KvmEngine();

    private HostSupport support;
    private Capabilities capabilities;

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
    public VirtualMachine createMachine(long memorySize, int vcpus) {
        try (KvmSystem system = KvmSystem.open()) {
            int max = system.maxVcpus();
            if (vcpus > max) {
                throw new VmmException(
                        "this host's KVM has at most " + max + " vCPUs a machine; " + vcpus + " were asked for");
            }
            // Asked before there is a VM, which a refusal would leave open.
            HostSupport asked = support(system);
            return new KvmMachine(system.createVm(), memorySize, vcpus, asked);
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
    private record HostSupport(NativeBuffer cpuid, boolean syncsRegs) {}

    /** A VM with its RAM and vCPUs; frees them in the reverse order of their making. */
    private static final class KvmMachine implements VirtualMachine {

        private final KvmVm vm;
        private final List<KvmVcpu> descriptors = new ArrayList<>();
        private final List<KvmVirtualCpu> vcpus = new ArrayList<>();
        private GuestMemory memory;

        KvmMachine(KvmVm vm, long memorySize, int vcpuCount, HostSupport support) {
            this.vm = vm;
            try {
                Mapping ram = Mapping.anonymous(memorySize);
                memory = KvmMemory.of(ram);
                vm.mapMemory(ram);
                for (int i = 0; i < vcpuCount; i++) {
                    KvmVcpu vcpu = vm.createVcpu(i);
                    descriptors.add(vcpu);
                    vcpu.setCpuid(support.cpuid);
                    if (support.syncsRegs) {
                        vcpu.syncRegs();
                    }
                    vcpus.add(new KvmVirtualCpu(vcpu));
                }
            } catch (RuntimeException e) {
                close();
                throw e;
            }
        }

        @Override
        public GuestMemory memory() {
            return memory;
        }

        @Override
        public KvmVirtualCpu vcpu(int index) {
            return vcpus.get(index);
        }

        @Override
        public void close() {
            vcpus.forEach(KvmVirtualCpu::finish);
            descriptors.forEach(KvmVcpu::close);
            vm.close();
            // Last: KVM refers to the pages until the VM is gone.
            if (memory != null) {
                memory.close();
            }
        }
    }
}
