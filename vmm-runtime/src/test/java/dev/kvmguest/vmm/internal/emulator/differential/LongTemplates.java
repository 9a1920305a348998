package dev.kvmguest.vmm.internal.emulator.differential;

import dev.kvmguest.vmm.internal.x86.Flag;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Instructions of 64-bit code: REX, R8 to R15, operands and addresses of 64 bits, addresses by RIP, FS and GS with bases,
 * and what ends a program in a handler of long mode.
 */
final class LongTemplates {

    private static final Set<Mode> USER = EnumSet.of(Mode.LONG_USER);

    private static final int RAX = 0;
    private static final int RCX = 1;
    private static final int RDX = 2;
    private static final int RBP = 5;
    private static final int RSI = 6;
    private static final int RDI = 7;
    private static final int[] ALL_BUT_RSP = {RAX, RCX, RDX, 3, RBP, RSI, RDI};
    private static final int MULTIPLY_UNDEFINED = Flag.SF | Flag.ZF | Flag.AF | Flag.PF;
    private static final Set<Integer> LOGIC = Set.of(1, 4, 6);
    private static final long NOT_CANONICAL = 0x8000_0000_0000L;
    private static final long ABSENT = 0x40_0000;

    private LongTemplates() {}

    /** Returns those that go on with the next step. */
    static List<Template> all() {
        return List.of(
                of("64: group 1", LongTemplates::group1),
                of("64: group 1, imm", LongTemplates::group1Immediate),
                of("64: test", e -> Form64.any(e, e.anyWidth64(), 0x84).write(e).undefined(Flag.AF)),
                of("64: inc, dec", e -> Form64.group(e, e.anyWidth64(), 0xfe, e.random.nextInt(2))
                        .write(e)),
                of("64: not, neg", e -> Form64.group(e, e.anyWidth64(), 0xf6, 2 + e.random.nextInt(2))
                        .write(e)),
                of("64: mul, imul", e -> Form64.group(e, e.anyWidth64(), 0xf6, 4 + e.random.nextInt(2))
                        .write(e)
                        .undefined(MULTIPLY_UNDEFINED)),
                of("64: imul r,r/m", e -> Form64.wide(e, 0x0faf).write(e).undefined(MULTIPLY_UNDEFINED)),
                of("64: div", LongTemplates::div),
                of("64: mov", e -> Form64.any(e, e.anyWidth64(), 0x88 + 2 * e.random.nextInt(2))
                        .write(e)),
                of("64: mov r,imm64", LongTemplates::movImmediate),
                of("64: mov by moffs", LongTemplates::moffs),
                of("64: movzx, movsx", e -> Form64.wide(e, 0x0fb6 | 8 * e.random.nextInt(2))
                        .write(e)),
                of("64: movsxd", e -> Form64.wide(e, 0x63).write(e)),
                of("64: lea", e -> Form64.inMemory(e, 8, 0x8d).write(e)),
                of("64: cmovcc", e -> Form64.wide(e, 0x0f40 | e.random.nextInt(16))
                        .write(e)),
                of("64: setcc", e -> Form64.group(e, 1, 0x0f90 | e.random.nextInt(16), 0)
                        .write(e)),
                of("64: xchg", e -> Form64.any(e, e.anyWidth64(), 0x86).write(e)),
                of("64: xadd", e -> Form64.any(e, e.anyWidth64(), 0x0fc0).write(e)),
                of("64: cmpxchg", e -> Form64.any(e, e.anyWidth64(), 0x0fb0).write(e)),
                of("64: cmpxchg16b", e -> Form64.aligned(e, 0x0fc7, 1).write(e)),
                of("64: bt r/m,r", e -> Form64.registers(e, 0x0fa3 | 8 * e.random.nextInt(4))
                        .write(e)
                        .undefined(Flag.OF | Flag.SF | Flag.AF | Flag.PF)),
                of("64: shift by 1", e -> Form64.group(
                                e, e.anyWidth64(), 0xd0, new int[] {0, 1, 4, 5, 7}[e.random.nextInt(5)])
                        .write(e)
                        .undefined(Flag.AF)),
                of(
                        "64: bswap",
                        e -> e.bytes(
                                0x48 | e.random.nextInt(2),
                                0x0f,
                                0xc8 + ALL_BUT_RSP[e.random.nextInt(ALL_BUT_RSP.length)])),
                of("64: cdqe, cqo", e -> e.bytes(0x48, 0x98 + e.random.nextInt(2))),
                of("64: push, pop", LongTemplates::pushPop),
                of("64: push imm", e -> e.bytes(0x68).immediate(4, e.number())),
                of("64: pop r/m", e -> Form64.group(e.bytes(0x6a, e.random.nextInt(256)), 4, 0x8f, 0)
                        .write(e)),
                of("64: strings", LongTemplates::string),
                of("64: jcc", e -> e.bytes(0x70 + e.random.nextInt(16)).jump(1)),
                of("64: call, ret", e -> e.bytes(0xe8).immediate(4, 2).bytes(0xeb, 3, 0xff, 0xc2, 0xc3)),
                of("64: jmp r", e -> e.bytes(0x48, 0x8d, 0x35).immediate(4, 2).bytes(0xff, 0xe6)),
                of("64: int n", e -> e.bytes(0xcd, Mode.RETURNING_VECTOR + e.random.nextInt(16))));
    }

    /** Returns those that end a program in a handler. */
    static List<Template> faults() {
        return List.of(
                of("64: #UD by ud2", e -> e.bytes(0x0f, 0x0b)),
                of("64: #UD by pusha", e -> e.bytes(0x60)),
                of("64: #DE", e -> e.bytes(0x31, 0xc9, 0x48, 0xf7, 0xf1)),
                of("64: #PF by read", e -> access(e, RSI, ABSENT, 0x8b)),
                of("64: #PF by write", e -> access(e, RSI, ABSENT, 0x89)),
                of("64: #PF by push", e -> access(e, RSI, ABSENT, 0xff, 0x36)),
                of("64: #PF by jmp", e -> access(e, RSI, ABSENT, 0xff, 0xe6)),
                of("64: #PF by repeated stos", e -> set(set(e, RDI, Mode.MEMORY - 20), RCX, 30)
                        .bytes(0xfc, 0xf3, 0x48, 0xab)),
                of("64: #GP by read", e -> access(e, RSI, NOT_CANONICAL, 0x8b)),
                of("64: #GP by write", e -> access(e, RSI, NOT_CANONICAL, 0x89)),
                of("64: #GP by a repeated string", e -> set(set(e, RDI, NOT_CANONICAL), RCX, 5)
                        .bytes(0xfc, 0xf3, 0xaa)),
                of("64: #SS by rbp", e -> set(e, RBP, NOT_CANONICAL).bytes(0x48, 0x8b, 0x45, 0)),
                of("64: #GP by selector", e -> set(e, RAX, 0x100 + 8 * e.random.nextInt(100))
                        .bytes(0x8e, 0xd8)),
                of("64: #GP by mov cr0", USER, e -> e.bytes(0x0f, 0x20, 0xc0)),
                of("64: #GP by wrmsr", USER, e -> e.bytes(0x0f, 0x30)),
                of("64: #UD by syscall without SCE", USER, e -> e.bytes(0x0f, 0x05)));
    }

    private static Template of(String name, Consumer<Emitter> emit) {
        return Template.of(name, Mode.OF_64_BITS, emit);
    }

    private static Template of(String name, Set<Mode> modes, Consumer<Emitter> emit) {
        return Template.of(name, modes, emit);
    }

    private static Emitter set(Emitter e, int register, long value) {
        return e.bytes(0x48 | register >> 3, 0xb8 | register & 7).immediate(8, value);
    }

    private static void access(Emitter e, int register, long address, int... opcode) {
        set(e, register, address + e.random.nextInt(0x1000) & -8L);
        if (opcode.length == 1) {
            e.bytes(0x48, opcode[0], RCX << 3 | register);
        } else {
            e.bytes(opcode);
        }
    }

    private static void group1(Emitter e) {
        int number = e.random.nextInt(8);
        Form64.any(e, e.anyWidth64(), number << 3 | 2 * e.random.nextInt(2))
                .write(e)
                .undefined(LOGIC.contains(number) ? Flag.AF : 0);
    }

    private static void group1Immediate(Emitter e) {
        int number = e.random.nextInt(8);
        int width = e.anyWidth64();
        boolean small = width == 1 || e.random.nextBoolean();
        int form = width == 1 ? 0x80 : small ? 0x82 : 0x80;
        Form64.group(e, width, form, number)
                .write(e)
                .immediate(small ? 1 : Math.min(width, 4), e.number())
                .undefined(LOGIC.contains(number) ? Flag.AF : 0);
    }

    /** The dividend is small enough: RDX is 0, or -1 and 0 by the sign. */
    private static void div(Emitter e) {
        set(set(set(e, RCX, e.random.nextLong() >>> e.random.nextInt(60) | 1), RAX, e.random.nextLong() >>> 1), RDX, 0);
        e.bytes(0x48, 0xf7, 0xf1 | 8 * e.random.nextInt(2)).undefined(Emitter.ARITHMETIC_FLAGS);
    }

    private static void movImmediate(Emitter e) {
        int register = Form64.target(e);
        set(e, register, e.random.nextInt(3) == 0 ? e.number() : e.random.nextLong());
    }

    private static void moffs(Emitter e) {
        e.bytes(0x48, 0xa1 + 2 * e.random.nextInt(2)).immediate(8, Form64.place(e, 8));
    }

    private static void pushPop(Emitter e) {
        int source = e.random.nextInt(16);
        int target = Form64.target(e);
        e.bytes(0x40 | source >> 3, 0x50 | source & 7, 0x40 | target >> 3, 0x58 | target & 7);
    }

    private static void string(Emitter e) {
        int[] opcodes = {0xa4, 0xa6, 0xaa, 0xac, 0xae};
        set(set(e, RSI, Mode.DATA + 0x800), RDI, Mode.DATA + 0x1000 + e.random.nextInt(16));
        e.bytes(0xfc + e.random.nextInt(2));
        if (e.random.nextBoolean()) {
            set(e, RCX, e.random.nextInt(20)).bytes(0xf2 + e.random.nextInt(2));
        }
        e.operandSize64(e.anyWidth64(), opcodes[e.random.nextInt(5)]);
    }
}
