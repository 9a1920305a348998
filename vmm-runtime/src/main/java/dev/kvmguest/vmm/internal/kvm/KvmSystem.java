package dev.kvmguest.vmm.internal.kvm;

import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.internal.kvm.abi.Kvm;
import dev.kvmguest.vmm.internal.kvm.abi.Libc;
import dev.kvmguest.vmm.internal.kvm.abi.NativeBuffer;
import dev.kvmguest.vmm.internal.kvm.abi.Structs.kvm_cpuid2;
import dev.kvmguest.vmm.internal.kvm.abi.Structs.kvm_cpuid_entry2;
import dev.kvmguest.vmm.internal.kvm.abi.Structs.kvm_msr_list;
import dev.kvmguest.vmm.text.Reasons;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * /dev/kvm: what this host's KVM is and can do, and the maker of VMs. Source: Linux, Documentation/virt/kvm/api.rst.
 */
public final class KvmSystem implements AutoCloseable {

    /** Where the device is. */
    public static final String DEVICE = "/dev/kvm";

    private static final int CPUID_ENTRIES = 256;

    /** Twice what Linux 6.18 has. */
    private static final int MSRS = 1024;

    private static final Map<String, Integer> NEEDED = new LinkedHashMap<>();
    private static final Map<String, Integer> TO_SAVE = new LinkedHashMap<>();

    static {
        NEEDED.put("KVM_CAP_USER_MEMORY", Kvm.KVM_CAP_USER_MEMORY);
        NEEDED.put("KVM_CAP_SET_TSS_ADDR", Kvm.KVM_CAP_SET_TSS_ADDR);
        NEEDED.put("KVM_CAP_SET_IDENTITY_MAP_ADDR", Kvm.KVM_CAP_SET_IDENTITY_MAP_ADDR);
        NEEDED.put("KVM_CAP_EXT_CPUID", Kvm.KVM_CAP_EXT_CPUID);
        NEEDED.put("KVM_CAP_IMMEDIATE_EXIT", Kvm.KVM_CAP_IMMEDIATE_EXIT);
        TO_SAVE.put("KVM_CAP_VCPU_EVENTS", Kvm.KVM_CAP_VCPU_EVENTS);
        TO_SAVE.put("KVM_CAP_DEBUGREGS", Kvm.KVM_CAP_DEBUGREGS);
        TO_SAVE.put("KVM_CAP_XSAVE", Kvm.KVM_CAP_XSAVE);
        TO_SAVE.put("KVM_CAP_XCRS", Kvm.KVM_CAP_XCRS);
    }

    private final OwnedFd fd;
    private final int vcpuMmapSize;

    private KvmSystem(OwnedFd fd) {
        this.fd = fd;
        int version = fd.ioctl("KVM_GET_API_VERSION", Kvm.KVM_GET_API_VERSION, 0);
        if (version != Kvm.API_VERSION) {
            throw new VmmException(
                    DEVICE + " speaks API version " + version + "; version " + Kvm.API_VERSION + " is needed");
        }
        NEEDED.forEach((name, capability) -> {
            if (checkExtension(capability) <= 0) {
                throw new VmmException("this host's KVM lacks " + name + "; Linux 4.13 or later has it");
            }
        });
        vcpuMmapSize = fd.ioctl("KVM_GET_VCPU_MMAP_SIZE", Kvm.KVM_GET_VCPU_MMAP_SIZE, 0);
    }

    /**
     * Opens the device.
     *
     * @throws VmmException if this is no x86-64 Linux, the device is missing, may not be used or is too old; the
     *     message says which and what to do
     */
    public static KvmSystem open() {
        requireSupportedHost();
        int number = open(DEVICE);
        OwnedFd fd = new OwnedFd(number, DEVICE);
        try {
            return new KvmSystem(fd);
        } catch (RuntimeException e) {
            fd.close();
            throw e;
        }
    }

    private static int open(String path) {
        int number;
        try {
            number = Libc.open(path, Libc.O_RDWR | Libc.O_CLOEXEC);
        } catch (LinkageError e) {
            throw new VmmException(
                    "the kvm engine needs JNA and its native library, and they can't be loaded: " + Reasons.of(e), e);
        }
        if (number < 0) {
            throw KvmException.lastError("open " + path);
        }
        return number;
    }

    private static void requireSupportedHost() {
        String os = System.getProperty("os.name");
        String arch = System.getProperty("os.arch");
        if (!os.toLowerCase(Locale.ROOT).contains("linux") || !arch.equals("amd64") && !arch.equals("x86_64")) {
            throw new VmmException("the kvm engine needs Linux on x86-64; this is " + os + " on " + arch);
        }
    }

    /** Returns what KVM_CHECK_EXTENSION says of a {@code KVM_CAP_} number: 0 for absent, else 1 or a count. */
    public int checkExtension(int capability) {
        return fd.ioctl("KVM_CHECK_EXTENSION", Kvm.KVM_CHECK_EXTENSION, capability);
    }

    /** Returns the largest number of vCPUs that a VM may have. */
    public int maxVcpus() {
        return checkExtension(Kvm.KVM_CAP_MAX_VCPUS);
    }

    /** Returns the size, in bytes, of the memory that a vCPU shares with its user. */
    public int vcpuMmapSize() {
        return vcpuMmapSize;
    }

    /** Returns the CPUID leaves that this host can give a vCPU, as a {@code kvm_cpuid2} with its entries. */
    NativeBuffer supportedCpuid() {
        NativeBuffer cpuid = new NativeBuffer(kvm_cpuid2.SIZE + CPUID_ENTRIES * kvm_cpuid_entry2.SIZE);
        cpuid.bytes().putInt(kvm_cpuid2.nent, CPUID_ENTRIES);
        fd.ioctl("KVM_GET_SUPPORTED_CPUID", Kvm.KVM_GET_SUPPORTED_CPUID, cpuid);
        return cpuid;
    }

    /**
     * Returns the numbers of the MSRs that a vCPU of this host may have.
     *
     * @throws VmmException if a capability is missing by which the rest of a vCPU is saved; the message names it
     */
    List<Integer> msrsToSave() {
        TO_SAVE.forEach((name, capability) -> {
            if (checkExtension(capability) <= 0) {
                throw new VmmException("a vCPU can't be saved or restored: this host's KVM lacks " + name);
            }
        });
        NativeBuffer list = new NativeBuffer(kvm_msr_list.SIZE + MSRS * Integer.BYTES);
        list.bytes().putInt(kvm_msr_list.nmsrs, MSRS);
        fd.ioctl("KVM_GET_MSR_INDEX_LIST", Kvm.KVM_GET_MSR_INDEX_LIST, list);
        List<Integer> numbers = new ArrayList<>();
        for (int i = 0; i < list.bytes().getInt(kvm_msr_list.nmsrs); i++) {
            numbers.add(list.bytes().getInt(kvm_msr_list.indices + i * Integer.BYTES));
        }
        return numbers;
    }

    /** Makes a VM without memory and without vCPUs. */
    public KvmVm createVm() {
        int number = fd.ioctl("KVM_CREATE_VM", Kvm.KVM_CREATE_VM, 0);
        return new KvmVm(new OwnedFd(number, "VM"), vcpuMmapSize);
    }

    @Override
    public void close() {
        fd.close();
    }
}
