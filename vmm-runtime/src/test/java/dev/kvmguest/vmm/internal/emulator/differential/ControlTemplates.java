package dev.kvmguest.vmm.internal.emulator.differential;

import static dev.kvmguest.vmm.internal.emulator.differential.Emitter.ECX;
import static dev.kvmguest.vmm.internal.emulator.differential.Emitter.ESI;

import dev.kvmguest.vmm.cpu.SegmentRegister;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Jumps, always forwards, and calls of a few instructions that return. */
final class ControlTemplates {

    private static final int RET = 0xc3;
    private static final int RETF = 0xcb;
    private static final int INC_EDX = 0x42;
    private static final int PUSH_IMMEDIATE = 0x6a;
    private static final int POP_ESI = 0x5e;
    private static final int PUSH_ESI = 0x56;
    private static final int JMP_SHORT = 0xeb;
    private static final int NOP = 0x90;

    private ControlTemplates() {}

    static List<Template> all() {
        List<Template> all = new ArrayList<>(List.of(
                Template.of("jcc short", e -> jump(e.bytes(0x70 + e.random.nextInt(16)), 1)),
                Template.of("jcc near", e -> jump(e.bytes(0x0f, 0x80 + e.random.nextInt(16)), e.defaultWidth())),
                Template.of("jmp short", e -> jump(e.bytes(JMP_SHORT), 1)),
                Template.of("jmp near", e -> jump(e.bytes(0xe9), e.defaultWidth())),
                Template.of("loop", e -> loop(e, 0xe2)),
                Template.of("loope", e -> loop(e, 0xe1)),
                Template.of("loopne", e -> loop(e, 0xe0)),
                Template.of("jcxz", e -> loop(e, 0xe3)),
                Template.of("counted loop", ControlTemplates::countedLoop),
                Template.of("call, ret", ControlTemplates::call),
                Template.of("call r", ControlTemplates::callRegister),
                Template.of("call m", ControlTemplates::callMemory),
                Template.of("jmp r", ControlTemplates::jumpRegister),
                Template.of("call far m, retf", ControlTemplates::callFar),
                Template.of("retf", ControlTemplates::returnFar),
                Template.of("code that is changed", ControlTemplates::changeCode)));
        all.add(Template.of("int n", e -> e.bytes(0xcd, Mode.RETURNING_VECTOR + e.random.nextInt(16))));
        all.add(Template.of("iret", ControlTemplates::interruptReturn));
        return all;
    }

    private static void jump(Emitter e, int displacementWidth) {
        e.jump(displacementWidth);
    }

    private static void loop(Emitter e, int opcode) {
        e.set(
                ECX,
                e.random.nextBoolean() ? e.random.nextInt(3) : (long) e.random.nextInt() << 16 | e.random.nextInt(3));
        if (e.random.nextBoolean()) {
            e.bytes(0x67);
        }
        jump(e.bytes(opcode), 1);
    }

    /** Adds to EDX some times. */
    private static void countedLoop(Emitter e) {
        e.set(ECX, 1 + e.random.nextInt(40));
        e.bytes(0x11, 0xca, INC_EDX, 0xe2, -5 & 0xff);
    }

    /** The function is behind the call; it returns to a jump over it. */
    private static void call(Emitter e) {
        int[] body = body(e);
        e.bytes(0xe8)
                .immediate(e.defaultWidth(), 2)
                .bytes(JMP_SHORT, body.length)
                .bytes(body);
    }

    /** Returns a short function. RET may take parameters that nobody has pushed. */
    private static int[] body(Emitter e) {
        return e.random.nextBoolean()
                ? new int[] {INC_EDX, RET}
                : new int[] {INC_EDX, 0xc2, 4 * e.random.nextInt(4), 0};
    }

    /** Puts the address of what is so many bytes behind these instructions into ESI. */
    private static void loadAddress(Emitter e, int distance) {
        e.bytes(0xe8).immediate(e.defaultWidth(), 0).bytes(POP_ESI);
        // From the POP on: it has 1 byte and the addition 3.
        e.bytes(0x83, 0xc6, 4 + distance);
    }

    private static void callRegister(Emitter e) {
        int[] body = body(e);
        loadAddress(e, 4);
        e.bytes(0xff, 0xd0 | ESI, JMP_SHORT, body.length).bytes(body);
    }

    private static void callMemory(Emitter e) {
        int[] body = body(e);
        Location location = data(e);
        int store = e.mode.isWide() ? 6 : 4;
        loadAddress(e, 2 * store + 2);
        e.modRm(e.defaultWidth(), location, ESI, 0x89);
        e.modRm(e.defaultWidth(), location, 2, 0xff);
        e.bytes(JMP_SHORT, body.length).bytes(body);
    }

    private static Location data(Emitter e) {
        return Location.direct(e, Mode.DATA + e.random.nextInt(Mode.DATA_END - Mode.DATA - 8));
    }

    private static void jumpRegister(Emitter e) {
        loadAddress(e, 3);
        e.bytes(0xff, 0xe0 | ESI, INC_EDX);
    }

    private static void callFar(Emitter e) {
        int linear = Mode.DATA + e.random.nextInt(Mode.DATA_END - Mode.DATA - 8);
        Location pointer = Location.direct(e, linear);
        int store = e.mode.isWide() ? 6 : 4;
        e.modRm(2, Location.direct(e, linear + e.defaultWidth()), 0, 0xc7)
                .immediate(2, e.mode.selector(SegmentRegister.CS));
        loadAddress(e, 2 * store + 2);
        e.modRm(e.defaultWidth(), pointer, ESI, 0x89);
        e.modRm(e.defaultWidth(), pointer, 3, 0xff);
        e.bytes(JMP_SHORT, 2, INC_EDX, RETF);
    }

    /** Writes to the immediate operand of an instruction that follows. */
    private static void changeCode(Emitter e) {
        int distance = e.random.nextInt(3);
        int[] between = new int[distance];
        Arrays.fill(between, NOP);
        int[] segment = e.mode.isWide() ? new int[0] : new int[] {0x2e};
        int store = segment.length + 4;
        // mov byte [cs:esi+displacement], imm8, where ESI is the address of the NOPs and of the MOV r8, imm8 behind
        // them
        loadAddress(e, store);
        e.bytes(segment).bytes(0xc6, e.mode.isWide() ? 0x46 : 0x44, distance + 1, e.random.nextInt(0x100));
        e.bytes(between).bytes(0xb0 + e.target(1), e.random.nextInt(0x100));
    }

    private static void returnFar(Emitter e) {
        // Not PUSH CS: processors differ in what it writes above the 16 bits.
        e.bytes(PUSH_IMMEDIATE, e.mode.selector(SegmentRegister.CS));
        loadAddress(e, 2 + 1);
        e.bytes(PUSH_ESI, RETF, INC_EDX);
    }

    private static void interruptReturn(Emitter e) {
        if (e.mode.isWide()) {
            // A set NT would make it a return to another task.
            e.bytes(PUSH_IMMEDIATE, 2, 0x9d);
        }
        e.bytes(0x9c, PUSH_IMMEDIATE, e.mode.selector(SegmentRegister.CS));
        loadAddress(e, 2 + 1);
        e.bytes(PUSH_ESI, 0xcf, INC_EDX);
    }
}
