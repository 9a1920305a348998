package dev.kvmguest.vmm.internal.emulator.differential;

import static dev.kvmguest.vmm.internal.emulator.differential.Emitter.EAX;
import static dev.kvmguest.vmm.internal.emulator.differential.Emitter.EBX;
import static dev.kvmguest.vmm.internal.emulator.differential.Emitter.sized;

import dev.kvmguest.vmm.cpu.SegmentRegister;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;

/** Moves and conversions, and instructions on flags. */
final class DataTemplates {

    private static final SegmentRegister[] SEGMENTS = {
        SegmentRegister.ES,
        SegmentRegister.CS,
        SegmentRegister.SS,
        SegmentRegister.DS,
        SegmentRegister.FS,
        SegmentRegister.GS
    };
    /** The numbers of the segment registers that a far pointer can be loaded into, and the opcodes. */
    private static final int[][] FAR_LOADS = {{0, 0xc4}, {3, 0xc5}, {2, 0x0fb2}, {4, 0x0fb4}, {5, 0x0fb5}};

    private static final int[] LOADABLE = {0, 2, 3, 4, 5};

    private DataTemplates() {}

    static List<Template> all() {
        List<Template> all = new ArrayList<>(List.of(
                Template.of("mov", DataTemplates::mov),
                Template.of("movzx", e -> extend(e, 0xb6)),
                Template.of("movsx", e -> extend(e, 0xbe)),
                Template.of("xchg", DataTemplates::xchg),
                Template.of("bswap", e -> e.operandSize(4).bytes(0x0f, 0xc8 + e.target(4))),
                Template.of("lea", DataTemplates::lea),
                Template.of("xlatb", DataTemplates::xlatb),
                Template.of("cbw", e -> e.operandSize(e.wordWidth()).bytes(0x98)),
                Template.of("cwd", e -> e.operandSize(e.wordWidth()).bytes(0x99)),
                Template.of("salc", e -> e.bytes(0xd6)),
                Template.of("setcc", DataTemplates::setcc),
                Template.of("cmovcc", DataTemplates::cmovcc),
                Template.of("lahf", e -> e.bytes(0x9f)),
                Template.of("sahf", e -> e.bytes(0x9e)),
                Template.of("carry flag", e -> e.bytes(new int[] {0xf5, 0xf8, 0xf9}[e.random.nextInt(3)])),
                Template.of("nop", DataTemplates::nop),
                Template.of("mov r/m,segment", DataTemplates::movFromSegment),
                Template.of("mov segment,r/m", DataTemplates::movToSegment),
                Template.of("load far pointer", DataTemplates::loadFarPointer),
                Template.of("smsw", DataTemplates::smsw)));
        all.add(Template.of("cli, sti", EnumSet.of(Mode.REAL), e -> e.bytes(0xfa + e.random.nextInt(2))));
        return all;
    }

    private static void mov(Emitter e) {
        int width = e.anyWidth();
        switch (e.random.nextInt(5)) {
            case 0 -> e.modRm(width, e.location(width), e.source(), sized(0x88, width));
            case 1 -> e.modRm(width, e.location(width), e.target(width), sized(0x8a, width));
            case 2 ->
                e.operandSize(width)
                        .bytes((width == 1 ? 0xb0 : 0xb8) + e.target(width))
                        .immediate(width, e.number());
            case 3 -> e.modRm(width, e.location(width), 0, sized(0xc6, width)).immediate(width, e.number());
            default -> {
                int linear = Mode.DATA + e.random.nextInt(Mode.DATA_END - Mode.DATA - 4);
                e.operandSize(width)
                        .bytes(sized(e.random.nextBoolean() ? 0xa0 : 0xa2, width))
                        .immediate(e.defaultWidth(), e.offset(SegmentRegister.DS, linear));
            }
        }
    }

    private static void extend(Emitter e, int opcode) {
        int width = e.wordWidth();
        int from = e.random.nextInt(2);
        e.modRm(width, e.location(1 + from), e.target(width), 0x0f, opcode + from);
    }

    private static void xchg(Emitter e) {
        int width = e.anyWidth();
        if (width > 1 && e.random.nextBoolean()) {
            e.operandSize(width).bytes(0x90 + e.target(width));
        } else {
            Location location = e.location(width);
            e.maybeLock(location).modRm(width, location, e.target(width), sized(0x86, width));
        }
    }

    private static void lea(Emitter e) {
        int width = e.wordWidth();
        e.modRm(width, e.memory(1), e.target(width), 0x8d);
    }

    private static void xlatb(Emitter e) {
        int linear = Mode.DATA + e.random.nextInt(Mode.DATA_END - Mode.DATA - 0x100);
        e.set(EBX, e.offset(SegmentRegister.DS, linear)).bytes(0xd7);
    }

    private static void setcc(Emitter e) {
        e.modRm(1, e.location(1), 0, 0x0f, 0x90 + e.random.nextInt(16));
    }

    private static void cmovcc(Emitter e) {
        int width = e.wordWidth();
        e.modRm(width, e.location(width), e.target(width), 0x0f, 0x40 + e.random.nextInt(16));
    }

    private static void nop(Emitter e) {
        if (e.random.nextBoolean()) {
            e.bytes(0x90);
        } else {
            e.modRm(e.wordWidth(), e.location(4), 0, 0x0f, 0x1f);
        }
    }

    private static void movFromSegment(Emitter e) {
        Location location = e.location(2);
        int width = location.isMemory() ? e.defaultWidth() : e.wordWidth();
        e.modRm(width, location, e.random.nextInt(6), 0x8c);
    }

    /** Loads another value, where there can be one, reads through it, and restores it. */
    private static void movToSegment(Emitter e) {
        int number = LOADABLE[e.random.nextInt(LOADABLE.length)];
        if (!e.mode.isWide() && number != 2) {
            // Not beyond RAM.
            e.set(EAX, e.number() & ~0xf000L).bytes(0x8e, 0xc0 | number << 3);
            e.bytes(new int[] {0x26, 0, 0, 0x3e, 0x64, 0x65}[number], 0x8a, 0x0e, 0x34, 0x12);
        }
        e.set(EAX, e.number() << 16 | e.mode.selector(SEGMENTS[number])).bytes(0x8e, 0xc0 | number << 3);
    }

    private static void loadFarPointer(Emitter e) {
        int[] load = FAR_LOADS[e.random.nextInt(FAR_LOADS.length)];
        int width = e.wordWidth();
        int linear = Mode.DATA + e.random.nextInt(Mode.DATA_END - Mode.DATA - 6);
        // The selector first, into the data, behind the offset.
        Location selector = Location.direct(e, linear + width);
        e.modRm(2, selector, 0, 0xc7).immediate(2, e.mode.selector(SEGMENTS[load[0]]));
        Location pointer = Location.exactly(e, linear);
        int target = e.target(width);
        if (load[1] > 0xff) {
            e.modRm(width, pointer, target, 0x0f, load[1] & 0xff);
        } else {
            e.modRm(width, pointer, target, load[1]);
        }
    }

    private static void smsw(Emitter e) {
        Location location = e.location(2);
        int width = location.isMemory() ? e.defaultWidth() : e.wordWidth();
        e.modRm(width, location, 4, 0x0f, 0x01);
    }
}
