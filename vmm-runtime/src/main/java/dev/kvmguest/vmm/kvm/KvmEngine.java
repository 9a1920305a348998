package dev.kvmguest.vmm.kvm;

import dev.kvmguest.vmm.GuestMemory;
import dev.kvmguest.vmm.VmmException;
import dev.kvmguest.vmm.engine.Capabilities;
import dev.kvmguest.vmm.engine.Engine;
import dev.kvmguest.vmm.engine.VirtualMachine;
import dev.kvmguest.vmm.host.HostProbe;
import dev.kvmguest.vmm.kvm.abi.NativeBuffer;
import java.util.ArrayList;
import java.util.List;

/** Runs guests on the host kernel's KVM. */
public final class KvmEngine implements Engine {

    private static final KvmEngine INSTANCE = new KvmEngine();

    private NativeBuffer cpuid;
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
            NativeBuffer leaves = supportedCpuid(system);
            return new KvmMachine(system.createVm(), memorySize, vcpus, leaves);
        }
    }

    /** The processor doesn't change while the JVM runs, so that it is asked once. */
    private synchronized NativeBuffer supportedCpuid(KvmSystem system) {
        if (cpuid == null) {
            cpuid = system.supportedCpuid();
        }
        return cpuid;
    }

    /** A VM with its RAM and vCPUs; frees them in the reverse order of their making. */
    private static final class KvmMachine implements VirtualMachine {

        private final KvmVm vm;
        private final List<KvmVcpu> descriptors = new ArrayList<>();
        private final List<KvmVirtualCpu> vcpus = new ArrayList<>();
        private GuestMemory memory;

        KvmMachine(KvmVm vm, long memorySize, int vcpuCount, NativeBuffer cpuid) {
            this.vm = vm;
            try {
                Mapping ram = Mapping.anonymous(memorySize);
                memory = new GuestMemory(ram.bytes(), ram::close);
                vm.mapMemory(ram);
                for (int i = 0; i < vcpuCount; i++) {
                    KvmVcpu vcpu = vm.createVcpu(i);
                    descriptors.add(vcpu);
                    vcpu.setCpuid(cpuid);
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
            descriptors.forEach(KvmVcpu::close);
            vm.close();
            // Last: KVM refers to the pages until the VM is gone.
            if (memory != null) {
                memory.close();
            }
        }
    }
}
