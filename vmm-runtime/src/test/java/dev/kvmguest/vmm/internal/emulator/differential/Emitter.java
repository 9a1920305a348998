package dev.kvmguest.vmm.internal.emulator.differential;

import dev.kvmguest.vmm.cpu.SegmentRegister;
import java.io.ByteArrayOutputStream;
import java.util.Random;

/** Writes the instructions of a step, with random operands. Widths are bytes; registers have their numbers. */
final class Emitter {

    static final int EAX = 0;
    static final int ECX = 1;
    static final int EDX = 2;
    static final int EBX = 3;
    static final int ESP = 4;
    static final int EBP = 5;
    static final int ESI = 6;
    static final int EDI = 7;

    /** All six flags that arithmetic sets: CF, PF, AF, ZF, SF, OF. */
    static final int ARITHMETIC_FLAGS = 0x8d5;

    /** Segment overrides and the address size say nothing where there is no memory operand. */
    private static final int[] PREFIXES_WITHOUT_EFFECT = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x67};

    private static final int LOCK = 0xf0;
    private static final int OPERAND_SIZE = 0x66;

    private static final long[] CORNERS = {
        0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fff_ffffL, 0x8000_0000L, 0xffff_ffffL, 0xffff_fffeL
    };

    final Mode mode;
    final Random random;
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private int skip;
    private int displacementWidth;

    Emitter(Mode mode, Random random) {
        this.mode = mode;
        this.random = random;
    }

    Step step(String template) {
        return new Step(template, out.toByteArray(), skip, displacementWidth);
    }

    /** Returns a random width: 1, 2 or 4. */
    int anyWidth() {
        return 1 << random.nextInt(3);
    }

    /** Returns a random width of 64-bit code: 1, 2, 4 or 8. */
    int anyWidth64() {
        return 1 << random.nextInt(4);
    }

    /** Writes an instruction of 64-bit code without ModRM; the opcode is that of bytes. */
    void operandSize64(int width, int opcode) {
        if (width == 2) {
            bytes(OPERAND_SIZE);
        } else if (width == 8) {
            bytes(0x48);
        }
        bytes(sized(opcode, width));
    }

    /** Returns 2 or 4. */
    int wordWidth() {
        return 2 + 2 * random.nextInt(2);
    }

    /** Returns a number, often one at the edge of a range. */
    long number() {
        return random.nextInt(3) == 0 ? CORNERS[random.nextInt(CORNERS.length)] : random.nextInt();
    }

    /** Returns a register of this width that may be written: any but ESP. */
    int target(int width) {
        int register = random.nextInt(8);
        return width > 1 && register == ESP ? EDI : register;
    }

    /** Returns any register. */
    int source() {
        return random.nextInt(8);
    }

    Emitter bytes(int... bytes) {
        for (int b : bytes) {
            out.write(b);
        }
        return this;
    }

    /** Writes a little-endian number. */
    Emitter immediate(int width, long value) {
        for (int i = 0; i < width; i++) {
            out.write((int) (value >> 8 * i));
        }
        return this;
    }

    /** Writes the operand-size prefix if this width needs it. */
    Emitter operandSize(int width) {
        if (width > 1 && (width == 4) != mode.isWide()) {
            out.write(OPERAND_SIZE);
        }
        return this;
    }

    /** Returns the width of operands without a prefix. */
    int defaultWidth() {
        return mode.isWide() ? 4 : 2;
    }

    /** Sets all 32 bits of a register. */
    Emitter set(int register, long value) {
        return operandSize(4).bytes(0xb8 + register).immediate(4, value);
    }

    /** Returns an operand for ModRM: a register that may be written or memory of this width. */
    Location location(int width) {
        return random.nextBoolean() ? Location.register(target(width)) : memory(width);
    }

    /** Returns an operand for ModRM that no register has to be set for. */
    Location locationWithoutRegisters(int width) {
        int linear = Mode.DATA + random.nextInt(Mode.DATA_END - Mode.DATA - width);
        return random.nextBoolean() ? Location.register(target(width)) : Location.direct(this, linear);
    }

    /** Returns memory of so many bytes within the data, and sets the registers that address it. */
    Location memory(int bytes) {
        int linear = Mode.DATA + random.nextInt(Mode.DATA_END - Mode.DATA - bytes);
        return Location.memory(this, linear);
    }

    /**
     * Writes an instruction with ModRM.
     *
     * @param width of the operand that says whether there is an operand-size prefix
     * @param field the register or opcode extension in ModRM
     */
    Emitter modRm(int width, Location location, int field, int... opcode) {
        if (!location.isMemory() && random.nextInt(8) == 0) {
            bytes(PREFIXES_WITHOUT_EFFECT[random.nextInt(PREFIXES_WITHOUT_EFFECT.length)]);
        }
        return bytes(location.prefixes()).operandSize(width).bytes(opcode).bytes(location.modRm(field));
    }

    /** Writes LOCK now and then, if the location is memory. */
    Emitter maybeLock(Location location) {
        if (location.isMemory() && random.nextInt(4) == 0) {
            bytes(LOCK);
        }
        return this;
    }

    /** Returns the opcode of the form for this width: the even one for bytes. */
    static int sized(int opcode, int width) {
        return width == 1 ? opcode : opcode | 1;
    }

    /**
     * Deals with flags that the manual leaves undefined: puts the others into a register, overwrites what PUSHF left
     * below the stack's top, and defines all by a comparison.
     */
    Emitter undefined(int flags) {
        if (flags == 0) {
            return this;
        }
        int register = target(4);
        bytes(0x9c, 0x58 + register);
        operandSize(defaultWidth()).bytes(0x81, 0xe0 + register).immediate(defaultWidth(), 0xfff & ~flags);
        bytes(0x50 + register, 0x58 + register);
        return bytes(0x38, 0xc0 | random.nextInt(64));
    }

    /** Ends the step in a jump over the next ones; the opcode is written already. */
    void jump(int width) {
        skip = random.nextInt(4);
        displacementWidth = width;
    }

    /** Returns the offset of a linear address in a segment. */
    long offset(SegmentRegister segment, int linear) {
        return linear - mode.base(segment);
    }
}
