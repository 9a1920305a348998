package dev.kvmguest.vmm.internal.emulator.differential;

import static dev.kvmguest.vmm.internal.emulator.differential.Emitter.EAX;
import static dev.kvmguest.vmm.internal.emulator.differential.Emitter.ECX;
import static dev.kvmguest.vmm.internal.emulator.differential.Emitter.EDI;
import static dev.kvmguest.vmm.internal.emulator.differential.Emitter.EDX;
import static dev.kvmguest.vmm.internal.emulator.differential.Emitter.ESI;
import static dev.kvmguest.vmm.internal.emulator.differential.Emitter.sized;

import dev.kvmguest.vmm.cpu.SegmentRegister;
import java.util.List;

/** String instructions, with and without REP, upwards and downwards, and ports. */
final class StringTemplates {

    private static final int ADDRESS_SIZE = 0x67;
    private static final int[] REPEATS = {0xf2, 0xf3};
    private static final int CLD = 0xfc;
    private static final int LONGEST = 24;
    /** More than any of these strings has bytes. */
    private static final int ROOM = 0x100;

    private StringTemplates() {}

    static List<Template> all() {
        return List.of(
                Template.of("movs", e -> string(e, 0xa4)),
                Template.of("movs overlapping", StringTemplates::overlapping),
                Template.of("cmps", e -> string(e, 0xa6)),
                Template.of("stos", e -> string(e, 0xaa)),
                Template.of("lods", e -> string(e, 0xac)),
                Template.of("scas", e -> string(e, 0xae)),
                Template.of("ins", e -> string(e.set(EDX, e.number()), 0x6c)),
                Template.of("outs", e -> string(e.set(EDX, e.number()), 0x6e)),
                Template.of("in, out", StringTemplates::port),
                Template.of("in, out dx", StringTemplates::portInDx));
    }

    private static void string(Emitter e, int opcode) {
        int width = e.anyWidth();
        setAddress(e, ESI, SegmentRegister.DS, anywhere(e));
        setAddress(e, EDI, SegmentRegister.ES, anywhere(e));
        execute(e, opcode, width);
    }

    /** Source and destination share bytes, so that the order of the single moves is seen. */
    private static void overlapping(Emitter e) {
        int linear = anywhere(e);
        setAddress(e, ESI, SegmentRegister.DS, linear);
        setAddress(e, EDI, SegmentRegister.ES, linear + e.random.nextInt(16) - 8);
        execute(e, 0xa4, e.anyWidth());
    }

    private static void execute(Emitter e, int opcode, int width) {
        e.bytes(CLD + e.random.nextInt(2));
        if (e.random.nextBoolean()) {
            // Bytes that are equal are rare otherwise.
            e.set(EAX, 0);
        }
        boolean small = e.mode.isWide() == e.random.nextBoolean() && e.mode.isWide();
        if (e.random.nextInt(4) > 0) {
            long count = e.random.nextInt(LONGEST);
            boolean cut = !e.mode.isWide() || small;
            e.set(ECX, cut ? (long) e.random.nextInt() << 16 | count : count);
            e.bytes(REPEATS[e.random.nextInt(2)]);
        }
        if (small) {
            e.bytes(ADDRESS_SIZE);
        }
        e.operandSize(width).bytes(sized(opcode, width));
    }

    private static int anywhere(Emitter e) {
        return Mode.DATA + ROOM + e.random.nextInt(Mode.DATA_END - Mode.DATA - 2 * ROOM);
    }

    private static void setAddress(Emitter e, int register, SegmentRegister segment, int linear) {
        e.set(register, e.offset(segment, linear));
    }

    private static void port(Emitter e) {
        int width = e.anyWidth();
        e.operandSize(width)
                .bytes(sized(e.random.nextBoolean() ? 0xe4 : 0xe6, width))
                .immediate(1, e.random.nextInt(0x100));
    }

    private static void portInDx(Emitter e) {
        int width = e.anyWidth();
        e.set(EDX, e.number()).operandSize(width).bytes(sized(e.random.nextBoolean() ? 0xec : 0xee, width));
    }
}
