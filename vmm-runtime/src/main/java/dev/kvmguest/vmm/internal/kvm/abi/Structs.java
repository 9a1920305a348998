package dev.kvmguest.vmm.internal.kvm.abi;

/**
 * Sizes and field offsets, in bytes, of the structures in {@code linux/kvm.h} and {@code asm/kvm.h} for x86-64. A test
 * compares each with what a C compiler says.
 */
public final class Structs {

    private Structs() {}

    /** {@code struct kvm_userspace_memory_region}. */
    public static final class kvm_userspace_memory_region {
        public static final int SIZE = 32;
        public static final int slot = 0;
        public static final int flags = 4;
        public static final int guest_phys_addr = 8;
        public static final int memory_size = 16;
        public static final int userspace_addr = 24;

        private kvm_userspace_memory_region() {}
    }

    /** {@code struct kvm_regs}: every field is 64 bits wide. */
    public static final class kvm_regs {
        public static final int SIZE = 144;
        public static final int rax = 0;
        public static final int rbx = 8;
        public static final int rcx = 16;
        public static final int rdx = 24;
        public static final int rsi = 32;
        public static final int rdi = 40;
        public static final int rsp = 48;
        public static final int rbp = 56;
        public static final int r8 = 64;
        public static final int r9 = 72;
        public static final int r10 = 80;
        public static final int r11 = 88;
        public static final int r12 = 96;
        public static final int r13 = 104;
        public static final int r14 = 112;
        public static final int r15 = 120;
        public static final int rip = 128;
        public static final int rflags = 136;

        private kvm_regs() {}
    }

    /** {@code struct kvm_segment}. */
    public static final class kvm_segment {
        public static final int SIZE = 24;
        public static final int base = 0;
        public static final int limit = 8;
        public static final int selector = 12;
        public static final int type = 14;
        public static final int present = 15;
        public static final int dpl = 16;
        public static final int db = 17;
        public static final int s = 18;
        public static final int l = 19;
        public static final int g = 20;
        public static final int avl = 21;
        public static final int unusable = 22;

        private kvm_segment() {}
    }

    /** {@code struct kvm_dtable}. */
    public static final class kvm_dtable {
        public static final int SIZE = 16;
        public static final int base = 0;
        public static final int limit = 8;

        private kvm_dtable() {}
    }

    /** {@code struct kvm_sregs}. */
    public static final class kvm_sregs {
        public static final int SIZE = 312;
        public static final int cs = 0;
        public static final int ds = 24;
        public static final int es = 48;
        public static final int fs = 72;
        public static final int gs = 96;
        public static final int ss = 120;
        public static final int tr = 144;
        public static final int ldt = 168;
        public static final int gdt = 192;
        public static final int idt = 208;
        public static final int cr0 = 224;
        public static final int cr2 = 232;
        public static final int cr3 = 240;
        public static final int cr4 = 248;
        public static final int cr8 = 256;
        public static final int efer = 264;
        public static final int apic_base = 272;
        public static final int interrupt_bitmap = 280;

        private kvm_sregs() {}
    }

    /** {@code struct kvm_cpuid2} without its entries. */
    public static final class kvm_cpuid2 {
        public static final int SIZE = 8;
        public static final int nent = 0;
        public static final int entries = 8;

        private kvm_cpuid2() {}
    }

    /** {@code struct kvm_cpuid_entry2}. */
    public static final class kvm_cpuid_entry2 {
        public static final int SIZE = 40;
        public static final int function = 0;
        public static final int index = 4;
        public static final int flags = 8;
        public static final int eax = 12;
        public static final int ebx = 16;
        public static final int ecx = 20;
        public static final int edx = 24;

        private kvm_cpuid_entry2() {}
    }

    /** {@code struct kvm_signal_mask} without its mask. */
    public static final class kvm_signal_mask {
        public static final int SIZE = 4;
        public static final int len = 0;
        public static final int sigset = 4;

        private kvm_signal_mask() {}
    }

    /** {@code struct kvm_interrupt}. */
    public static final class kvm_interrupt {
        public static final int SIZE = 4;
        public static final int irq = 0;

        private kvm_interrupt() {}
    }

    /** {@code struct kvm_guest_debug}; the debug registers follow {@code arch}. */
    public static final class kvm_guest_debug {
        public static final int SIZE = 72;
        public static final int control = 0;
        public static final int arch = 8;

        private kvm_guest_debug() {}
    }

    /** {@code struct kvm_msr_list} without its indices. */
    public static final class kvm_msr_list {
        public static final int SIZE = 4;
        public static final int nmsrs = 0;
        public static final int indices = 4;

        private kvm_msr_list() {}
    }

    /** {@code struct kvm_msrs} without its entries. */
    public static final class kvm_msrs {
        public static final int SIZE = 8;
        public static final int nmsrs = 0;
        public static final int entries = 8;

        private kvm_msrs() {}
    }

    /** {@code struct kvm_msr_entry}. */
    public static final class kvm_msr_entry {
        public static final int SIZE = 16;
        public static final int index = 0;
        public static final int data = 8;

        private kvm_msr_entry() {}
    }

    /** {@code struct kvm_xsave}: the area that XSAVE writes in its standard form, as far as 4 KiB. */
    public static final class kvm_xsave {
        public static final int SIZE = 4096;
        public static final int region = 0;

        private kvm_xsave() {}
    }

    /** {@code struct kvm_xcr}. */
    public static final class kvm_xcr {
        public static final int SIZE = 16;
        public static final int xcr = 0;
        public static final int value = 8;

        private kvm_xcr() {}
    }

    /** {@code struct kvm_xcrs}. */
    public static final class kvm_xcrs {
        public static final int SIZE = 392;
        public static final int nr_xcrs = 0;
        public static final int xcrs = 8;

        private kvm_xcrs() {}
    }

    /** {@code struct kvm_debugregs}. */
    public static final class kvm_debugregs {
        public static final int SIZE = 128;
        public static final int db = 0;
        public static final int dr6 = 32;
        public static final int dr7 = 40;

        private kvm_debugregs() {}
    }

    /** {@code struct kvm_vcpu_events}. Fields of its members are named by member and field. */
    public static final class kvm_vcpu_events {
        public static final int SIZE = 64;
        public static final int exception_injected = 0;
        public static final int exception_nr = 1;
        public static final int exception_has_error_code = 2;
        public static final int exception_pending = 3;
        public static final int exception_error_code = 4;
        public static final int interrupt_injected = 8;
        public static final int interrupt_nr = 9;
        public static final int interrupt_shadow = 11;
        public static final int flags = 20;

        private kvm_vcpu_events() {}
    }

    /**
     * {@code struct kvm_run}: the page shared with the kernel. Fields of the union are named by member and field. The
     * size is that of the structure alone; what is mapped is larger and has the port data after it.
     */
    public static final class kvm_run {
        public static final int SIZE = 2352;
        public static final int request_interrupt_window = 0;
        public static final int immediate_exit = 1;
        public static final int exit_reason = 8;
        public static final int ready_for_interrupt_injection = 12;
        public static final int cr8 = 16;

        public static final int fail_entry_hardware_entry_failure_reason = 32;
        public static final int hw_hardware_exit_reason = 32;

        public static final int io_direction = 32;
        public static final int io_size = 33;
        public static final int io_port = 34;
        public static final int io_count = 36;
        public static final int io_data_offset = 40;

        public static final int mmio_phys_addr = 32;
        public static final int mmio_data = 40;
        public static final int mmio_len = 48;
        public static final int mmio_is_write = 52;

        public static final int internal_suberror = 32;
        public static final int internal_ndata = 36;
        public static final int internal_data = 40;

        public static final int emulation_failure_flags = 40;
        public static final int emulation_failure_insn_size = 48;
        public static final int emulation_failure_insn_bytes = 49;

        public static final int kvm_valid_regs = 288;
        /** {@code s.regs.regs}, a {@code struct kvm_regs}. */
        public static final int s_regs = 304;

        private kvm_run() {}
    }
}
