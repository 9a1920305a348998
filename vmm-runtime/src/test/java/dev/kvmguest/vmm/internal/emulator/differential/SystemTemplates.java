package dev.kvmguest.vmm.internal.emulator.differential;

import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/** Instructions that show system registers and descriptors. */
final class SystemTemplates {

    private static final Set<Mode> PROTECTED = EnumSet.of(Mode.FLAT, Mode.PAGED, Mode.COMPATIBILITY);

    private static final Set<Mode> IN_RING_0 = EnumSet.of(Mode.REAL, Mode.FLAT, Mode.PAGED);

    private SystemTemplates() {}

    static List<Template> all() {
        return List.of(
                Template.of("sgdt, sidt", e -> e.modRm(e.defaultWidth(), e.memory(6), e.random.nextInt(2), 0x0f, 0x01)),
                Template.of(
                        "mov r,cr", IN_RING_0, e -> e.bytes(0x0f, 0x20, 0xc0 | controlRegister(e) << 3 | e.target(4))),
                Template.of("clts", IN_RING_0, e -> e.bytes(0x0f, 0x06)),
                Template.of("sldt, str", PROTECTED, SystemTemplates::storeSelector),
                Template.of("lar", PROTECTED, SystemTemplates::lar),
                Template.of("lsl", PROTECTED, e -> look(e, e.target(4), 0x03)),
                Template.of("verr, verw", PROTECTED, SystemTemplates::verify),
                Template.of("arpl", PROTECTED, e -> e.modRm(2, e.location(2), e.source(), 0x63)),
                Template.of("bound", SystemTemplates::boundWithin));
    }

    private static int controlRegister(Emitter e) {
        return new int[] {0, 3, 4}[e.random.nextInt(3)];
    }

    private static void storeSelector(Emitter e) {
        Location location = e.location(2);
        int width = location.isMemory() ? e.defaultWidth() : e.wordWidth();
        e.modRm(width, location, e.random.nextInt(2), 0x0f, 0x00);
    }

    /** Selectors up to behind the GDT's end, the null selector among them. */
    private static int selector(Emitter e) {
        return 8 * e.random.nextInt(4) | e.random.nextInt(4);
    }

    /** Bits 16 to 19 of the rights are undefined: they are cleared, and the flags are left alone. */
    private static void lar(Emitter e) {
        int target = e.target(4);
        look(e, target, 0x02);
        e.bytes(0x9c, 0x81, 0xe0 | target).immediate(4, 0xfff0_ffffL).bytes(0x9d);
    }

    private static void look(Emitter e, int target, int opcode) {
        int source = e.target(4);
        e.set(source, selector(e));
        e.modRm(e.wordWidth(), Location.register(source), target, 0x0f, opcode);
    }

    private static void verify(Emitter e) {
        int source = e.target(4);
        e.set(source, selector(e));
        e.modRm(2, Location.register(source), 4 + e.random.nextInt(2), 0x0f, 0x00);
    }

    private static void boundWithin(Emitter e) {
        int width = e.defaultWidth();
        int linear = Mode.DATA + e.random.nextInt(Mode.DATA_END - Mode.DATA - 2 * width);
        e.modRm(width, Location.direct(e, linear), 0, 0xc7).immediate(width, -5);
        e.modRm(width, Location.direct(e, linear + width), 0, 0xc7).immediate(width, 5);
        int index = e.target(4);
        e.set(index, e.random.nextInt(11) - 5);
        e.modRm(width, Location.direct(e, linear), index, 0x62);
    }
}
