package dev.kvmguest.vmm.internal.emulator.differential;

import static dev.kvmguest.vmm.internal.emulator.differential.Emitter.ARITHMETIC_FLAGS;
import static dev.kvmguest.vmm.internal.emulator.differential.Emitter.EAX;
import static dev.kvmguest.vmm.internal.emulator.differential.Emitter.ECX;
import static dev.kvmguest.vmm.internal.emulator.differential.Emitter.EDX;
import static dev.kvmguest.vmm.internal.emulator.differential.Emitter.ESI;
import static dev.kvmguest.vmm.internal.emulator.differential.Emitter.sized;

import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.internal.x86.Flag;
import java.util.ArrayList;
import java.util.List;

/** Arithmetic and logic: which flags each leaves undefined is from its page in the Intel SDM, volume 2. */
final class ArithmeticTemplates {

    private static final String[] GROUP_1 = {"add", "or", "adc", "sbb", "and", "sub", "xor", "cmp"};
    private static final int CMP = 7;
    private static final List<String> LOGIC = List.of("or", "and", "xor");

    private static final int MULTIPLY_UNDEFINED = Flag.SF | Flag.ZF | Flag.AF | Flag.PF;
    private static final int ASCII_UNDEFINED = Flag.OF | Flag.SF | Flag.ZF | Flag.PF;
    private static final int DECIMAL_UNDEFINED = Flag.OF | Flag.AF | Flag.CF;

    private ArithmeticTemplates() {}

    static List<Template> all() {
        List<Template> all = new ArrayList<>();
        for (int i = 0; i < GROUP_1.length; i++) {
            int number = i;
            all.add(Template.of(GROUP_1[i], e -> group1(e, number)));
        }
        all.add(Template.of("test", ArithmeticTemplates::test));
        all.add(Template.of("inc", e -> incrementOrDecrement(e, 0)));
        all.add(Template.of("dec", e -> incrementOrDecrement(e, 1)));
        all.add(Template.of("not", e -> group3(e, 2)));
        all.add(Template.of("neg", e -> group3(e, 3)));
        all.add(Template.of("mul", e -> multiply(e, 4)));
        all.add(Template.of("imul", e -> multiply(e, 5)));
        all.add(Template.of("imul r,r/m", ArithmeticTemplates::imul2));
        all.add(Template.of("imul r,r/m,imm", ArithmeticTemplates::imul3));
        all.add(Template.of("div", ArithmeticTemplates::div));
        all.add(Template.of("idiv", ArithmeticTemplates::idiv));
        all.add(Template.of("daa", e -> e.bytes(0x27).undefined(Flag.OF)));
        all.add(Template.of("das", e -> e.bytes(0x2f).undefined(Flag.OF)));
        all.add(Template.of("aaa", e -> e.bytes(0x37).undefined(ASCII_UNDEFINED)));
        all.add(Template.of("aas", e -> e.bytes(0x3f).undefined(ASCII_UNDEFINED)));
        all.add(Template.of("aam", e -> e.bytes(0xd4, 1 + e.random.nextInt(255)).undefined(DECIMAL_UNDEFINED)));
        all.add(Template.of("aad", e -> e.bytes(0xd5, e.random.nextInt(256)).undefined(DECIMAL_UNDEFINED)));
        all.add(Template.of("xadd", ArithmeticTemplates::xadd));
        all.add(Template.of("cmpxchg", ArithmeticTemplates::cmpxchg));
        all.add(Template.of("cmpxchg8b", ArithmeticTemplates::cmpxchg8b));
        return all;
    }

    private static void group1(Emitter e, int number) {
        int width = e.anyWidth();
        int opcode = number << 3;
        switch (e.random.nextInt(4)) {
            case 0 -> {
                Location location = e.location(width);
                lockUnlessCompare(e, location, number).modRm(width, location, e.source(), sized(opcode, width));
            }
            case 1 -> e.modRm(width, e.location(width), e.target(width), sized(opcode | 2, width));
            case 2 -> e.operandSize(width).bytes(sized(opcode | 4, width)).immediate(width, e.number());
            default -> {
                Location location = e.location(width);
                int form = width == 1 ? 0x80 + 2 * e.random.nextInt(2) : 0x81 + 2 * e.random.nextInt(2);
                lockUnlessCompare(e, location, number)
                        .modRm(width, location, number, form)
                        .immediate(form == 0x81 ? width : 1, e.number());
            }
        }
        e.undefined(LOGIC.contains(GROUP_1[number]) ? Flag.AF : 0);
    }

    private static Emitter lockUnlessCompare(Emitter e, Location location, int number) {
        return number == CMP ? e : e.maybeLock(location);
    }

    private static void test(Emitter e) {
        int width = e.anyWidth();
        switch (e.random.nextInt(3)) {
            case 0 -> e.modRm(width, e.location(width), e.source(), sized(0x84, width));
            case 1 -> e.operandSize(width).bytes(sized(0xa8, width)).immediate(width, e.number());
            default -> e.modRm(width, e.location(width), 0, sized(0xf6, width)).immediate(width, e.number());
        }
        e.undefined(Flag.AF);
    }

    private static void incrementOrDecrement(Emitter e, int extension) {
        int width = e.anyWidth();
        if (width > 1 && e.random.nextBoolean()) {
            e.operandSize(width).bytes(0x40 + 8 * extension + e.target(width));
        } else {
            Location location = e.location(width);
            e.maybeLock(location).modRm(width, location, extension, sized(0xfe, width));
        }
    }

    private static void group3(Emitter e, int extension) {
        int width = e.anyWidth();
        Location location = e.location(width);
        e.maybeLock(location).modRm(width, location, extension, sized(0xf6, width));
    }

    private static void multiply(Emitter e, int extension) {
        int width = e.anyWidth();
        e.modRm(width, e.location(width), extension, sized(0xf6, width)).undefined(MULTIPLY_UNDEFINED);
    }

    private static void imul2(Emitter e) {
        int width = e.wordWidth();
        e.modRm(width, e.location(width), e.target(width), 0x0f, 0xaf).undefined(MULTIPLY_UNDEFINED);
    }

    private static void imul3(Emitter e) {
        int width = e.wordWidth();
        boolean isByte = e.random.nextBoolean();
        e.modRm(width, e.location(width), e.target(width), isByte ? 0x6b : 0x69)
                .immediate(isByte ? 1 : width, e.number())
                .undefined(MULTIPLY_UNDEFINED);
    }

    /** The upper half of the dividend is smaller than the divisor, so that the quotient fits. */
    private static void div(Emitter e) {
        int width = e.anyWidth();
        long mask = (1L << 8 * width) - 1;
        long divisor = 1 + (e.number() & mask) % mask;
        long upper = (e.number() & mask) % divisor;
        if (width == 1) {
            e.set(EAX, e.number() & 0xffff_0000L | upper << 8 | e.random.nextInt(0x100));
        } else {
            e.set(EAX, e.number()).set(EDX, e.number() & ~mask | upper);
        }
        e.set(ECX, e.number() & ~mask | divisor);
        e.modRm(width, Location.register(ECX), 6, sized(0xf6, width)).undefined(ARITHMETIC_FLAGS);
    }

    /** The dividend is a quotient that fits times the divisor, plus a remainder with the sign of the dividend. */
    private static void idiv(Emitter e) {
        int width = e.anyWidth();
        int unused = 64 - 8 * width;
        long divisor = e.number() << unused >> unused;
        if (divisor == 0) {
            divisor = 3;
        }
        // The most negative quotient would need care with the remainder; half the range is enough.
        long quotient = (e.number() << unused >> unused) / 2;
        long dividend = quotient * divisor;
        long remainder = Math.abs(e.number()) % Math.abs(divisor);
        dividend += dividend < 0 ? -remainder : remainder;
        long mask = (1L << 8 * width) - 1;
        if (width == 1) {
            e.set(EAX, e.number() & 0xffff_0000L | dividend & 0xffff);
        } else {
            e.set(EAX, dividend).set(EDX, e.number() & ~mask | dividend >> 8 * width & mask);
        }
        e.set(ECX, divisor);
        e.modRm(width, Location.register(ECX), 7, sized(0xf6, width)).undefined(ARITHMETIC_FLAGS);
    }

    private static void xadd(Emitter e) {
        int width = e.anyWidth();
        Location location = e.location(width);
        e.maybeLock(location).modRm(width, location, e.target(width), 0x0f, sized(0xc0, width));
    }

    private static void cmpxchg(Emitter e) {
        int width = e.anyWidth();
        boolean equal = e.random.nextBoolean();
        // EAX, which is set to make them equal, must not be part of the address then.
        Location location = equal ? e.locationWithoutRegisters(width) : e.location(width);
        if (equal) {
            e.modRm(width, location, EAX, sized(0x8a, width));
        }
        e.maybeLock(location).modRm(width, location, e.source(), 0x0f, sized(0xb0, width));
    }

    private static void cmpxchg8b(Emitter e) {
        int linear = Mode.DATA + e.random.nextInt(Mode.DATA_END - Mode.DATA - 8);
        e.set(ESI, e.offset(SegmentRegister.DS, linear));
        if (e.random.nextBoolean()) {
            loadPair(e);
        }
        Location location = new Location(new int[0], new int[] {e.mode.isWide() ? ESI : 4}, true);
        if (e.random.nextBoolean()) {
            // The flags that it leaves alone may be those of a comparison.
            e.bytes(0x38, 0xc0 | e.random.nextInt(64));
        }
        e.maybeLock(location).modRm(e.defaultWidth(), location, 1, 0x0f, 0xc7);
    }

    /** Loads EDX:EAX from where ESI points. */
    private static void loadPair(Emitter e) {
        int atSi = e.mode.isWide() ? 0x06 : 0x04;
        int behindSi = e.mode.isWide() ? 0x56 : 0x54;
        e.operandSize(4).bytes(0x8b, atSi);
        e.operandSize(4).bytes(0x8b, behindSi, 4);
    }
}
