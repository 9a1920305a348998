package dev.kvmguest.vmm.internal.emulator.core;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.DescriptorTable;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.internal.x86.CpuMode;

/** A vCPU's registers as they were: arrays of numbers, since each exception and interrupt has one made. */
public final class RegisterCopy {

    private static final int SEGMENTS = Cpu.GS + 1;
    private static final int TR = SEGMENTS;
    private static final int LDTR = SEGMENTS + 1;
    private static final int WORDS = 4;

    /** The general registers by number. */
    private final long[] general;
    /** Selector, base, limit and rights of ES to GS, by number, then of TR and LDTR. */
    private final long[] segments = new long[WORDS * (LDTR + 1)];

    private final long eip;
    private final long eflags;
    private final long cr0;
    private final long cr2;
    private final long cr3;
    private final long cr4;
    private final long efer;
    private final DescriptorTable gdtr;
    private final DescriptorTable idtr;
    private final CpuMode mode;

    /** Copies the registers as they are now. */
    public RegisterCopy(Cpu cpu) {
        general = cpu.registers.gpr.clone();
        for (int i = 0; i < SEGMENTS; i++) {
            copy(cpu.segments[i], i);
        }
        copy(cpu.tr, TR);
        copy(cpu.ldtr, LDTR);
        eip = cpu.eip;
        eflags = cpu.eflags.get();
        cr0 = cpu.cr0();
        cr2 = cpu.cr2();
        cr3 = cpu.cr3();
        cr4 = cpu.cr4();
        efer = cpu.efer();
        gdtr = cpu.gdtr;
        idtr = cpu.idtr;
        mode = cpu.mode();
    }

    private void copy(Segment segment, int index) {
        segments[WORDS * index] = segment.selector();
        segments[WORDS * index + 1] = segment.cachedBase();
        segments[WORDS * index + 2] = segment.limit();
        segments[WORDS * index + 3] = segment.rights();
    }

    /** Returns a general register by number, 64 bits. */
    public long general(int number) {
        return general[number];
    }

    /** Returns the selector in CS. */
    public int codeSelector() {
        return (int) segments[WORDS * Cpu.CS];
    }

    /** Returns the mode that code was executed in. */
    public CpuMode mode() {
        return mode;
    }

    /** Returns the registers as the runtime shows them, with this EIP instead of the one copied. */
    public CpuState state(long instruction) {
        CpuState.Builder state = CpuState.builder();
        for (int i = 0; i < Registers.NONE; i++) {
            state.set(Register.byNumber().get(i), general[i]);
        }
        for (int i = 0; i < SEGMENTS; i++) {
            state.segment(SegmentRegister.byNumber().get(i), segment(i));
        }
        return state.set(Register.RIP, instruction)
                .set(Register.RFLAGS, eflags)
                .set(Register.CR0, cr0)
                .set(Register.CR2, cr2)
                .set(Register.CR3, cr3)
                .set(Register.CR4, cr4)
                .set(Register.EFER, efer)
                .segment(SegmentRegister.TR, segment(TR))
                .segment(SegmentRegister.LDTR, segment(LDTR))
                .gdt(gdtr)
                .idt(idtr)
                .build();
    }

    /** Returns the registers as the runtime shows them. */
    public CpuState state() {
        return state(eip);
    }

    private SegmentState segment(int index) {
        return new SegmentState(
                (int) segments[WORDS * index], segments[WORDS * index + 1], segments[WORDS * index + 2], (int)
                        segments[WORDS * index + 3]);
    }
}
