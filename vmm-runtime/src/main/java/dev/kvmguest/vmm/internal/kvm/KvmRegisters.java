package dev.kvmguest.vmm.internal.kvm;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.DescriptorTable;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.internal.kvm.abi.Structs.kvm_dtable;
import dev.kvmguest.vmm.internal.kvm.abi.Structs.kvm_regs;
import dev.kvmguest.vmm.internal.kvm.abi.Structs.kvm_segment;
import dev.kvmguest.vmm.internal.kvm.abi.Structs.kvm_sregs;
import java.nio.ByteBuffer;
import java.util.EnumMap;
import java.util.Map;

/** A vCPU's registers between {@code struct kvm_regs} and {@code struct kvm_sregs} and the runtime's terms. */
final class KvmRegisters {

    private static final Map<Register, Integer> REGS = new EnumMap<>(Map.ofEntries(
            Map.entry(Register.RAX, kvm_regs.rax),
            Map.entry(Register.RBX, kvm_regs.rbx),
            Map.entry(Register.RCX, kvm_regs.rcx),
            Map.entry(Register.RDX, kvm_regs.rdx),
            Map.entry(Register.RSI, kvm_regs.rsi),
            Map.entry(Register.RDI, kvm_regs.rdi),
            Map.entry(Register.RBP, kvm_regs.rbp),
            Map.entry(Register.RSP, kvm_regs.rsp),
            Map.entry(Register.R8, kvm_regs.r8),
            Map.entry(Register.R9, kvm_regs.r9),
            Map.entry(Register.R10, kvm_regs.r10),
            Map.entry(Register.R11, kvm_regs.r11),
            Map.entry(Register.R12, kvm_regs.r12),
            Map.entry(Register.R13, kvm_regs.r13),
            Map.entry(Register.R14, kvm_regs.r14),
            Map.entry(Register.R15, kvm_regs.r15),
            Map.entry(Register.RIP, kvm_regs.rip),
            Map.entry(Register.RFLAGS, kvm_regs.rflags)));

    private static final Map<Register, Integer> CONTROL_REGISTERS = new EnumMap<>(Map.of(
            Register.CR0, kvm_sregs.cr0,
            Register.CR2, kvm_sregs.cr2,
            Register.CR3, kvm_sregs.cr3,
            Register.CR4, kvm_sregs.cr4,
            Register.EFER, kvm_sregs.efer));

    private static final Map<SegmentRegister, Integer> SEGMENTS = new EnumMap<>(Map.of(
            SegmentRegister.CS, kvm_sregs.cs,
            SegmentRegister.DS, kvm_sregs.ds,
            SegmentRegister.ES, kvm_sregs.es,
            SegmentRegister.FS, kvm_sregs.fs,
            SegmentRegister.GS, kvm_sregs.gs,
            SegmentRegister.SS, kvm_sregs.ss,
            SegmentRegister.TR, kvm_sregs.tr,
            SegmentRegister.LDTR, kvm_sregs.ldt));

    /**
     * In IA32_APIC_BASE. KVM's own local APIC is not used; without the bit, KVM takes the feature out of CPUID, too,
     * and no guest looks for one.
     */
    private static final long APIC_ENABLE = 1 << 11;

    private KvmRegisters() {}

    /** Reads all registers. */
    static CpuState read(KvmVcpu vcpu) {
        CpuState.Builder state = CpuState.builder();
        ByteBuffer regs = vcpu.regs();
        REGS.forEach((register, offset) -> state.set(register, regs.getLong(offset)));
        ByteBuffer sregs = vcpu.sregs();
        CONTROL_REGISTERS.forEach((register, offset) -> state.set(register, sregs.getLong(offset)));
        SEGMENTS.forEach((register, offset) -> state.segment(register, segment(sregs, offset)));
        return state.gdt(table(sregs, kvm_sregs.gdt))
                .idt(table(sregs, kvm_sregs.idt))
                .build();
    }

    /** Writes all registers. */
    static void write(KvmVcpu vcpu, CpuState state) {
        // Read first: what CpuState doesn't have stays as it is.
        ByteBuffer sregs = vcpu.sregs();
        sregs.putLong(kvm_sregs.apic_base, sregs.getLong(kvm_sregs.apic_base) & ~APIC_ENABLE);
        CONTROL_REGISTERS.forEach((register, offset) -> sregs.putLong(offset, state.get(register)));
        SEGMENTS.forEach((register, offset) -> putSegment(sregs, offset, state.segment(register)));
        putTable(sregs, kvm_sregs.gdt, state.gdt());
        putTable(sregs, kvm_sregs.idt, state.idt());
        vcpu.setSregs();
        ByteBuffer regs = vcpu.regs();
        REGS.forEach((register, offset) -> regs.putLong(offset, state.get(register)));
        vcpu.setRegs();
    }

    /** Reads one register, at the least cost. */
    static long read(KvmVcpu vcpu, Register register) {
        Integer offset = REGS.get(register);
        return offset != null ? vcpu.reg(offset) : vcpu.sregs().getLong(CONTROL_REGISTERS.get(register));
    }

    private static SegmentState segment(ByteBuffer sregs, int at) {
        int rights = sregs.get(at + kvm_segment.type)
                | sregs.get(at + kvm_segment.s) << 4
                | sregs.get(at + kvm_segment.dpl) << 5
                | sregs.get(at + kvm_segment.present) << 7
                | sregs.get(at + kvm_segment.avl) << 12
                | sregs.get(at + kvm_segment.l) << 13
                | sregs.get(at + kvm_segment.db) << 14
                | sregs.get(at + kvm_segment.g) << 15
                | sregs.get(at + kvm_segment.unusable) << 16;
        return new SegmentState(
                Short.toUnsignedInt(sregs.getShort(at + kvm_segment.selector)),
                sregs.getLong(at + kvm_segment.base),
                Integer.toUnsignedLong(sregs.getInt(at + kvm_segment.limit)),
                rights);
    }

    private static void putSegment(ByteBuffer sregs, int at, SegmentState state) {
        sregs.putLong(at + kvm_segment.base, state.base())
                .putInt(at + kvm_segment.limit, (int) state.limit())
                .putShort(at + kvm_segment.selector, (short) state.selector())
                .put(at + kvm_segment.type, (byte) state.type())
                .put(at + kvm_segment.s, bit(state.codeOrData()))
                .put(at + kvm_segment.dpl, (byte) state.dpl())
                .put(at + kvm_segment.present, bit(state.present()))
                .put(at + kvm_segment.avl, bit(state.available()))
                .put(at + kvm_segment.l, bit(state.longMode()))
                .put(at + kvm_segment.db, bit(state.default32()))
                .put(at + kvm_segment.g, bit(state.granularity()))
                .put(at + kvm_segment.unusable, bit(state.isUnusable()));
    }

    private static byte bit(boolean set) {
        return (byte) (set ? 1 : 0);
    }

    private static DescriptorTable table(ByteBuffer sregs, int at) {
        return new DescriptorTable(
                sregs.getLong(at + kvm_dtable.base), Short.toUnsignedInt(sregs.getShort(at + kvm_dtable.limit)));
    }

    private static void putTable(ByteBuffer sregs, int at, DescriptorTable table) {
        sregs.putLong(at + kvm_dtable.base, table.base()).putShort(at + kvm_dtable.limit, (short) table.limit());
    }
}
