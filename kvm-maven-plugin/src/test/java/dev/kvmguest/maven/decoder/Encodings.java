package dev.kvmguest.maven.decoder;

import dev.kvmguest.vmm.internal.x86.CpuMode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

/** Bytes to decode: 16 each, so that what follows an instruction is there too. */
final class Encodings {

    static final int LENGTH = 16;

    private static final int OPERAND_SIZE = 0x66;
    private static final int ADDRESS_SIZE = 0x67;
    // LOCK is left out: LLVM takes it before anything, and DecoderTests has all that may follow it.
    private static final int[] PREFIXES = {OPERAND_SIZE, ADDRESS_SIZE, 0xf2, 0xf3, 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65};
    private static final int[][] EVERYWHERE = {
        {OPERAND_SIZE}, {ADDRESS_SIZE}, {OPERAND_SIZE, ADDRESS_SIZE}, {0xf2}, {0xf3}, {0x64}
    };
    private static final int REX = 0x40;
    private static final int REX_W = 0x48;
    private static final int REX_RXB = 0x47;
    /** What is put before all opcodes of 64-bit code besides. */
    private static final int[][] EVERYWHERE_64 = {
        {REX},
        {REX_W},
        {OPERAND_SIZE, REX_W},
        {REX_RXB},
        {ADDRESS_SIZE, REX_W | REX_RXB},
        {0xf2, REX_W},
        {0xf3, REX_W},
        {REX_W, OPERAND_SIZE}
    };

    private static final int[] USUAL_BYTES = {0x00, 0x01, 0x7f, 0x80, 0xff};

    private static final int[][] BEFORE_SIB = {{}, {ADDRESS_SIZE}};
    private static final int[][] BEFORE_SIB_64 = {
        {}, {ADDRESS_SIZE}, {REX_RXB}, {REX | 1}, {REX | 2}, {ADDRESS_SIZE, 0x4f}
    };

    private static final int ESCAPE = 0x0f;
    private static final int LOCK = 0xf0;
    private static final int MOV = 0x8b;
    private static final int ESCAPE_38 = 0x38;
    private static final int ESCAPE_3A = 0x3a;
    /** One byte; from 0x100 on those behind 0F, from 0x200 on behind 0F 38, from 0x300 on behind 0F 3A. */
    private static final int[] OPCODES = IntStream.range(0, 0x400)
            .filter(opcode -> opcode != ESCAPE && opcode != LOCK)
            .filter(opcode -> opcode != 0x100 + ESCAPE_38 && opcode != 0x100 + ESCAPE_3A)
            .filter(opcode -> IntStream.of(PREFIXES).noneMatch(prefix -> prefix == opcode))
            .toArray();

    private final Random random;

    Encodings(long seed) {
        random = new Random(seed);
    }

    /** Every opcode with every ModRM byte, and with prefixes every mod and reg field; every SIB byte. */
    List<byte[]> systematic(CpuMode mode) {
        List<byte[]> encodings = new ArrayList<>();
        for (int opcode : opcodes(mode)) {
            for (int modRm = 0; modRm < 0x100; modRm++) {
                encodings.add(encoding(new int[0], opcode, modRm));
            }
            for (int[] prefixes : EVERYWHERE) {
                addEveryModAndReg(encodings, prefixes, opcode);
            }
            for (int[] prefixes : mode.is64() ? EVERYWHERE_64 : new int[0][]) {
                addEveryModAndReg(encodings, prefixes, opcode);
            }
        }
        for (int sib = 0; sib < 0x100; sib++) {
            for (int modRm : new int[] {0x04, 0x4c, 0x94}) {
                for (int[] prefixes : mode.is64() ? BEFORE_SIB_64 : BEFORE_SIB) {
                    byte[] encoding = encoding(prefixes, MOV, modRm);
                    encoding[prefixes.length + 2] = (byte) sib;
                    encodings.add(encoding);
                }
            }
        }
        encodings.addAll(handPicked());
        return encodings;
    }

    /** Returns what is too rare to come up by chance. */
    private static List<byte[]> handPicked() {
        // VFRCZPS, of XOP.
        byte[] xop = {(byte) 0x8f, (byte) 0xe9, 0x78, (byte) 0x80, (byte) 0xc0};
        // XOR of 16 bytes in 64-bit code.
        byte[] tooLong = {0x66, 0x64, 0x26, 0x2e, 0x49, (byte) 0x81, (byte) 0xb4, 0x76, 1, 2, 3, 4, 5, 6, 7, 8};
        // ENDBR64.
        byte[] branchEnd = {(byte) 0xf3, 0x0f, 0x1e, (byte) 0xfa};
        return List.of(Arrays.copyOf(xop, LENGTH), tooLong, Arrays.copyOf(branchEnd, LENGTH));
    }

    private void addEveryModAndReg(List<byte[]> encodings, int[] prefixes, int opcode) {
        for (int modAndReg = 0; modAndReg < 0x100; modAndReg += 8) {
            encodings.add(encoding(prefixes, opcode, modAndReg | random.nextInt(8)));
        }
    }

    /** Returns the opcodes that aren't prefixes in this code. */
    private static int[] opcodes(CpuMode mode) {
        return IntStream.of(OPCODES)
                .filter(opcode -> !mode.is64() || (opcode & ~0xf) != REX)
                .toArray();
    }

    /** Some random ones, most of them instructions. */
    List<byte[]> random(int count, CpuMode mode) {
        int[] opcodes = opcodes(mode);
        List<byte[]> encodings = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            int[] prefixes = new int[random.nextInt(4) == 0 ? random.nextInt(5) : random.nextInt(2)];
            Arrays.setAll(prefixes, prefix -> PREFIXES[random.nextInt(PREFIXES.length)]);
            if (mode.is64() && random.nextBoolean()) {
                prefixes = withRex(prefixes);
            }
            encodings.add(encoding(prefixes, opcodes[random.nextInt(opcodes.length)], random.nextInt(0x100)));
        }
        return encodings;
    }

    /** Puts a REX prefix after the others, where it belongs, or now and then among them. */
    private int[] withRex(int[] prefixes) {
        int at = random.nextInt(8) == 0 ? random.nextInt(prefixes.length + 1) : prefixes.length;
        return IntStream.concat(
                        IntStream.concat(IntStream.of(prefixes).limit(at), IntStream.of(REX | random.nextInt(0x10))),
                        IntStream.of(prefixes).skip(at))
                .toArray();
    }

    private byte[] encoding(int[] prefixes, int opcode, int modRm) {
        byte[] bytes = new byte[LENGTH];
        random.nextBytes(bytes);
        if (random.nextInt(4) == 0) {
            for (int i = 0; i < LENGTH; i++) {
                bytes[i] = (byte) USUAL_BYTES[random.nextInt(USUAL_BYTES.length)];
            }
        }
        int next = 0;
        for (int prefix : prefixes) {
            bytes[next++] = (byte) prefix;
        }
        if (opcode >= 0x100) {
            bytes[next++] = ESCAPE;
        }
        if (opcode >= 0x200) {
            bytes[next++] = (byte) (opcode < 0x300 ? ESCAPE_38 : ESCAPE_3A);
        }
        bytes[next++] = (byte) opcode;
        bytes[next] = (byte) modRm;
        return bytes;
    }
}
