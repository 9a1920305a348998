package dev.kvmguest.vmm;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.DescriptorTable;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.internal.engine.Feature;
import dev.kvmguest.vmm.internal.engine.VirtualMachine;
import dev.kvmguest.vmm.internal.kvm.KvmEngine;
import java.util.Locale;

/** What this host's KVM is, as far as it isn't the processor of the manual. Found out by trying, once per JVM. */
public enum KvmKind {
    /** KVM executes guest instructions itself rather than have the processor do it: no interrupts in protected mode. */
    PVM,
    /** kvm_amd on QEMU's emulation of a processor with SVM: what guests see of the processor is QEMU's work. */
    AMD_TCG,
    /** Nothing is known that it does otherwise than the manual says. */
    OTHER;

    private static final int MEMORY = 0x2_0000;
    private static final int CODE = 0x1000;
    /** mov ax,[0xffff]; hlt: the second byte is behind the segment's limit. */
    private static final byte[] CODE_BEHIND_LIMIT = {(byte) 0xa1, -1, -1, (byte) 0xf4};

    private static final int GENERAL_PROTECTION = 13;
    private static final int HANDLER = 0x2000;
    private static final int HLT = 0xf4;

    private static KvmKind found;

    /** Returns what this host's KVM is. It must have one. */
    public static synchronized KvmKind ofThisHost() {
        if (found == null) {
            found = find();
        }
        return found;
    }

    private static KvmKind find() {
        if (!KvmEngine.instance().capabilities().has(Feature.PROTECTED_MODE_INTERRUPTS)) {
            return PVM;
        }
        return checksLimits() ? OTHER : AMD_TCG;
    }

    /** Every processor checks the limits of segments; QEMU has never done so. */
    private static boolean checksLimits() {
        try (VirtualMachine machine = KvmEngine.instance().createMachine(MEMORY, 1)) {
            machine.memory().write(CODE, CODE_BEHIND_LIMIT);
            machine.memory().writeInt(4 * GENERAL_PROTECTION, HANDLER);
            machine.memory().writeByte(HANDLER, HLT);
            CpuState.Builder start = CpuState.builder()
                    .set(Register.RIP, CODE)
                    .set(Register.RSP, CODE)
                    .set(Register.RFLAGS, CpuState.EFLAGS_FIXED)
                    .set(Register.CR0, CpuState.CR0_ET)
                    .idt(new DescriptorTable(0, 0x3ff))
                    .segment(SegmentRegister.TR, SegmentState.resetTask());
            for (SegmentRegister register : new SegmentRegister[] {
                SegmentRegister.CS,
                SegmentRegister.SS,
                SegmentRegister.DS,
                SegmentRegister.ES,
                SegmentRegister.FS,
                SegmentRegister.GS
            }) {
                start.segment(register, SegmentState.real(0));
            }
            machine.vcpu(0).setState(start.build());
            machine.vcpu(0).run();
            return machine.vcpu(0).state().eip() == HANDLER + 1;
        }
    }

    /**
     * Returns the word by which lists of differences name it on this processor, where that matters: with the bits of the
     * widest linear addresses, such as {@code pvm-57}.
     */
    public String wordHere() {
        return word() + (HostProcessor.hasFlag("la57") ? "-57" : "-48");
    }

    /** Returns the word by which lists of differences name it, such as {@code amd-tcg}. */
    public String word() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
