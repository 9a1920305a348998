package dev.kvmguest.vmm.internal.emulator.differential;

import static dev.kvmguest.vmm.internal.emulator.differential.Emitter.ECX;
import static dev.kvmguest.vmm.internal.emulator.differential.Emitter.EDX;
import static dev.kvmguest.vmm.internal.emulator.differential.Emitter.sized;

import dev.kvmguest.vmm.internal.x86.Flag;
import java.util.ArrayList;
import java.util.List;

/** Shifts, rotates, and instructions on single bits. */
final class ShiftTemplates {

    private static final String[] GROUP_2 = {"rol", "ror", "rcl", "rcr", "shl", "shr", "sal", "sar"};
    private static final int FIRST_SHIFT = 4;
    private static final int SAR = 7;
    private static final String[] GROUP_8 = {"bt", "bts", "btr", "btc"};
    private static final int BIT_UNDEFINED = Flag.OF | Flag.SF | Flag.AF | Flag.PF;
    private static final int SCAN_UNDEFINED = BIT_UNDEFINED | Flag.CF;

    private ShiftTemplates() {}

    static List<Template> all() {
        List<Template> all = new ArrayList<>();
        for (int i = 0; i < GROUP_2.length; i++) {
            int number = i;
            all.add(Template.of(GROUP_2[i], e -> group2(e, number)));
        }
        all.add(Template.of("shld", e -> doubleShift(e, 0xa4)));
        all.add(Template.of("shrd", e -> doubleShift(e, 0xac)));
        for (int i = 0; i < GROUP_8.length; i++) {
            int number = i;
            all.add(Template.of(GROUP_8[i] + " r/m,imm", e -> bitByImmediate(e, number)));
            all.add(Template.of(GROUP_8[i] + " r,r", e -> bitOfRegister(e, number)));
            all.add(Template.of(GROUP_8[i] + " m,r", e -> bitOfMemory(e, number)));
        }
        all.add(Template.of("bsf", e -> scan(e, 0xbc)));
        all.add(Template.of("bsr", e -> scan(e, 0xbd)));
        return all;
    }

    private static void group2(Emitter e, int number) {
        int width = e.anyWidth();
        int count = e.random.nextInt(0x40);
        switch (e.random.nextInt(3)) {
            case 0 -> {
                count = 1;
                e.modRm(width, e.location(width), number, sized(0xd0, width));
            }
            case 1 ->
                e.modRm(width, e.location(width), number, sized(0xc0, width)).immediate(1, count);
            default -> {
                e.set(ECX, e.number() & ~0xffL | count);
                e.modRm(width, e.locationWithoutRegisters(width), number, sized(0xd2, width));
            }
        }
        e.undefined(undefined(number, count & 0x1f, 8 * width));
    }

    /** Returns what a shift or rotate by so many bits leaves undefined. */
    private static int undefined(int number, int count, int bits) {
        if (count == 0) {
            return 0;
        }
        int flags = count == 1 ? 0 : Flag.OF;
        if (number >= FIRST_SHIFT) {
            flags |= Flag.AF;
            // Bits beyond the operand have been shifted out; SAR repeats the sign instead.
            flags |= count >= bits && number != SAR ? Flag.CF : 0;
        }
        return flags;
    }

    private static void doubleShift(Emitter e, int opcode) {
        int width = e.wordWidth();
        // By more bits than the operand has, the result is undefined as well.
        int count = e.random.nextInt(8 * width + 1);
        if (e.random.nextBoolean()) {
            e.modRm(width, e.location(width), e.source(), 0x0f, opcode).immediate(1, count);
        } else {
            e.set(ECX, e.number() & ~0xffL | count);
            e.modRm(width, e.locationWithoutRegisters(width), e.source(), 0x0f, opcode + 1);
        }
        int masked = count & 0x1f;
        if (masked != 0) {
            e.undefined(masked == 1 ? Flag.AF : Flag.AF | Flag.OF);
        }
    }

    private static void bitByImmediate(Emitter e, int number) {
        int width = e.wordWidth();
        Location location = e.location(width);
        if (number != 0) {
            e.maybeLock(location);
        }
        e.modRm(width, location, 4 + number, 0x0f, 0xba)
                .immediate(1, e.random.nextInt())
                .undefined(BIT_UNDEFINED);
    }

    private static void bitOfRegister(Emitter e, int number) {
        int width = e.wordWidth();
        e.modRm(width, Location.register(e.target(width)), e.source(), 0x0f, 0xa3 + 8 * number)
                .undefined(BIT_UNDEFINED);
    }

    /** The bit is up to 512 bytes before or behind the operand. */
    private static void bitOfMemory(Emitter e, int number) {
        int width = e.wordWidth();
        int linear = Mode.DATA + 0x200 + e.random.nextInt(Mode.DATA_END - Mode.DATA - 0x404);
        int bit = e.random.nextInt(0x2000) - 0x1000;
        e.set(EDX, width == 2 ? (long) e.random.nextInt() << 16 | bit & 0xffff : bit);
        Location location = Location.direct(e, linear);
        if (number != 0) {
            e.maybeLock(location);
        }
        e.modRm(width, location, EDX, 0x0f, 0xa3 + 8 * number).undefined(BIT_UNDEFINED);
    }

    /** The source isn't 0: the destination would be undefined. */
    private static void scan(Emitter e, int opcode) {
        int width = e.wordWidth();
        int source = e.target(width);
        e.operandSize(width).bytes(0x83, 0xc8 | source, e.random.nextInt(0x80) | 1);
        if (e.random.nextBoolean()) {
            e.operandSize(width).bytes(0xc1, 0xe0 | source, e.random.nextInt(8 * width - 7));
        }
        e.modRm(width, Location.register(source), e.target(width), 0x0f, opcode).undefined(SCAN_UNDEFINED);
    }
}
