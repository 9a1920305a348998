package dev.kvmguest.vmm.internal.emulator.differential;

import static dev.kvmguest.vmm.internal.emulator.differential.Emitter.EBP;
import static dev.kvmguest.vmm.internal.emulator.differential.Emitter.ESP;

import dev.kvmguest.vmm.cpu.SegmentRegister;
import java.util.List;

/** Instructions that push and pop. They move ESP by little, so that it stays in the stack. */
final class StackTemplates {

    /** The flags that programs load: not TF, not VM. */
    private static final int LOADABLE_FLAGS = 0x24_7ed5;

    private StackTemplates() {}

    static List<Template> all() {
        return List.of(
                Template.of("push r", e -> e.operandSize(e.wordWidth()).bytes(0x50 + e.source())),
                Template.of("pop r", StackTemplates::popRegister),
                Template.of("push imm", StackTemplates::pushImmediate),
                Template.of("push r/m", StackTemplates::pushLocation),
                Template.of("pop r/m", StackTemplates::popLocation),
                Template.of("pop [esp]", StackTemplates::popBySp),
                Template.of("push segment", e -> pushSegment(e, 2)),
                Template.of("push segment, 32 bits", e -> pushSegment(e, 4)),
                Template.of("pop segment", StackTemplates::popSegment),
                Template.of("pusha", e -> e.operandSize(e.wordWidth()).bytes(0x60)),
                Template.of("popa", e -> e.operandSize(e.wordWidth()).bytes(0x61)),
                Template.of("pushf", e -> e.operandSize(e.wordWidth()).bytes(0x9c)),
                Template.of("popf", e -> popFlags(e, 2)),
                Template.of("popfd", e -> popFlags(e, 4)),
                Template.of("enter", e -> enter(e, e.defaultWidth(), 0)),
                Template.of("enter, other size", e -> enter(e, 6 - e.defaultWidth(), 0)),
                Template.of("enter nested", e -> enter(e, e.wordWidth(), 1 + e.random.nextInt(4))),
                Template.of("leave", StackTemplates::leave));
    }

    private static void popRegister(Emitter e) {
        int width = e.wordWidth();
        e.operandSize(width).bytes(0x58 + e.target(width));
    }

    private static void pushImmediate(Emitter e) {
        int width = e.wordWidth();
        if (e.random.nextBoolean()) {
            e.operandSize(width).bytes(0x6a).immediate(1, e.number());
        } else {
            e.operandSize(width).bytes(0x68).immediate(width, e.number());
        }
    }

    private static void pushLocation(Emitter e) {
        int width = e.wordWidth();
        e.modRm(width, e.location(width), 6, 0xff);
    }

    private static void popLocation(Emitter e) {
        int width = e.wordWidth();
        e.modRm(width, e.location(width), 0, 0x8f);
    }

    /** The address is worked out with ESP as it is after the pop. */
    private static void popBySp(Emitter e) {
        int[] prefixes = e.mode.isWide() ? new int[0] : new int[] {0x67};
        int[] tail = {0x40 | ESP, 0x24, e.random.nextInt(0x40)};
        e.modRm(e.wordWidth(), new Location(prefixes, tail, true), 0, 0x8f);
    }

    private static void pushSegment(Emitter e, int width) {
        int[][] opcodes = {{0x06}, {0x0e}, {0x16}, {0x1e}, {0x0f, 0xa0}, {0x0f, 0xa8}};
        e.operandSize(width).bytes(opcodes[e.random.nextInt(opcodes.length)]);
    }

    private static void popSegment(Emitter e) {
        int[][] opcodes = {{0x07}, {0x17}, {0x1f}, {0x0f, 0xa1}, {0x0f, 0xa9}};
        SegmentRegister[] segments = {
            SegmentRegister.ES, SegmentRegister.SS, SegmentRegister.DS, SegmentRegister.FS, SegmentRegister.GS
        };
        int choice = e.random.nextInt(opcodes.length);
        int width = e.wordWidth();
        long junk = (long) e.random.nextInt() << 16;
        e.operandSize(width).bytes(0x68).immediate(width, junk | e.mode.selector(segments[choice]));
        e.operandSize(width).bytes(opcodes[choice]);
    }

    private static void popFlags(Emitter e, int width) {
        e.operandSize(width).bytes(0x68).immediate(width, e.random.nextInt() & LOADABLE_FLAGS);
        e.operandSize(width).bytes(0x9d);
    }

    /** EBP points into the stack first: nested frames copy what is there. */
    private static void enter(Emitter e, int width, int level) {
        e.set(EBP, Mode.STACK_TOP - e.random.nextInt(0x400) - e.mode.base(SegmentRegister.SS));
        e.operandSize(width)
                .bytes(0xc8)
                .immediate(2, e.random.nextInt(0x40))
                .immediate(1, level | 0x20 * e.random.nextInt(8));
    }

    private static void leave(Emitter e) {
        e.set(EBP, Mode.STACK_TOP - e.random.nextInt(0x400) - e.mode.base(SegmentRegister.SS));
        e.operandSize(e.wordWidth()).bytes(0xc9);
    }
}
