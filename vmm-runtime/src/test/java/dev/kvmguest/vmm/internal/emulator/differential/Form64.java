package dev.kvmguest.vmm.internal.emulator.differential;

import java.util.Random;

/**
 * An instruction of 64-bit code with ModRM: its operands are registers of all 16, or memory in a random form, and the
 * registers for that are set before.
 *
 * @param prefixes segment override and address size
 * @param width bytes of the operands: 1, 2, 4 or 8
 * @param rex the bits R, X and B
 * @param opcode one byte, or two after 0x0f
 * @param tail ModRM, SIB and displacement
 */
record Form64(int[] prefixes, int width, int rex, int opcode, int[] tail) {

    private static final int RSP = 4;
    private static final int RBP = 5;
    private static final int[] OVERRIDES = {0, 0, 0, 0x64, 0x65, 0x2e, 0x3e};
    private static final int ADDRESS_SIZE = 0x67;

    /** Any operands; the opcode is that of bytes. */
    static Form64 any(Emitter e, int width, int opcode) {
        int sized = width == 1 ? opcode : opcode | 1;
        return e.random.nextBoolean() ? inMemory(e, width, sized) : registers(e, width, sized);
    }

    /** A group's opcode, that of bytes, with an extension in place of a register. */
    static Form64 group(Emitter e, int width, int opcode, int extension) {
        int sized = width == 1 || opcode > 0xff ? opcode : opcode | 1;
        Form64 form = e.random.nextBoolean() ? inMemory(e, width, sized) : registers(e, width, sized);
        int[] tail = form.tail.clone();
        tail[0] = tail[0] & ~0x38 | extension << 3;
        return new Form64(form.prefixes, width, form.rex, sized, tail);
    }

    /** Operands of 64 or 32 bits, of which the source may be narrower. */
    static Form64 wide(Emitter e, int opcode) {
        int width = 4 << e.random.nextInt(2);
        return e.random.nextBoolean() ? inMemory(e, width, opcode) : registers(e, width, opcode);
    }

    /** 16 bytes of memory at a multiple of them. */
    static Form64 aligned(Emitter e, int opcode, int extension) {
        long place = Mode.DATA + 16L * e.random.nextInt((Mode.DATA_END - Mode.DATA) / 16);
        Form64 form = at(e, 8, opcode, place);
        int[] tail = form.tail.clone();
        tail[0] = tail[0] & ~0x38 | extension << 3;
        return new Form64(form.prefixes, 8, form.rex, opcode, tail);
    }

    static Form64 registers(Emitter e, int opcode) {
        return registers(e, 8, opcode);
    }

    /** Either operand may be the target. */
    private static Form64 registers(Emitter e, int width, int opcode) {
        int field = target(e);
        int other = target(e);
        return new Form64(
                new int[0], width, field >> 3 << 2 | other >> 3, opcode, new int[] {0xc0 | (field & 7) << 3 | other & 7
                });
    }

    static Form64 inMemory(Emitter e, int width, int opcode) {
        return at(e, width, opcode, place(e, 8));
    }

    /** Returns a linear address of so many bytes within the data. */
    static long place(Emitter e, int bytes) {
        return Mode.DATA + e.random.nextInt(Mode.DATA_END - Mode.DATA - bytes);
    }

    /** Returns a register that may be written: any but RSP. */
    static int target(Emitter e) {
        int register = e.random.nextInt(16);
        return register == RSP ? RSP + 8 : register;
    }

    private static Form64 at(Emitter e, int width, int opcode, long linear) {
        Random random = e.random;
        int field = target(e);
        int override = OVERRIDES[random.nextInt(OVERRIDES.length)];
        long offset = Mode.offsetFrom(override, (int) linear);
        int[] prefixes = override == 0 ? new int[0] : new int[] {override};
        if (random.nextInt(4) == 0) {
            // No base: a displacement of 32 bits, sign-extended.
            int[] tail = tail((field & 7) << 3 | 4, 0x25, 4, offset);
            return new Form64(prefixes, width, field >> 3 << 2, opcode, tail);
        }
        boolean cut = random.nextInt(4) == 0;
        int displacementWidth = new int[] {0, 1, 4}[random.nextInt(3)];
        long displacement =
                displacementWidth == 0 ? 0 : displacementWidth == 1 ? (byte) random.nextInt() : random.nextInt();
        int base = target(e);
        if ((base & 7) == RBP && displacementWidth == 0) {
            // Not the register after it: that may be the stack pointer.
            base++;
        }
        int index = target(e);
        if (index == base) {
            index = RSP;
        }
        int scale = random.nextInt(4);
        long rest = offset - displacement;
        if (index != RSP) {
            long part = random.nextLong();
            set(e, index, part);
            rest -= part << scale;
        }
        // With 32-bit addresses the upper halves are of no matter.
        set(e, base, cut ? rest & 0xffff_ffffL | random.nextLong() << 32 : rest);
        if (cut) {
            prefixes = override == 0 ? new int[] {ADDRESS_SIZE} : new int[] {ADDRESS_SIZE, override};
        }
        int mod = displacementWidth == 4 ? 2 : displacementWidth;
        int[] tail = tail(
                mod << 6 | (field & 7) << 3 | 4,
                scale << 6 | (index & 7) << 3 | base & 7,
                displacementWidth,
                displacement);
        return new Form64(prefixes, width, field >> 3 << 2 | index >> 3 << 1 | base >> 3, opcode, tail);
    }

    private static void set(Emitter e, int register, long value) {
        e.bytes(0x48 | register >> 3, 0xb8 | register & 7).immediate(8, value);
    }

    private static int[] tail(int modRm, int sib, int width, long displacement) {
        int[] tail = new int[2 + width];
        tail[0] = modRm;
        tail[1] = sib;
        for (int i = 0; i < width; i++) {
            tail[2 + i] = (int) (displacement >> 8 * i) & 0xff;
        }
        return tail;
    }

    /** Writes it. REX is there always, so that registers of a byte are SPL to DIL. */
    Emitter write(Emitter e) {
        e.bytes(prefixes);
        if (width == 2) {
            e.bytes(0x66);
        }
        e.bytes(0x40 | (width == 8 ? 8 : 0) | rex);
        if (opcode > 0xff) {
            e.bytes(opcode >> 8);
        }
        return e.bytes(opcode & 0xff).bytes(tail);
    }
}
