package dev.kvmguest.vmm.internal.qemu;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.DescriptorTable;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import java.util.Arrays;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Registers as QEMU prints them, for {@code info registers} and in its log of interrupts.
 *
 * @param state the registers
 * @param halted whether the processor waits after a HLT
 */
record QemuRegisters(CpuState state, boolean halted) {

    private static final Pattern NUMBER = Pattern.compile("\\b([A-Z0-9]{2,4}) ?=([0-9a-f]{8,16})\\b");
    private static final Pattern SEGMENT =
            Pattern.compile("(?m)^(ES|CS|SS|DS|FS|GS|LDT|TR) *=([0-9a-f]{4}) ([0-9a-f]+) ([0-9a-f]+) ([0-9a-f]{8})");
    private static final Pattern TABLE = Pattern.compile("(?m)^(GDT|IDT)= +([0-9a-f]+) ([0-9a-f]+)");
    private static final Pattern HALTED = Pattern.compile("\\bHLT=1\\b");

    /** Where the attributes of a segment are in the upper half of a descriptor. */
    private static final int ATTRIBUTES = 8;

    private static final int ACCESS = 0xf0ff;

    /** Reads them; empty if this is no such text. */
    static Optional<QemuRegisters> parse(String text) {
        CpuState.Builder state = CpuState.builder();
        int found = 0;
        for (Matcher number = NUMBER.matcher(text); number.find(); ) {
            Optional<Register> register = register(number.group(1));
            if (register.isPresent()) {
                state.set(register.get(), Long.parseUnsignedLong(number.group(2), 16));
                found++;
            }
        }
        for (Matcher segment = SEGMENT.matcher(text); segment.find(); ) {
            state.segment(register(segment), state(segment));
        }
        for (Matcher table = TABLE.matcher(text); table.find(); ) {
            DescriptorTable there = new DescriptorTable(
                    Long.parseUnsignedLong(table.group(2), 16), Integer.parseUnsignedInt(table.group(3), 16) & 0xffff);
            if (table.group(1).equals("GDT")) {
                state.gdt(there);
            } else {
                state.idt(there);
            }
        }
        return found == 0
                ? Optional.empty()
                : Optional.of(
                        new QemuRegisters(state.build(), HALTED.matcher(text).find()));
    }

    private static Optional<Register> register(String name) {
        String full =
                switch (name) {
                    case "EFL", "RFL" -> "RFLAGS";
                    default -> name.startsWith("E") && name.length() == 3 ? "R" + name.substring(1) : name;
                };
        return Arrays.stream(Register.values())
                .filter(register -> register.name().equals(full))
                .findFirst();
    }

    private static SegmentRegister register(Matcher segment) {
        return segment.group(1).equals("LDT") ? SegmentRegister.LDTR : SegmentRegister.valueOf(segment.group(1));
    }

    private static SegmentState state(Matcher segment) {
        int attributes = Integer.parseUnsignedInt(segment.group(5), 16);
        return new SegmentState(
                Integer.parseInt(segment.group(2), 16),
                Long.parseUnsignedLong(segment.group(3), 16),
                Long.parseUnsignedLong(segment.group(4), 16),
                attributes >> ATTRIBUTES & ACCESS);
    }

    /**
     * Returns the first register that isn't as it should be, as a sentence without a full stop. QEMU has no null LDTR,
     * and outside long mode TR isn't set: both are as a reset leaves them.
     */
    Optional<String> difference(CpuState wanted) {
        for (Register register : Register.values()) {
            if (register != Register.CR2 && state.get(register) != wanted.get(register)) {
                return Optional.of(wanted.nameOf(register) + " is " + Long.toHexString(state.get(register))
                        + " and not " + Long.toHexString(wanted.get(register)));
            }
        }
        for (SegmentRegister register : SegmentRegister.values()) {
            SegmentState is = state.segment(register);
            SegmentState should = wanted.segment(register);
            if (isComparable(register, wanted) && !isAlike(is, should)) {
                return Optional.of(register.lowerCaseName() + " is " + is + " and not " + should);
            }
        }
        if (!state.gdt().equals(wanted.gdt()) && wanted.protectedMode()) {
            return Optional.of("GDTR is " + state.gdt() + " and not " + wanted.gdt());
        }
        return state.idt().equals(wanted.idt())
                ? Optional.empty()
                : Optional.of("IDTR is " + state.idt() + " and not " + wanted.idt());
    }

    private static boolean isComparable(SegmentRegister register, CpuState wanted) {
        return switch (register) {
            case LDTR -> false;
            case TR -> wanted.longMode();
            default -> true;
        };
    }

    private static boolean isAlike(SegmentState is, SegmentState should) {
        return is.selector() == should.selector()
                && is.base() == should.base()
                && is.limit() == should.limit()
                && is.longMode() == should.longMode();
    }

    /** Returns the number after a name and an equals sign, in hexadecimal. */
    static OptionalLong value(String text, String name) {
        Matcher found = Pattern.compile("\\b" + name + "=([0-9a-f]+)\\b").matcher(text);
        return found.find() ? OptionalLong.of(Long.parseUnsignedLong(found.group(1), 16)) : OptionalLong.empty();
    }
}
