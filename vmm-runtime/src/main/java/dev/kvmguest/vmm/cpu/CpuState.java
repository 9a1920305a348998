package dev.kvmguest.vmm.cpu;

import dev.kvmguest.vmm.text.Notation;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.function.UnaryOperator;

/** An immutable copy of a vCPU's architectural state: general, control, segment and descriptor-table registers. */
public final class CpuState {

    /** CR0.PE, protection enable. */
    public static final long CR0_PE = 1;
    /** CR0.ET, extension type; always set on a P6 and later. */
    public static final long CR0_ET = 1 << 4;
    /** CR0.PG, paging. */
    public static final long CR0_PG = 1L << 31;
    /** EFER.LMA, long mode active. */
    public static final long EFER_LMA = 1 << 10;
    /** CR4.PSE, page size extensions. */
    public static final long CR4_PSE = 1 << 4;
    /** The bit of EFLAGS that is always 1. */
    public static final long EFLAGS_FIXED = 1 << 1;
    /** EFLAGS.IF, interrupts enabled. */
    public static final long EFLAGS_IF = 1 << 9;
    /** EFLAGS.VM, virtual-8086 mode. */
    public static final long EFLAGS_VM = 1 << 17;

    private final long[] registers;
    private final EnumMap<SegmentRegister, SegmentState> segments;
    private final DescriptorTable gdt;
    private final DescriptorTable idt;

    private CpuState(Builder builder) {
        registers = builder.registers.clone();
        segments = new EnumMap<>(builder.segments);
        gdt = builder.gdt;
        idt = builder.idt;
    }

    /** Returns a builder in which every register is 0, every segment register unusable and both tables empty. */
    public static Builder builder() {
        return new Builder();
    }

    /** Returns a copy with the values that {@code change} sets. */
    public CpuState with(UnaryOperator<Builder> change) {
        Builder builder = new Builder();
        System.arraycopy(registers, 0, builder.registers, 0, registers.length);
        builder.segments.putAll(segments);
        return change.apply(builder.gdt(gdt).idt(idt)).build();
    }

    /** Returns a register's 64 bits. */
    public long get(Register register) {
        return registers[register.ordinal()];
    }

    /** Returns a segment register. */
    public SegmentState segment(SegmentRegister register) {
        return segments.get(register);
    }

    /** Returns GDTR. */
    public DescriptorTable gdt() {
        return gdt;
    }

    /** Returns IDTR. */
    public DescriptorTable idt() {
        return idt;
    }

    /** Returns RIP in 64-bit code, else EIP, zero-extended. */
    public long eip() {
        return code64() ? get(Register.RIP) : get(Register.RIP) & 0xffff_ffffL;
    }

    /** Returns whether long mode is active, EFER.LMA: in 64-bit mode, or in compatibility mode. */
    public boolean longMode() {
        return (get(Register.EFER) & EFER_LMA) != 0;
    }

    /** Returns whether the code is 64-bit code (Intel SDM volume 3A, 5.2.1). */
    public boolean code64() {
        return longMode() && segment(SegmentRegister.CS).longMode();
    }

    /** Returns whether EFLAGS.IF is set. */
    public boolean interruptsEnabled() {
        return (get(Register.RFLAGS) & EFLAGS_IF) != 0;
    }

    /** Returns whether CR0.PE is set. */
    public boolean protectedMode() {
        return (get(Register.CR0) & CR0_PE) != 0;
    }

    /**
     * Returns whether EFLAGS.VM is set in protected mode: the code is that of an 8086, with segments as in real mode
     * (Intel SDM volume 3A, 20.2).
     */
    public boolean virtual8086Mode() {
        return protectedMode() && (get(Register.RFLAGS) & EFLAGS_VM) != 0;
    }

    /** Returns the linear address of the next instruction, as {@link #linear} does. */
    public long instructionAddress() {
        return linear(SegmentRegister.CS, eip());
    }

    /**
     * Returns the linear address of an offset in a segment, wrapped at 4 GiB. In 64-bit code only FS and GS have a
     * base, and nothing wraps. Limits are not checked.
     */
    public long linear(SegmentRegister register, long offset) {
        if (!code64()) {
            return segment(register).base() + offset & 0xffff_ffffL;
        }
        boolean based = register == SegmentRegister.FS || register == SegmentRegister.GS;
        return (based ? segment(register).base() : 0) + offset;
    }

    /**
     * Returns CS:EIP as it is usually written: {@code 0000:1005} in real and virtual-8086 mode, {@code 0x8:0x80001d3f}
     * otherwise.
     */
    public String instructionPointer() {
        return codeAddress(eip());
    }

    /** Returns an offset in the code segment in the notation of {@link #instructionPointer}. */
    public String codeAddress(long offset) {
        int selector = segment(SegmentRegister.CS).selector();
        return protectedMode() && !virtual8086Mode()
                ? Notation.hex(selector) + ":" + Notation.hex(offset)
                : String.format(Locale.ROOT, "%04x:%04x", selector, offset);
    }

    /**
     * Returns whether this is the state that a processor has after RESET or INIT (Intel SDM volume 3A, table 9-1): CS
     * 0xf000, IP 0xfff0, protection off. KVM on AMD puts a vCPU into this state when the guest shuts down, so such
     * registers say nothing about the guest.
     */
    public boolean isResetState() {
        return get(Register.RIP) == 0xfff0
                && segment(SegmentRegister.CS).selector() == 0xf000
                && get(Register.RFLAGS) == EFLAGS_FIXED
                && !protectedMode();
    }

    /**
     * Returns the registers that the guest has by their lower-case names, in a fixed order, as unsigned values:
     * {@code eax} to {@code esp}, {@code eip}, {@code eflags}, the segment selectors, {@code gdtr}'s and {@code idtr}'s
     * base and limit, and the control registers. In long mode they are {@code rax} to {@code r15}, {@code rip} and
     * {@code rflags}, and {@code fs.base} and {@code gs.base} follow the selectors.
     */
    public Map<String, Long> named() {
        Map<String, Long> named = new LinkedHashMap<>();
        for (Register register : Register.values()) {
            boolean extended = register.isGeneral() && register.compareTo(Register.RSP) > 0;
            if ((longMode() || !extended) && register.compareTo(Register.CR0) < 0) {
                named.put(nameOf(register), get(register) & (longMode() ? -1 : 0xffff_ffffL));
            }
        }
        segments.forEach((register, state) -> named.put(register.lowerCaseName(), (long) state.selector()));
        if (longMode()) {
            named.put("fs.base", segment(SegmentRegister.FS).base());
            named.put("gs.base", segment(SegmentRegister.GS).base());
        }
        named.put("gdtr.base", gdt.base());
        named.put("gdtr.limit", (long) gdt.limit());
        named.put("idtr.base", idt.base());
        named.put("idtr.limit", (long) idt.limit());
        for (Register register : Register.values()) {
            if (register.compareTo(Register.CR0) >= 0) {
                named.put(register.name32(), get(register));
            }
        }
        return named;
    }

    /** Returns the lower-case name of a register as the guest has it: {@code rax} in long mode, else {@code eax}. */
    public String nameOf(Register register) {
        return longMode() ? register.name64() : register.name32();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof CpuState that
                && Arrays.equals(registers, that.registers)
                && segments.equals(that.segments)
                && gdt.equals(that.gdt)
                && idt.equals(that.idt);
    }

    @Override
    public int hashCode() {
        return 31 * Arrays.hashCode(registers) + segments.hashCode();
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder();
        named().forEach((name, value) ->
                text.append(text.isEmpty() ? "" : " ").append(name).append('=').append(Notation.hex(value)));
        return text.toString();
    }

    /** Collects the registers of a {@link CpuState}. */
    public static final class Builder {

        private final long[] registers = new long[Register.values().length];
        private final EnumMap<SegmentRegister, SegmentState> segments = new EnumMap<>(SegmentRegister.class);
        private DescriptorTable gdt = new DescriptorTable(0, 0);
        private DescriptorTable idt = new DescriptorTable(0, 0);

        private Builder() {
            for (SegmentRegister register : SegmentRegister.values()) {
                segments.put(register, SegmentState.unusable());
            }
        }

        /** Sets a register. */
        public Builder set(Register register, long value) {
            registers[register.ordinal()] = value;
            return this;
        }

        /** Sets a segment register. */
        public Builder segment(SegmentRegister register, SegmentState state) {
            segments.put(register, state);
            return this;
        }

        /** Sets GDTR. */
        public Builder gdt(DescriptorTable table) {
            gdt = table;
            return this;
        }

        /** Sets IDTR. */
        public Builder idt(DescriptorTable table) {
            idt = table;
            return this;
        }

        /** Returns the state. */
        public CpuState build() {
            return new CpuState(this);
        }
    }
}
