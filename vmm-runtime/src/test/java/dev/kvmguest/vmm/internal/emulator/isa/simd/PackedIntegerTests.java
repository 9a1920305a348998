package dev.kvmguest.vmm.internal.emulator.isa.simd;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.internal.emulator.isa.x87.FpuCpu;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Every packed operation on random and extreme operands, beside what Java's small integers say of each lane. */
class PackedIntegerTests {

    /** What one lane gives. */
    private interface Lane {
        int apply(int a, int b);
    }

    /** What all bytes of two operands give, 8 or 16 of each. */
    private interface Whole {
        byte[] apply(byte[] a, byte[] b);
    }

    private static final int ROUNDS = 300;

    /** Opcode, whether MMX has it, and the reference. */
    static Stream<Arguments> operations() {
        return Stream.of(
                bytes("fc", (a, b) -> a + b),
                words("fd", (a, b) -> a + b),
                doublewords("fe", (a, b) -> a + b),
                quadwords("d4", false),
                quadwords("fb", true),
                bytes("ec", (a, b) -> Math.max(-128, Math.min(127, a + b))),
                words("ed", (a, b) -> Math.max(-32768, Math.min(32767, a + b))),
                bytes("dc", (a, b) -> Math.min(255, (a & 0xff) + (b & 0xff))),
                words("dd", (a, b) -> Math.min(65535, (a & 0xffff) + (b & 0xffff))),
                bytes("f8", (a, b) -> a - b),
                words("f9", (a, b) -> a - b),
                doublewords("fa", (a, b) -> a - b),
                bytes("e8", (a, b) -> Math.max(-128, Math.min(127, a - b))),
                words("e9", (a, b) -> Math.max(-32768, Math.min(32767, a - b))),
                bytes("d8", (a, b) -> Math.max(0, (a & 0xff) - (b & 0xff))),
                words("d9", (a, b) -> Math.max(0, (a & 0xffff) - (b & 0xffff))),
                words("d5", (a, b) -> a * b),
                words("e5", (a, b) -> a * b >> 16),
                words("e4", (a, b) -> (int) ((long) (a & 0xffff) * (b & 0xffff) >> 16)),
                bytes("e0", (a, b) -> ((a & 0xff) + (b & 0xff) + 1) / 2),
                words("e3", (a, b) -> ((a & 0xffff) + (b & 0xffff) + 1) / 2),
                words("ee", (a, b) -> a > b ? a : b),
                words("ea", (a, b) -> a < b ? a : b),
                bytes("de", (a, b) -> (a & 0xff) > (b & 0xff) ? a : b),
                bytes("da", (a, b) -> (a & 0xff) < (b & 0xff) ? a : b),
                bytes("74", (a, b) -> a == b ? 255 : 0),
                words("75", (a, b) -> a == b ? 65535 : 0),
                doublewords("76", (a, b) -> a == b ? -1 : 0),
                bytes("64", (a, b) -> a > b ? 255 : 0),
                words("65", (a, b) -> a > b ? 65535 : 0),
                doublewords("66", (a, b) -> a > b ? -1 : 0),
                bytes("db", (a, b) -> a & b),
                bytes("df", (a, b) -> ~a & b),
                bytes("eb", (a, b) -> a | b),
                bytes("ef", (a, b) -> a ^ b),
                Arguments.of("f4", (Whole) PackedIntegerTests::multiplyUnsigned),
                Arguments.of("f5", (Whole) PackedIntegerTests::multiplyAdd),
                Arguments.of("f6", (Whole) PackedIntegerTests::sumOfDifferences));
    }

    /** Opcode of PSLLW and so on, bits of a lane, and the direction: L, R or A. */
    static Stream<Arguments> shifts() {
        return Stream.of(
                Arguments.of("f1", "71 f0", 16, 'L'),
                Arguments.of("f2", "72 f0", 32, 'L'),
                Arguments.of("f3", "73 f0", 64, 'L'),
                Arguments.of("d1", "71 d0", 16, 'R'),
                Arguments.of("d2", "72 d0", 32, 'R'),
                Arguments.of("d3", "73 d0", 64, 'R'),
                Arguments.of("e1", "71 e0", 16, 'A'),
                Arguments.of("e2", "72 e0", 32, 'A'));
    }

    private final FpuCpu guest = new FpuCpu();
    private final Random random = new Random(3);

    @ParameterizedTest
    @MethodSource("operations")
    void xmmRegistersAreComputedLaneByLane(String opcode, Whole reference) {
        for (int round = 0; round < ROUNDS; round++) {
            byte[] a = operand(16);
            byte[] b = operand(16);
            guest.xmm(0, half(a, 8), half(a, 0)).xmm(1, half(b, 8), half(b, 0)).run("66 0f" + opcode + "c1");
            assertXmm0(reference.apply(a, b));

            guest.xmm(0, half(a, 8), half(a, 0)).ram.put(FpuCpu.DATA, b);
            guest.run("66 0f" + opcode + "03");
            assertXmm0(reference.apply(a, b));
        }
    }

    @ParameterizedTest
    @MethodSource("operations")
    void mmxRegistersAreComputedLaneByLane(String opcode, Whole reference) {
        for (int round = 0; round < ROUNDS; round++) {
            byte[] a = operand(8);
            byte[] b = operand(8);
            guest.fpu.setMmx(0, half(a, 0));
            guest.fpu.setMmx(1, half(b, 0));
            guest.run("0f" + opcode + "c1");
            assertThat(guest.fpu.mmx(0)).isEqualTo(half(reference.apply(a, b), 0));

            guest.fpu.setMmx(0, half(a, 0));
            guest.ram.put(FpuCpu.DATA, b);
            guest.run("0f" + opcode + "03");
            assertThat(guest.fpu.mmx(0)).isEqualTo(half(reference.apply(a, b), 0));
        }
    }

    @ParameterizedTest
    @MethodSource("shifts")
    void lanesAreShiftedByACountOfAnySize(String opcode, String immediate, int bits, char direction) {
        for (long count : new long[] {0, 1, 7, 15, 16, 17, 31, 32, 63, 64, 255, 1L << 32, -1}) {
            byte[] a = operand(16);
            byte[] expected = shifted(a, bits, direction, count);
            guest.xmm(0, half(a, 8), half(a, 0)).xmm(1, -1, count).run("66 0f" + opcode + "c1");
            assertXmm0(expected);

            guest.fpu.setMmx(0, half(a, 0));
            guest.fpu.setMmx(1, count);
            guest.run("0f" + opcode + "c1");
            assertThat(guest.fpu.mmx(0)).isEqualTo(half(expected, 0));

            if (count >= 0 && count < 256) {
                String number = String.format("%02x", count);
                guest.xmm(0, half(a, 8), half(a, 0)).run("66 0f" + immediate + number);
                assertXmm0(expected);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("logic")
    void logicOnFloatingPointRegistersIsThatOfBits(String code, Lane reference) {
        byte[] a = operand(16);
        byte[] b = operand(16);
        guest.xmm(0, half(a, 8), half(a, 0)).xmm(1, half(b, 8), half(b, 0)).run(code);
        byte[] expected = new byte[16];
        for (int i = 0; i < 16; i++) {
            expected[i] = (byte) reference.apply(a[i], b[i]);
        }
        assertXmm0(expected);
    }

    static Stream<Arguments> logic() {
        return Stream.of(
                Arguments.of("0f 54 c1", (Lane) (a, b) -> a & b),
                Arguments.of("66 0f 54 c1", (Lane) (a, b) -> a & b),
                Arguments.of("0f 55 c1", (Lane) (a, b) -> ~a & b),
                Arguments.of("66 0f 55 c1", (Lane) (a, b) -> ~a & b),
                Arguments.of("0f 56 c1", (Lane) (a, b) -> a | b),
                Arguments.of("66 0f 56 c1", (Lane) (a, b) -> a | b),
                Arguments.of("0f 57 c1", (Lane) (a, b) -> a ^ b),
                Arguments.of("66 0f 57 c1", (Lane) (a, b) -> a ^ b));
    }

    private static byte[] shifted(byte[] a, int bits, char direction, long count) {
        ByteBuffer in = buffer(a);
        ByteBuffer out = buffer(new byte[a.length]);
        boolean beyond = count < 0 || count >= bits;
        for (int at = 0; at < a.length; at += bits / 8) {
            if (bits == 64) {
                long lane = in.getLong(at);
                out.putLong(at, beyond ? 0 : direction == 'L' ? lane << count : lane >>> count);
            } else if (bits == 32) {
                int lane = in.getInt(at);
                out.putInt(at, shiftedLane(lane, lane, bits, direction, beyond, (int) count));
            } else {
                short lane = in.getShort(at);
                out.putShort(at, (short) shiftedLane(lane, lane & 0xffff, bits, direction, beyond, (int) count));
            }
        }
        return out.array();
    }

    private static int shiftedLane(int signed, int unsigned, int bits, char direction, boolean beyond, int count) {
        if (direction == 'A') {
            return signed >> (beyond ? bits - 1 : count);
        }
        if (beyond) {
            return 0;
        }
        return direction == 'L' ? unsigned << count : unsigned >>> count;
    }

    private static byte[] multiplyUnsigned(byte[] a, byte[] b) {
        ByteBuffer out = buffer(new byte[a.length]);
        for (int at = 0; at < a.length; at += 8) {
            long x = Integer.toUnsignedLong(buffer(a).getInt(at));
            out.putLong(at, x * Integer.toUnsignedLong(buffer(b).getInt(at)));
        }
        return out.array();
    }

    private static byte[] multiplyAdd(byte[] a, byte[] b) {
        ByteBuffer out = buffer(new byte[a.length]);
        for (int at = 0; at < a.length; at += 4) {
            int first = buffer(a).getShort(at) * buffer(b).getShort(at);
            out.putInt(at, first + buffer(a).getShort(at + 2) * buffer(b).getShort(at + 2));
        }
        return out.array();
    }

    private static byte[] sumOfDifferences(byte[] a, byte[] b) {
        ByteBuffer out = buffer(new byte[a.length]);
        for (int at = 0; at < a.length; at++) {
            int difference = Math.abs(Byte.toUnsignedInt(a[at]) - Byte.toUnsignedInt(b[at]));
            out.putLong(at & 8, out.getLong(at & 8) + difference);
        }
        return out.array();
    }

    private static Arguments bytes(String opcode, Lane lane) {
        return Arguments.of(opcode, (Whole) (a, b) -> {
            byte[] result = new byte[a.length];
            for (int i = 0; i < a.length; i++) {
                result[i] = (byte) lane.apply(a[i], b[i]);
            }
            return result;
        });
    }

    private static Arguments words(String opcode, Lane lane) {
        return Arguments.of(opcode, (Whole) (a, b) -> {
            ByteBuffer result = buffer(new byte[a.length]);
            for (int at = 0; at < a.length; at += 2) {
                result.putShort(
                        at, (short) lane.apply(buffer(a).getShort(at), buffer(b).getShort(at)));
            }
            return result.array();
        });
    }

    private static Arguments doublewords(String opcode, Lane lane) {
        return Arguments.of(opcode, (Whole) (a, b) -> {
            ByteBuffer result = buffer(new byte[a.length]);
            for (int at = 0; at < a.length; at += 4) {
                result.putInt(at, lane.apply(buffer(a).getInt(at), buffer(b).getInt(at)));
            }
            return result.array();
        });
    }

    private static Arguments quadwords(String opcode, boolean subtract) {
        return Arguments.of(opcode, (Whole) (a, b) -> {
            ByteBuffer result = buffer(new byte[a.length]);
            for (int at = 0; at < a.length; at += 8) {
                long second = buffer(b).getLong(at);
                result.putLong(at, buffer(a).getLong(at) + (subtract ? -second : second));
            }
            return result.array();
        });
    }

    /** Random bytes, many of them extreme, or equal in both operands. */
    private byte[] operand(int length) {
        byte[] extremes = {0, -1, 127, -128, 1};
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        for (int i = 0; i < length; i++) {
            if (random.nextInt(3) == 0) {
                bytes[i] = extremes[random.nextInt(extremes.length)];
            }
        }
        return bytes;
    }

    private void assertXmm0(byte[] expected) {
        assertThat(guest.low(0)).isEqualTo(half(expected, 0));
        assertThat(guest.high(0)).isEqualTo(half(expected, 8));
    }

    private static long half(byte[] bytes, int at) {
        return buffer(bytes).getLong(at);
    }

    private static ByteBuffer buffer(byte[] bytes) {
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }
}
