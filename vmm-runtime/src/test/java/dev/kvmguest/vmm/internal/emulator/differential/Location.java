package dev.kvmguest.vmm.internal.emulator.differential;

import dev.kvmguest.vmm.cpu.SegmentRegister;
import java.util.Random;

/**
 * An operand that ModRM names, in any of its forms (Intel SDM volume 2, tables 2-1 to 2-3).
 *
 * @param prefixes segment override and address size
 * @param tail ModRM, with an empty register field, SIB and displacement
 */
record Location(int[] prefixes, int[] tail, boolean isMemory) {

    private static final int ADDRESS_SIZE = 0x67;
    private static final SegmentRegister[] OVERRIDES = {
        SegmentRegister.ES,
        SegmentRegister.CS,
        SegmentRegister.SS,
        SegmentRegister.DS,
        SegmentRegister.FS,
        SegmentRegister.GS
    };
    private static final int[] OVERRIDE_PREFIXES = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65};

    /** Base and index register of each 16-bit form; -1 for none. */
    private static final int[][] FORMS_16 = {
        {Emitter.EBX, Emitter.ESI},
        {Emitter.EBX, Emitter.EDI},
        {Emitter.EBP, Emitter.ESI},
        {Emitter.EBP, Emitter.EDI},
        {Emitter.ESI, -1},
        {Emitter.EDI, -1},
        {Emitter.EBP, -1},
        {Emitter.EBX, -1}
    };

    static Location register(int number) {
        return new Location(new int[0], new int[] {0xc0 | number}, false);
    }

    /** Names a linear address in a random form, or one near the stack's top; the registers for it are set before. */
    static Location memory(Emitter emitter, int linear) {
        if (emitter.random.nextInt(16) == 0) {
            int[] prefixes = emitter.mode.isWide() ? new int[0] : new int[] {ADDRESS_SIZE};
            return new Location(prefixes, new int[] {0x44, 0x24, emitter.random.nextInt(0x80)}, true);
        }
        return exactly(emitter, linear);
    }

    /** Names a linear address in a random form; the registers for it are set before. */
    static Location exactly(Emitter emitter, int linear) {
        return emitter.random.nextInt(4) == 0 == emitter.mode.isWide()
                ? memory16(emitter, linear)
                : memory32(emitter, linear);
    }

    /** Names a linear address by a displacement from DS alone. */
    static Location direct(Emitter emitter, int linear) {
        long offset = emitter.offset(SegmentRegister.DS, linear);
        return emitter.mode.isWide()
                ? new Location(new int[0], bytes(5, 4, offset), true)
                : new Location(new int[0], bytes(6, 2, offset), true);
    }

    int[] modRm(int field) {
        int[] bytes = tail.clone();
        bytes[0] |= field << 3;
        return bytes;
    }

    private static Location memory16(Emitter emitter, int linear) {
        Random random = emitter.random;
        int form = random.nextInt(8);
        int displacementWidth = random.nextInt(3);
        boolean direct = form == 6 && displacementWidth == 0;
        SegmentRegister byDefault =
                !direct && FORMS_16[form][0] == Emitter.EBP ? SegmentRegister.SS : SegmentRegister.DS;
        Segment segment = Segment.choose(emitter, byDefault);
        long offset = emitter.offset(segment.register, linear);
        int[] prefixes = segment.prefixes(emitter.mode.isWide());
        if (direct) {
            return new Location(prefixes, bytes(form, 2, offset), true);
        }
        long displacement = displacement(random, displacementWidth);
        long rest = offset - displacement;
        // What is above the 16 bits that count is of no matter.
        long high = (long) random.nextInt() << 16;
        int index = FORMS_16[form][1];
        if (index >= 0) {
            int part = random.nextInt(0x1_0000);
            emitter.set(index, high | part);
            rest -= part;
        }
        emitter.set(FORMS_16[form][0], high ^ 0x5a5a_0000L | rest & 0xffff);
        return new Location(prefixes, bytes(displacementWidth << 6 | form, displacementWidth, displacement), true);
    }

    private static Location memory32(Emitter emitter, int linear) {
        Random random = emitter.random;
        boolean prefix = !emitter.mode.isWide();
        int displacementWidth = new int[] {0, 1, 4}[random.nextInt(3)];
        int mod = displacementWidth == 4 ? 2 : displacementWidth;
        int base = emitter.target(4);
        if (base == Emitter.EBP && mod == 0) {
            Segment segment = Segment.choose(emitter, SegmentRegister.DS);
            return new Location(segment.prefixes(prefix), bytes(5, 4, emitter.offset(segment.register, linear)), true);
        }
        boolean sib = random.nextBoolean();
        Segment segment = Segment.choose(emitter, base == Emitter.EBP ? SegmentRegister.SS : SegmentRegister.DS);
        long displacement = displacement(random, displacementWidth);
        long rest = emitter.offset(segment.register, linear) - displacement;
        int[] prefixes = segment.prefixes(prefix);
        if (!sib) {
            emitter.set(base, rest);
            return new Location(prefixes, bytes(mod << 6 | base, displacementWidth, displacement), true);
        }
        int index = random.nextInt(8);
        int scale = random.nextInt(4);
        if (index == base) {
            index = Emitter.ESP;
        }
        if (index != Emitter.ESP) {
            int part = random.nextInt();
            emitter.set(index, part);
            rest -= (long) part << scale;
        }
        emitter.set(base, rest);
        int[] tail = bytes(mod << 6 | 4, displacementWidth + 1, displacement << 8 | scale << 6 | index << 3 | base);
        return new Location(prefixes, tail, true);
    }

    private static long displacement(Random random, int width) {
        return switch (width) {
            case 0 -> 0;
            case 1 -> (byte) random.nextInt();
            case 2 -> (short) random.nextInt();
            default -> random.nextInt();
        };
    }

    private static int[] bytes(int modRm, int width, long rest) {
        int[] bytes = new int[1 + width];
        bytes[0] = modRm;
        for (int i = 0; i < width; i++) {
            bytes[i + 1] = (int) (rest >> 8 * i) & 0xff;
        }
        return bytes;
    }

    /** The segment of a memory operand: that which is used without a prefix, or another. */
    private record Segment(SegmentRegister register, int override) {

        static Segment choose(Emitter emitter, SegmentRegister byDefault) {
            int choice = emitter.random.nextInt(3 * OVERRIDES.length);
            // Code can't be written in protected mode.
            boolean unusable =
                    choice < OVERRIDES.length && OVERRIDES[choice] == SegmentRegister.CS && emitter.mode.isWide();
            return choice < OVERRIDES.length && !unusable
                    ? new Segment(OVERRIDES[choice], OVERRIDE_PREFIXES[choice])
                    : new Segment(byDefault, 0);
        }

        int[] prefixes(boolean addressSize) {
            if (override == 0) {
                return addressSize ? new int[] {ADDRESS_SIZE} : new int[0];
            }
            return addressSize ? new int[] {ADDRESS_SIZE, override} : new int[] {override};
        }
    }
}
