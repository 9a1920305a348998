package dev.kvmguest.vmm.internal.kvm.abi;

import static dev.kvmguest.vmm.internal.kvm.abi.Ioctl._IO;
import static dev.kvmguest.vmm.internal.kvm.abi.Ioctl._IOR;
import static dev.kvmguest.vmm.internal.kvm.abi.Ioctl._IOW;
import static dev.kvmguest.vmm.internal.kvm.abi.Ioctl._IOWR;

import dev.kvmguest.vmm.internal.kvm.abi.Structs.kvm_cpuid2;
import dev.kvmguest.vmm.internal.kvm.abi.Structs.kvm_debugregs;
import dev.kvmguest.vmm.internal.kvm.abi.Structs.kvm_guest_debug;
import dev.kvmguest.vmm.internal.kvm.abi.Structs.kvm_interrupt;
import dev.kvmguest.vmm.internal.kvm.abi.Structs.kvm_msr_list;
import dev.kvmguest.vmm.internal.kvm.abi.Structs.kvm_msrs;
import dev.kvmguest.vmm.internal.kvm.abi.Structs.kvm_regs;
import dev.kvmguest.vmm.internal.kvm.abi.Structs.kvm_signal_mask;
import dev.kvmguest.vmm.internal.kvm.abi.Structs.kvm_sregs;
import dev.kvmguest.vmm.internal.kvm.abi.Structs.kvm_userspace_memory_region;
import dev.kvmguest.vmm.internal.kvm.abi.Structs.kvm_vcpu_events;
import dev.kvmguest.vmm.internal.kvm.abi.Structs.kvm_xcrs;
import dev.kvmguest.vmm.internal.kvm.abi.Structs.kvm_xsave;

/**
 * Numbers from {@code linux/kvm.h} for x86-64: ioctl requests by the descriptor that takes them, capabilities, exits.
 */
public final class Kvm {

    private static final int KVMIO = 0xae;

    /** The only API version there has been since Linux 2.6.22. */
    public static final int API_VERSION = 12;

    // Requests to /dev/kvm.

    public static final long KVM_GET_API_VERSION = _IO(KVMIO, 0x00);
    public static final long KVM_CREATE_VM = _IO(KVMIO, 0x01);
    public static final long KVM_GET_MSR_INDEX_LIST = _IOWR(KVMIO, 0x02, kvm_msr_list.SIZE);
    public static final long KVM_CHECK_EXTENSION = _IO(KVMIO, 0x03);
    public static final long KVM_GET_VCPU_MMAP_SIZE = _IO(KVMIO, 0x04);
    /** Needs {@link #KVM_CAP_EXT_CPUID}. */
    public static final long KVM_GET_SUPPORTED_CPUID = _IOWR(KVMIO, 0x05, kvm_cpuid2.SIZE);

    // Requests to a VM.

    public static final long KVM_CREATE_VCPU = _IO(KVMIO, 0x41);
    /** Needs {@link #KVM_CAP_USER_MEMORY}. */
    public static final long KVM_SET_USER_MEMORY_REGION = _IOW(KVMIO, 0x46, kvm_userspace_memory_region.SIZE);
    /** Needs {@link #KVM_CAP_SET_TSS_ADDR}. */
    public static final long KVM_SET_TSS_ADDR = _IO(KVMIO, 0x47);
    /** Needs {@link #KVM_CAP_SET_IDENTITY_MAP_ADDR}. */
    public static final long KVM_SET_IDENTITY_MAP_ADDR = _IOW(KVMIO, 0x48, Long.BYTES);

    // Requests to a vCPU.

    public static final long KVM_RUN = _IO(KVMIO, 0x80);
    public static final long KVM_GET_REGS = _IOR(KVMIO, 0x81, kvm_regs.SIZE);
    public static final long KVM_SET_REGS = _IOW(KVMIO, 0x82, kvm_regs.SIZE);
    public static final long KVM_GET_SREGS = _IOR(KVMIO, 0x83, kvm_sregs.SIZE);
    public static final long KVM_SET_SREGS = _IOW(KVMIO, 0x84, kvm_sregs.SIZE);
    public static final long KVM_INTERRUPT = _IOW(KVMIO, 0x86, kvm_interrupt.SIZE);
    public static final long KVM_GET_MSRS = _IOWR(KVMIO, 0x88, kvm_msrs.SIZE);
    public static final long KVM_SET_MSRS = _IOW(KVMIO, 0x89, kvm_msrs.SIZE);
    public static final long KVM_SET_SIGNAL_MASK = _IOW(KVMIO, 0x8b, kvm_signal_mask.SIZE);
    /** Needs {@link #KVM_CAP_EXT_CPUID}. */
    public static final long KVM_SET_CPUID2 = _IOW(KVMIO, 0x90, kvm_cpuid2.SIZE);
    /** Needs {@link #KVM_CAP_SET_GUEST_DEBUG}. */
    public static final long KVM_SET_GUEST_DEBUG = _IOW(KVMIO, 0x9b, kvm_guest_debug.SIZE);

    /** Needs {@link #KVM_CAP_VCPU_EVENTS}. */
    public static final long KVM_GET_VCPU_EVENTS = _IOR(KVMIO, 0x9f, kvm_vcpu_events.SIZE);
    /** Needs {@link #KVM_CAP_VCPU_EVENTS}. */
    public static final long KVM_SET_VCPU_EVENTS = _IOW(KVMIO, 0xa0, kvm_vcpu_events.SIZE);
    /** Needs {@link #KVM_CAP_DEBUGREGS}. */
    public static final long KVM_GET_DEBUGREGS = _IOR(KVMIO, 0xa1, kvm_debugregs.SIZE);
    /** Needs {@link #KVM_CAP_DEBUGREGS}. */
    public static final long KVM_SET_DEBUGREGS = _IOW(KVMIO, 0xa2, kvm_debugregs.SIZE);
    /** Needs {@link #KVM_CAP_XSAVE}. */
    public static final long KVM_GET_XSAVE = _IOR(KVMIO, 0xa4, kvm_xsave.SIZE);
    /** Needs {@link #KVM_CAP_XSAVE}. */
    public static final long KVM_SET_XSAVE = _IOW(KVMIO, 0xa5, kvm_xsave.SIZE);
    /** Needs {@link #KVM_CAP_XCRS}. */
    public static final long KVM_GET_XCRS = _IOR(KVMIO, 0xa6, kvm_xcrs.SIZE);
    /** Needs {@link #KVM_CAP_XCRS}. */
    public static final long KVM_SET_XCRS = _IOW(KVMIO, 0xa7, kvm_xcrs.SIZE);

    public static final int KVM_CAP_USER_MEMORY = 3;
    public static final int KVM_CAP_SET_TSS_ADDR = 4;
    public static final int KVM_CAP_EXT_CPUID = 7;
    public static final int KVM_CAP_NR_VCPUS = 9;
    public static final int KVM_CAP_SET_GUEST_DEBUG = 23;
    public static final int KVM_CAP_SET_IDENTITY_MAP_ADDR = 37;
    public static final int KVM_CAP_VCPU_EVENTS = 41;
    public static final int KVM_CAP_DEBUGREGS = 50;
    public static final int KVM_CAP_XSAVE = 55;
    public static final int KVM_CAP_XCRS = 56;
    public static final int KVM_CAP_MAX_VCPUS = 66;
    /**
     * What it returns has a {@code KVM_SYNC_X86_} bit for each set of registers that KVM can put into the shared page.
     */
    public static final int KVM_CAP_SYNC_REGS = 74;

    public static final int KVM_CAP_IMMEDIATE_EXIT = 136;

    public static final int KVM_EXIT_UNKNOWN = 0;
    public static final int KVM_EXIT_IO = 2;
    public static final int KVM_EXIT_DEBUG = 4;
    public static final int KVM_EXIT_HLT = 5;
    public static final int KVM_EXIT_MMIO = 6;
    public static final int KVM_EXIT_IRQ_WINDOW_OPEN = 7;
    public static final int KVM_EXIT_SHUTDOWN = 8;
    public static final int KVM_EXIT_FAIL_ENTRY = 9;
    public static final int KVM_EXIT_INTR = 10;
    public static final int KVM_EXIT_INTERNAL_ERROR = 17;

    public static final int KVM_EXIT_IO_OUT = 1;

    public static final int KVM_INTERNAL_ERROR_EMULATION = 1;
    public static final long KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES = 1;

    public static final int KVM_SYNC_X86_REGS = 1;

    public static final int KVM_CPUID_FLAG_SIGNIFCANT_INDEX = 0x1;

    public static final int KVM_GUESTDBG_ENABLE = 0x1;
    public static final int KVM_GUESTDBG_SINGLESTEP = 0x2;
    public static final int KVM_GUESTDBG_USE_HW_BP = 0x0002_0000;

    public static final int KVM_VCPUEVENT_VALID_SHADOW = 0x4;

    public static final int KVM_X86_SHADOW_INT_MOV_SS = 0x1;
    public static final int KVM_X86_SHADOW_INT_STI = 0x2;

    private Kvm() {}
}
