package dev.kvmguest.vmm.internal.emulator.hardware;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.FpuState;
import java.util.List;
import java.util.SplittableRandom;

/** Random values of all kinds, those at which instructions change what they do more often. */
final class Values {

    private static final int[] NUMBERS = {
        0,
        1,
        2,
        3,
        7,
        8,
        15,
        16,
        31,
        32,
        33,
        63,
        64,
        0x7f,
        0x80,
        0xff,
        0x100,
        0x7fff,
        0x8000,
        0xffff,
        0x1_0000,
        0x7fff_ffff,
        0x8000_0000,
        -1,
        -2,
        -3,
        -0x80,
        -0x81,
        -0x8000,
        -0x8001
    };

    private static final int[] SINGLES = {
        0,
        0x8000_0000,
        1,
        0x007f_ffff,
        0x0080_0000,
        0x3f80_0000,
        0xbf80_0000,
        0x3f00_0000,
        0x4f00_0000,
        0xcf00_0000,
        0x7f7f_ffff,
        0x7f80_0000,
        0xff80_0000,
        0x7f80_0001,
        0x7fc0_0000,
        0xffc1_2345,
        0x4040_0000,
        0x3eaa_aaab,
        0x5f00_0000
    };

    private static final long[] DOUBLES = {
        0,
        1L << 63,
        1,
        0x000f_ffff_ffff_ffffL,
        0x0010_0000_0000_0000L,
        0x3ff0_0000_0000_0000L,
        0xbff0_0000_0000_0000L,
        0x41df_ffff_ffc0_0000L,
        0xc1e0_0000_0000_0000L,
        0x43e0_0000_0000_0000L,
        0x7fef_ffff_ffff_ffffL,
        0x7ff0_0000_0000_0000L,
        0xfff0_0000_0000_0000L,
        0x7ff0_0000_0000_0001L,
        0x7ff8_0000_0000_0000L,
        0x3fd5_5555_5555_5555L,
        0x47ef_ffff_e000_0000L,
        0x36a0_0000_0000_0000L
    };

    private static final int[] EXPONENTS = {
        0, 1, 0x3ffe, 0x3fff, 0x4000, 0x4001, 0x400e, 0x401d, 0x401e, 0x403d, 0x403e, 0x4042, 0x7ffe, 0x7fff, 0x3c01,
        0x43fe, 0x3f81, 0x407e, 0x3fbe
    };

    private static final long[] SIGNIFICANDS = {
        1L << 63,
        -1,
        3L << 62,
        1,
        0,
        (1L << 63) + 1,
        Long.MAX_VALUE,
        0xaaaa_aaaa_aaaa_aaaaL,
        1L << 62,
        (1L << 63) + 0x400,
        (1L << 63) + (1L << 39),
        0xc90f_daa2_2168_c235L
    };

    private static final long[] WIDE_NUMBERS = {
        0x7fff_ffffL,
        0x8000_0000L,
        0xffff_ffffL,
        0x1_0000_0000L,
        -0x8000_0001L,
        -0x1_0000_0000L,
        Window.LOWER_END - 1,
        Window.LOWER_END,
        -Window.LOWER_END,
        -Window.LOWER_END - 1,
        Long.MAX_VALUE - 1,
        Long.MAX_VALUE,
        Long.MIN_VALUE,
        Long.MIN_VALUE + 1
    };

    private final SplittableRandom random;
    private final Window window;
    private final boolean hasLdt;

    Values(SplittableRandom random, Window window, boolean hasLdt) {
        this.hasLdt = hasLdt;
        this.random = random;
        this.window = window;
    }

    boolean chance(double probability) {
        return random.nextDouble() < probability;
    }

    /** Returns a number from 0 to {@code bound} - 1. */
    int below(int bound) {
        return random.nextInt(bound);
    }

    <T> T oneOf(List<T> list) {
        return list.get(below(list.size()));
    }

    long bits() {
        return random.nextLong();
    }

    int number() {
        return switch (below(8)) {
            case 0, 1, 2 -> NUMBERS[below(NUMBERS.length)];
            case 3 -> below(0x100);
            case 4 -> 1 << below(32);
            case 5 -> (int) bits() >> below(32);
            default -> (int) bits();
        };
    }

    /** Returns what a general register may hold: 64 bits in 64-bit code. */
    long word() {
        return window.is64() ? wide() : Integer.toUnsignedLong(number());
    }

    private long wide() {
        return switch (below(8)) {
            case 0, 1, 2 -> number();
            case 3 -> Integer.toUnsignedLong(number());
            case 4 -> WIDE_NUMBERS[below(WIDE_NUMBERS.length)];
            case 5 -> 1L << below(64);
            case 6 -> bits() >> below(64);
            default -> bits();
        };
    }

    private int single() {
        return chance(0.5) ? SINGLES[below(SINGLES.length)] : (int) bits() & 0x81ff_ffff | 100 + below(56) << 23;
    }

    private long real() {
        return chance(0.5)
                ? DOUBLES[below(DOUBLES.length)]
                : bits() & 0x800f_ffff_ffff_ffffL | 0x3f0L + below(32) << 52;
    }

    /** Returns eight characters of a small alphabet, of a byte or two each, as strings have that are searched. */
    private long text() {
        long characters = bits() & 0x0303_0303_0303_0303L;
        return chance(0.5) ? characters : characters & 0x0003_0003_0003_0003L;
    }

    /** Returns eight bytes of text, integers or floating-point numbers. */
    long eightBytes() {
        return switch (below(5)) {
            case 0 -> bits();
            case 1 -> text();
            case 2 -> (long) number() << 32 | Integer.toUnsignedLong(number());
            case 3 -> (long) single() << 32 | Integer.toUnsignedLong(single());
            default -> real();
        };
    }

    /** Sets random x87, MMX and SSE registers. Most exceptions are masked, and none waits as a rule. */
    void setFpu(ProcessorState state) {
        boolean unmasked = chance(0.25);
        state.fpuControl = 0x40 | (unmasked ? below(0x40) : 0x3f) | below(4) << 8 | below(4) << 10;
        if (chance(0.4)) {
            state.fpuControl = 0x37f;
        }
        int exceptions = chance(0.2) ? below(0x80) & (chance(0.8) ? state.fpuControl | FpuState.STACK_FAULT : -1) : 0;
        state.fpuStatus = exceptions | below(8) << 11 | (below(0x10) & 7) << 8 | below(2) << 14;
        if ((exceptions & ~state.fpuControl & FpuState.EXCEPTIONS) != 0) {
            // ES and B are never without such an exception, nor such an exception without them.
            state.fpuStatus |= 0x8080;
        }
        state.fpuUsed = chance(0.5) ? 0xff : below(0x100);
        for (int i = 0; i < state.significands.length; i++) {
            boolean isMmx = chance(0.2);
            state.signExponents[i] = isMmx
                    ? 0xffff
                    : below(2) << 15 | (chance(0.5) ? EXPONENTS[below(EXPONENTS.length)] : 0x3ff0 + below(0x60));
            long significand = chance(0.5) ? SIGNIFICANDS[below(SIGNIFICANDS.length)] : bits();
            // Mostly with the integer bit, without which a number is denormal or unsupported.
            state.significands[i] = isMmx ? eightBytes() : chance(0.85) ? significand | 1L << 63 : significand;
        }
        state.mxcsr = 0x1f80 | below(0x40) | below(4) << 13 | (chance(0.2) ? 1 << 15 : 0) | (chance(0.2) ? 1 << 6 : 0);
        if (chance(0.25)) {
            state.mxcsr &= ~(below(0x40) << 7);
        }
        for (int i = 0; i < state.xmm.length; i++) {
            state.xmm[i] = eightBytes();
        }
    }

    /** Sets random segment registers. */
    void setSegments(ProcessorState state) {
        for (int segment : new int[] {Cpu.DS, Cpu.ES, Cpu.FS, Cpu.GS}) {
            state.selectors[segment] = chance(0.05) ? 0 : loadable(Window.TO_READ);
        }
        state.selectors[Cpu.SS] = loadable(Window.STACKS);
        if (window.is64()) {
            state.fsBase = base(state, Cpu.FS);
            state.gsBase = base(state, Cpu.GS);
        }
    }

    /** Returns the selector of one of these, in 64-bit code also Linux's own. */
    private int loadable(List<Window.Descriptor> descriptors) {
        return !hasLdt || window.is64() && chance(0.3)
                ? Window.LINUX_DATA
                : oneOf(descriptors).selector();
    }

    /** Returns the base of FS or GS: that of its descriptor or, often, any with a null selector. */
    private long base(ProcessorState state, int segment) {
        if (chance(0.5)) {
            state.selectors[segment] = 0;
            return switch (below(4)) {
                case 0 -> Window.DATA;
                case 1 -> Window.NEAR + below(0x40);
                case 2 -> Window.CODE_64 - Integer.toUnsignedLong(number());
                default -> 0;
            };
        }
        return Window.DESCRIPTORS.stream()
                .filter(descriptor -> descriptor.selector() == state.selectors[segment])
                .mapToLong(Window.Descriptor::base)
                .findFirst()
                .orElse(0);
    }

    /** Returns a selector: as a rule of the LDT, and loadable. */
    int selector() {
        return switch (below(10)) {
            case 0 -> below(4);
            case 1 -> below(0x1_0000) | 1 << 2;
            // Those of the GDT, up to Linux's 64-bit code, where code of 16 and 32 bits can't be.
            case 2 -> below(window.is64() ? 7 : 6) << 3 | 3;
            case 3 -> oneOf(Window.DESCRIPTORS).selector() & ~below(4);
            default -> oneOf(Window.DESCRIPTORS).selector();
        };
    }
}
