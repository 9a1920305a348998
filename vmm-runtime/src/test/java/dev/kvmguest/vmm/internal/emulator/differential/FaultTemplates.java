package dev.kvmguest.vmm.internal.emulator.differential;

import static dev.kvmguest.vmm.internal.emulator.differential.Emitter.EAX;
import static dev.kvmguest.vmm.internal.emulator.differential.Emitter.EBX;
import static dev.kvmguest.vmm.internal.emulator.differential.Emitter.ECX;
import static dev.kvmguest.vmm.internal.emulator.differential.Emitter.EDI;
import static dev.kvmguest.vmm.internal.emulator.differential.Emitter.EDX;
import static dev.kvmguest.vmm.internal.emulator.differential.Emitter.ESI;
import static dev.kvmguest.vmm.internal.emulator.differential.Emitter.ESP;
import static dev.kvmguest.vmm.internal.emulator.differential.Emitter.sized;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.function.Consumer;

/** Instructions that end a program in an exception's handler. */
final class FaultTemplates {

    /** What needs segments of 64 KiB. */
    private static final List<String> REAL_ONLY = List.of("#GP", "#SS", "#BR");

    private FaultTemplates() {}

    static List<Template> all() {
        List<Template> all = new ArrayList<>();
        add(all, "#DE by div of 0", e -> divide(e, 6, 0, e.number()));
        add(all, "#DE by idiv of 0", e -> divide(e, 7, 0, e.number()));
        add(all, "#DE by quotient of div", e -> divide(e, 6, 1, 0xffff_ffffL));
        add(all, "#DE by quotient of idiv", e -> divide(e, 7, 1, 0x7fff_7fffL));
        add(all, "#DE by aam", e -> e.bytes(0xd4, 0));
        add(all, "#BR", FaultTemplates::bound);
        add(all, "#BP", e -> e.bytes(0xcc));
        add(all, "#OF", FaultTemplates::overflow);
        add(all, "int 0x30 to 0x7f", e -> e.bytes(0xcd, 0x30 + e.random.nextInt(0x50)));
        add(all, "int 0x80 to 0xff", e -> e.bytes(0xcd, 0x80 + e.random.nextInt(0x80)));
        undefinedOpcode(all, "ud2", 0x0f, 0x0b);
        undefinedOpcode(all, "ud0", 0x0f, 0xff, 0xc0);
        undefinedOpcode(all, "ud1", 0x0f, 0xb9, 0xc0);
        undefinedOpcode(all, "lock nop", 0xf0, 0x90);
        undefinedOpcode(all, "lock add r,r", 0xf0, 0x01, 0xc8);
        add(all, "#UD by lock cmp m,r", e -> locked(e, ECX, 0x39));
        add(all, "#UD by lock mov m,r", e -> locked(e, ECX, 0x89));
        add(all, "#UD by lock bt m,imm", e -> locked(e, 4, 0x0f, 0xba).bytes(1));
        undefinedOpcode(all, "mov cs,ax", 0x8e, 0xc8);
        undefinedOpcode(all, "mov segment 6", 0x8e, 0xf0);
        undefinedOpcode(all, "mov from segment 7", 0x8c, 0xf8);
        undefinedOpcode(all, "lea r,r", 0x8d, 0xc3);
        undefinedOpcode(all, "les r,r", 0xc4, 0xc3);
        undefinedOpcode(all, "bound r,r", 0x62, 0xc3);
        undefinedOpcode(all, "pop r/m extension", 0x8f, 0xc8);
        undefinedOpcode(all, "mov r/m extension", 0xc6, 0xc8, 0x00);
        undefinedOpcode(all, "inc r/m extension", 0xfe, 0xd0);
        undefinedOpcode(all, "push r/m extension", 0xff, 0xf8);
        undefinedOpcode(all, "jmp far r", 0xff, 0xe8);
        undefinedOpcode(all, "bt extension", 0x0f, 0xba, 0xc0, 0x01);
        undefinedOpcode(all, "cmpxchg8b r", 0x0f, 0xc7, 0xc8);
        undefinedOpcode(all, "sldt in real mode", 0x0f, 0x00, 0xc0);
        undefinedOpcode(all, "lar in real mode", 0x0f, 0x02, 0xc1);
        undefinedOpcode(all, "arpl in real mode", 0x63, 0xc1);
        undefinedOpcode(all, "mov cr1", 0x0f, 0x22, 0xc8);
        add(all, "16 bytes", e -> e.bytes(0x2e, 0x2e, 0x2e, 0x2e, 0x2e, 0x2e, 0x2e, 0x2e, 0x2e, 0x2e, 0x2e, 0x2e)
                .bytes(0x2e, 0x2e, 0x2e, 0x90));
        add(all, "#GP by read", e -> atTheLimit(e, 0x8b, EBX));
        add(all, "#GP by write", e -> atTheLimit(e, 0x89, EBX));
        add(all, "#GP by update", e -> atTheLimit(e, 0x01, EBX));
        add(all, "#SS by read", e -> atTheLimit(e, 0x8b, Emitter.EBP));
        add(all, "#SS by write", e -> atTheLimit(e, 0x89, Emitter.EBP));
        add(all, "#GP by 32-bit address", FaultTemplates::wideAddress);
        add(all, "#GP by string", FaultTemplates::string);
        add(all, "#GP by repeated string", FaultTemplates::repeatedString);
        add(all, "#SS by pop", e -> e.set(ESP, 0xffff).bytes(0x58 + EBX));
        add(all, "#GP by fetch", e -> e.bytes(0xea, 0xff, 0xff, 0x00, 0x08));
        all.addAll(ProtectedFaultTemplates.all());
        all.addAll(LongTemplates.faults());
        return all;
    }

    /** Adds one for all modes, or for real mode if it needs a segment of 64 KiB. */
    private static void add(List<Template> all, String name, Consumer<Emitter> emit) {
        boolean real = REAL_ONLY.stream().anyMatch(name::startsWith) || name.endsWith("in real mode");
        all.add(Template.of(name, real ? EnumSet.of(Mode.REAL) : Mode.OF_32_BITS, emit));
    }

    private static void undefinedOpcode(List<Template> all, String name, int... bytes) {
        add(all, "#UD by " + name, e -> e.bytes(bytes));
    }

    private static Emitter locked(Emitter e, int field, int... opcode) {
        return e.bytes(0xf0).modRm(e.defaultWidth(), Location.direct(e, Mode.DATA + 0x1000), field, opcode);
    }

    private static void divide(Emitter e, int extension, long divisor, long dividend) {
        int width = e.anyWidth();
        e.set(EAX, dividend).set(EDX, dividend).set(ECX, divisor);
        e.modRm(width, Location.register(ECX), extension, sized(0xf6, width));
    }

    /** The bounds are 0x100 and 0x200; the index is one outside, or another. */
    private static void bound(Emitter e) {
        int linear = Mode.DATA + e.random.nextInt(Mode.DATA_END - Mode.DATA - 8);
        Location upper = Location.direct(e, linear + 2);
        Location bounds = Location.direct(e, linear);
        e.modRm(2, bounds, 0, 0xc7).immediate(2, 0x100);
        e.modRm(2, upper, 0, 0xc7).immediate(2, 0x200);
        e.set(ECX, new int[] {0xff, 0x201, 0x8000, 0x7fff}[e.random.nextInt(4)]);
        e.modRm(2, bounds, ECX, 0x62);
    }

    private static void overflow(Emitter e) {
        // 0x7f + 1 overflows.
        e.bytes(0xb0, 0x7f, 0xfe, 0xc0, 0xce);
    }

    /** The last byte of a word, or the last three of a doubleword, is behind the segment's limit. */
    private static void atTheLimit(Emitter e, int opcode, int base) {
        int width = e.wordWidth();
        e.set(base, 0x1_0000 - 1 - e.random.nextInt(width - 1));
        int[] tail = {base == EBX ? 0x07 : 0x46, 0};
        Location location = new Location(new int[0], base == EBX ? new int[] {tail[0]} : tail, true);
        e.modRm(width, location, e.target(width), opcode);
    }

    private static void wideAddress(Emitter e) {
        e.set(EBX, 0x1_0000 + Math.abs(e.random.nextInt() >> 1));
        e.modRm(1, new Location(new int[] {0x67}, new int[] {EBX}, true), EAX, 0x8a);
    }

    private static void string(Emitter e) {
        e.set(ESI, 0xffff).set(EDI, 0x1000).bytes(0xfc, new int[] {0xa5, 0xad, 0xa7}[e.random.nextInt(3)]);
    }

    /** Some iterations are done before one faults. */
    private static void repeatedString(Emitter e) {
        e.set(ESI, 0xfff7).set(EDI, 0x1000).set(ECX, 0x20).bytes(0xfc, 0xf3, 0xa5 + 8 * e.random.nextInt(2));
    }
}
