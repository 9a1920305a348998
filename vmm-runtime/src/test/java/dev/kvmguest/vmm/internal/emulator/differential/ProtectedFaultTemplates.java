package dev.kvmguest.vmm.internal.emulator.differential;

import static dev.kvmguest.vmm.internal.emulator.differential.Emitter.EAX;
import static dev.kvmguest.vmm.internal.emulator.differential.Emitter.EBX;
import static dev.kvmguest.vmm.internal.emulator.differential.Emitter.ECX;
import static dev.kvmguest.vmm.internal.emulator.differential.Emitter.EDI;
import static dev.kvmguest.vmm.internal.emulator.differential.Emitter.ESI;

import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/** Instructions that end a program of protected mode in an exception's handler, most of them with an error code. */
final class ProtectedFaultTemplates {

    private static final Set<Mode> PROTECTED = EnumSet.of(Mode.FLAT, Mode.PAGED);
    private static final Set<Mode> PAGED = EnumSet.of(Mode.PAGED);

    private static final int[] DATA_SEGMENT_REGISTERS = {0, 3, 4, 5};
    private static final int SS = 2;
    /** PG without PE, NW without CD. */
    private static final int[] INVALID_CR0 = {0x8000_0010, 0x2000_0011};

    private ProtectedFaultTemplates() {}

    static List<Template> all() {
        return List.of(
                Template.of("#GP by null segment", PROTECTED, ProtectedFaultTemplates::nullSegment),
                Template.of("#GP by selector", PROTECTED, e -> loadSegment(e, dataSegmentRegister(e), beyond(e))),
                Template.of("#GP by null ss", PROTECTED, e -> loadSegment(e, SS, e.random.nextInt(4))),
                Template.of("#GP by ss", PROTECTED, e -> loadSegment(e, SS, beyond(e))),
                Template.of("#GP by code in ss", PROTECTED, e -> loadSegment(e, SS, Mode.CODE_SELECTOR)),
                Template.of("#GP by jmp far", PROTECTED, e -> e.bytes(0xea)
                        .immediate(4, 0)
                        .immediate(2, beyond(e))),
                Template.of("#GP by call far to data", PROTECTED, e -> e.bytes(0x9a)
                        .immediate(4, 0)
                        .immediate(2, Mode.DATA_SELECTOR)),
                Template.of("#GP by retf", PROTECTED, e -> e.bytes(0x68)
                        .immediate(4, beyond(e))
                        .bytes(0x6a, 0, 0xcb)),
                Template.of("#GP by iret", PROTECTED, e -> e.bytes(0x6a, 2, 0x9d, 0x6a, 2, 0x68)
                        .immediate(4, beyond(e))
                        .bytes(0x6a, 0, 0xcf)),
                Template.of("#GP by lldt", PROTECTED, e -> e.set(EAX, beyond(e)).bytes(0x0f, 0x00, 0xd0)),
                Template.of("#GP by ltr", PROTECTED, e -> e.set(EAX, beyond(e)).bytes(0x0f, 0x00, 0xd8)),
                Template.of("#GP by mov cr0", PROTECTED, e -> e.set(EAX, INVALID_CR0[e.random.nextInt(2)])
                        .bytes(0x0f, 0x22, 0xc0)),
                Template.of("#PF by read", PAGED, e -> access(e, 0x8a)),
                Template.of("#PF by write", PAGED, e -> access(e, 0x88)),
                Template.of("#PF by update", PAGED, e -> access(e, 0x00)),
                Template.of(
                        "#PF by lock update", PAGED, e -> e.set(EBX, absent(e)).bytes(0xf0, 0x01, 0x03)),
                Template.of("#PF by the second page", PAGED, ProtectedFaultTemplates::secondPage),
                Template.of("#PF by push m", PAGED, e -> e.set(EBX, absent(e)).bytes(0xff, 0x33)),
                Template.of("#PF by pop m", PAGED, e -> e.set(EBX, absent(e)).bytes(0x8f, 0x03)),
                Template.of("#PF by jmp", PAGED, e -> e.set(EBX, absent(e)).bytes(0xff, 0xe3)),
                Template.of("#PF by call", PAGED, e -> e.set(EBX, absent(e)).bytes(0xff, 0xd3)),
                Template.of("#PF by repeated movs", PAGED, ProtectedFaultTemplates::repeatedMove),
                Template.of("#PF by repeated stos", PAGED, e -> e.set(EDI, Mode.MEMORY - 8 - e.random.nextInt(8))
                        .set(ECX, 0x20)
                        .bytes(0xfc, 0xf3, 0xaa)));
    }

    private static int dataSegmentRegister(Emitter e) {
        return DATA_SEGMENT_REGISTERS[e.random.nextInt(DATA_SEGMENT_REGISTERS.length)];
    }

    /** Returns a selector behind the GDT's limit. */
    private static int beyond(Emitter e) {
        return Mode.DATA_SELECTOR + 8 + e.random.nextInt(0xf000);
    }

    private static void loadSegment(Emitter e, int register, int selector) {
        e.set(EAX, selector).bytes(0x8e, 0xc0 | register << 3 | EAX);
    }

    private static void nullSegment(Emitter e) {
        loadSegment(e, 0, e.random.nextInt(4));
        e.bytes(0x26).bytes(e.random.nextBoolean() ? 0x8b : 0x89, 0x0d).immediate(4, Mode.DATA);
    }

    /** Returns a linear address whose page, or whose page table, is not present. */
    private static long absent(Emitter e) {
        return e.random.nextBoolean()
                ? Mode.MEMORY + e.random.nextInt(0x30_0000)
                : 0x40_0000L + (e.random.nextInt() & 0x3fff_ffff);
    }

    private static void access(Emitter e, int opcode) {
        int width = e.anyWidth();
        e.set(EBX, absent(e)).operandSize(width).bytes(Emitter.sized(opcode, width), ECX << 3 | EBX);
    }

    /** The first bytes are in the last page that is present. */
    private static void secondPage(Emitter e) {
        e.set(EBX, Mode.MEMORY - 1 - e.random.nextInt(3)).bytes(e.random.nextBoolean() ? 0x8b : 0x89, ECX << 3 | EBX);
    }

    private static void repeatedMove(Emitter e) {
        e.set(ESI, Mode.MEMORY - 16 - e.random.nextInt(16))
                .set(EDI, Mode.DATA)
                .set(ECX, 0x20)
                .bytes(0xfc, 0xf3, 0xa5);
    }
}
