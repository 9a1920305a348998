package dev.kvmguest.vmm.internal.emulator.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.DescriptorTable;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.internal.emulator.exec.Descriptors;
import dev.kvmguest.vmm.internal.emulator.exec.EmulatedGuest;
import dev.kvmguest.vmm.internal.engine.VmExit;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Each check on the way to a handler fails once. Vector 6 has a handler of ring 1, so that what is wrong with it doesn't
 * keep ring 0 from handling the exception that follows.
 */
class DeliveryChecksTests {

    private static final int NP = 11;
    private static final int SS = 12;
    private static final int GP = 13;
    private static final int PF = 14;
    private static final int TS = 10;
    private static final int FREE = Descriptors.FREE;
    private static final int FREE_2 = Descriptors.FREE_2;
    private static final int RING_1_CODE = 0x18;
    private static final int RING_1_DATA = 0x21;
    private static final int RING_1_STACK = 0xb000;
    private static final int RING_1_HANDLER = 0x2000;
    private static final int INTERRUPT_GATE = 0xee;
    private static final int INTERRUPT_GATE_16 = 0xe6;
    private static final int OF_RING_1 = 1 << 5;
    private static final int OF_RING_3 = 3 << 5;

    static Stream<Arguments> checks() {
        return Stream.of(
                gateCheck("an empty gate", 0, GP, 0x32),
                gateCheck("a code segment", 0x0000_fa00_0018_2000L, GP, 0x32),
                gateCheck("a call gate", Descriptors.gate(0xec, RING_1_CODE, RING_1_HANDLER), GP, 0x32),
                gateCheck("an LDT", Descriptors.gate(0xe2, RING_1_CODE, RING_1_HANDLER), GP, 0x32),
                gateCheck("not present", Descriptors.gate(0x6e, RING_1_CODE, RING_1_HANDLER), NP, 0x32),
                gateCheck("a task gate that is not present", Descriptors.gate(0x65, 0x48, 0), NP, 0x32),
                codeCheck("null", 0, 0, GP, 0),
                codeCheck("null with an RPL", 3, 0, GP, 0),
                codeCheck("beyond the GDT", 0x70, 0, GP, 0x70),
                codeCheck("in no LDT", RING_1_CODE | 4, 0, GP, RING_1_CODE | 4),
                codeCheck("data", FREE, Descriptors.flat(0x93 | OF_RING_1), GP, FREE),
                codeCheck("a TSS", FREE, Descriptors.segment16(0x8b | OF_RING_1, 0, 0x67), GP, FREE),
                codeCheck("an interrupt gate", FREE, Descriptors.gate(0x8e, 8, 0), GP, FREE),
                codeCheck("not present", FREE, Descriptors.flat(0x1b | OF_RING_1), NP, FREE),
                codeCheck("RPL doesn't count", FREE | 2, Descriptors.flat(0x1b | OF_RING_1), NP, FREE),
                codeCheck("too short", FREE, Descriptors.segment(0x9b | OF_RING_1, 0, RING_1_HANDLER - 1), GP, 0),
                stackCheck("the TSS is too short", guest -> Descriptors.taskLimit(guest, 16), TS, 0x48),
                stackCheck("null", 0, 0, TS, 0),
                stackCheck("null with an RPL", 1, 0, TS, 0),
                stackCheck("beyond the GDT", 0x71, 0, TS, 0x70),
                stackCheck("in no LDT", RING_1_DATA | 4, 0, TS, RING_1_DATA & ~1 | 4),
                stackCheck("RPL 0", FREE, Descriptors.flat(0x93 | OF_RING_1), TS, FREE),
                stackCheck("RPL 2", FREE | 2, Descriptors.flat(0x93 | OF_RING_1), TS, FREE),
                stackCheck("DPL 0", FREE | 1, Descriptors.flat(0x93), TS, FREE),
                stackCheck("DPL 3", FREE | 1, Descriptors.flat(0xf3), TS, FREE),
                stackCheck("read-only", FREE | 1, Descriptors.flat(0x91 | OF_RING_1), TS, FREE),
                stackCheck("code", FREE | 1, Descriptors.flat(0x9b | OF_RING_1), TS, FREE),
                stackCheck("a TSS", FREE | 1, Descriptors.segment16(0x8b | OF_RING_1, 0, 0x67), TS, FREE),
                stackCheck("not present", FREE | 1, Descriptors.flat(0x13 | OF_RING_1), SS, FREE),
                stackCheck("no room", FREE | 1, small(RING_1_STACK - 2), SS, FREE),
                stackCheck("expand-down, no room", FREE | 1, expandDown(RING_1_STACK - 20), SS, FREE));
    }

    private static long small(int limit) {
        return Descriptors.segment(0x93 | OF_RING_1, 0, limit);
    }

    private static long expandDown(int limit) {
        return Descriptors.segment(0x97 | OF_RING_1, 0, limit);
    }

    private static Arguments gateCheck(String name, long gate, int vector, int errorCode) {
        Consumer<EmulatedGuest> damage = guest -> Descriptors.putGate(guest, 6, gate);
        return arguments("gate: " + name, damage, vector, errorCode);
    }

    private static Arguments codeCheck(String name, int selector, long descriptor, int vector, int errorCode) {
        Consumer<EmulatedGuest> damage = guest -> {
            Descriptors.put(guest, FREE, descriptor);
            Descriptors.putGate(guest, 6, Descriptors.gate(INTERRUPT_GATE, selector, RING_1_HANDLER));
        };
        return arguments("code segment: " + name, damage, vector, errorCode);
    }

    private static Arguments stackCheck(String name, int selector, long descriptor, int vector, int errorCode) {
        return stackCheck(
                name,
                guest -> {
                    Descriptors.put(guest, FREE, descriptor);
                    Descriptors.innerStack(guest, 1, selector, RING_1_STACK);
                },
                vector,
                errorCode);
    }

    private static Arguments stackCheck(String name, Consumer<EmulatedGuest> damage, int vector, int errorCode) {
        return arguments("stack: " + name, damage, vector, errorCode);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("checks")
    void softwareInterruptFails(String name, Consumer<EmulatedGuest> damage, int vector, int errorCode) {
        assertFault(ring3(damage), "cd 06", vector, errorCode);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("checks")
    void exceptionFailsWithExt(String name, Consumer<EmulatedGuest> damage, int vector, int errorCode) {
        assertFault(ring3(damage), "0f 0b", vector, errorCode | 1);
    }

    private static EmulatedGuest ring3(Consumer<EmulatedGuest> damage) {
        EmulatedGuest guest = EmulatedGuest.flat(3);
        prepareRing1(guest);
        damage.accept(guest);
        return guest;
    }

    /** What is below the stack pointer ends at 0, and below that is the segment's limit. */
    private static void smallStack(EmulatedGuest guest, int pointer) {
        Descriptors.limit(guest, SegmentRegister.SS, 0xffff);
        guest.set(Register.RSP, pointer);
    }

    private static void prepareRing1(EmulatedGuest guest) {
        Descriptors.innerStack(guest, 1, RING_1_DATA, RING_1_STACK);
        Descriptors.putGate(guest, 6, Descriptors.gate(INTERRUPT_GATE, RING_1_CODE, RING_1_HANDLER));
        // Its handler can't halt.
        guest.put(RING_1_HANDLER, "cd 99");
    }

    private static void assertFault(EmulatedGuest guest, String code, int vector, long errorCode) {
        try (guest) {
            CpuState before = guest.vcpu().state();
            assertThat(guest.run(code)).isInstanceOf(VmExit.Halt.class);
            assertThat(guest.vector()).isEqualTo(vector);
            assertThat(guest.stack(0)).as("error code").isEqualTo(errorCode);
            assertThat(guest.stack(1)).as("EIP").isEqualTo(before.get(Register.RIP));
            assertThat(guest.stack(2))
                    .as("CS")
                    .isEqualTo(before.segment(SegmentRegister.CS).selector());
            assertThat(guest.stack(4)).as("ESP").isEqualTo(before.get(Register.RSP));
            assertThat(guest.stack(5))
                    .as("SS")
                    .isEqualTo(before.segment(SegmentRegister.SS).selector());
        }
    }

    @Test
    void withoutDamageTheHandlerOfRing1Runs() {
        try (EmulatedGuest guest = ring3(g -> {})) {
            guest.run("0f 0b");
            assertThat(guest.vector()).isEqualTo(0x99);
            assertThat(guest.stack(1)).isEqualTo(RING_1_CODE | 1);
            assertThat(guest.stack(3)).isEqualTo(RING_1_STACK - 20);
            assertThat(guest.stack(4)).isEqualTo(RING_1_DATA);
        }
    }

    @Test
    void taskStateSegmentIsJustLongEnough() {
        try (EmulatedGuest guest = ring3(g -> Descriptors.taskLimit(g, 17))) {
            guest.run("0f 0b");
            assertThat(guest.vector()).isEqualTo(0x99);
        }
    }

    @Test
    void handlerMayBeTheLastByteOfItsSegment() {
        try (EmulatedGuest guest = ring3(g -> {
            Descriptors.put(g, FREE, Descriptors.segment(0x9b | OF_RING_1, 0, RING_1_HANDLER));
            Descriptors.putGate(g, 6, Descriptors.gate(INTERRUPT_GATE, FREE, RING_1_HANDLER));
            g.put(RING_1_HANDLER, "cc");
        })) {
            guest.run("0f 0b");
            assertThat(guest.vector()).isEqualTo(3);
            assertThat(guest.stack(1)).isEqualTo(FREE | 1);
        }
    }

    @Test
    void innerStackHasJustEnoughRoom() {
        try (EmulatedGuest guest = ring3(g -> {
            Descriptors.put(g, FREE, expandDown(RING_1_STACK - 21));
            Descriptors.innerStack(g, 1, FREE | 1, RING_1_STACK);
        })) {
            guest.run("0f 0b");
            assertThat(guest.vector()).isEqualTo(0x99);
        }
    }

    @Test
    void vectorBeyondTheTableIsGeneralProtection() {
        assertFault(
                ring3(g -> g.change(s -> s.idt(new DescriptorTable(0x800, 8 * 0x80 + 6)))), "cd 80", GP, 0x80 * 8 + 2);
    }

    @Test
    void gateOfALowerPrivilegeLevelIsForExceptionsOnly() {
        Consumer<EmulatedGuest> ring2Gate =
                g -> Descriptors.putGate(g, 6, Descriptors.gate(0xce, RING_1_CODE, RING_1_HANDLER));
        assertFault(ring3(ring2Gate), "cd 06", GP, 0x32);
        try (EmulatedGuest guest = ring3(ring2Gate)) {
            guest.run("0f 0b");
            assertThat(guest.vector()).isEqualTo(0x99);
        }
    }

    @Test
    void privilegeOfTheGateIsLookedAtBeforePresence() {
        assertFault(ring3(g -> Descriptors.putGate(g, 6, Descriptors.gate(0x0e, 8, 0))), "cd 06", GP, 0x32);
    }

    @Test
    void handlerOfAnOuterLevelIsGeneralProtection() {
        try (EmulatedGuest guest = EmulatedGuest.flat(0)) {
            Descriptors.putGate(guest, 6, Descriptors.gate(INTERRUPT_GATE, 0x38, RING_1_HANDLER));
            guest.run("0f 0b");
            assertThat(guest.vector()).isEqualTo(GP);
            assertThat(guest.stack(0)).isEqualTo(0x39);
        }
    }

    @Test
    void sameLevelWithoutRoomIsStackFaultZero() {
        Consumer<EmulatedGuest> noRoom = guest -> {
            Descriptors.putGate(guest, 6, Descriptors.gate(INTERRUPT_GATE, 0x38, RING_1_HANDLER));
            smallStack(guest, 8);
        };
        assertFault(ring3(noRoom), "cd 06", SS, 0);
        assertFault(ring3(noRoom), "0f 0b", SS, 1);
    }

    @Test
    void sameLevelOfA16BitGateNeedsSixBytes() {
        Consumer<EmulatedGuest> little = guest -> {
            Descriptors.putGate(guest, 6, Descriptors.gate(INTERRUPT_GATE_16, 0x38, RING_1_HANDLER));
            smallStack(guest, 6);
        };
        try (EmulatedGuest guest = ring3(little)) {
            guest.run("cd 06");
            assertThat(guest.vector()).isEqualTo(0x99);
            assertThat(guest.stack(3)).isZero();
        }
        assertFault(ring3(little.andThen(g -> g.set(Register.RSP, 4))), "cd 06", SS, 0);
    }

    @Test
    void errorCodeNeedsRoomToo() {
        // #NP comes from vector 7, which is not present; its handler is of ring 3 and has room for three words only.
        Consumer<EmulatedGuest> noRoom = guest -> {
            Descriptors.putGate(guest, 7, Descriptors.gate(0x6e, 8, 0));
            Descriptors.putGate(guest, NP, Descriptors.gate(INTERRUPT_GATE, 0x38, RING_1_HANDLER));
            smallStack(guest, 12);
        };
        try (EmulatedGuest guest = ring3(noRoom)) {
            guest.run("cd 07");
            assertThat(guest.vector()).as("#NP and #SS are contributory").isEqualTo(8);
        }
    }

    @Test
    void handlerBeyondItsSegmentIsFoundAfterTheStackHasNoRoom() {
        assertFault(
                ring3(guest -> {
                    Descriptors.put(guest, FREE, Descriptors.segment(0x9b | OF_RING_1, 0, 0xff));
                    Descriptors.put(guest, FREE_2, small(0xff));
                    Descriptors.putGate(guest, 6, Descriptors.gate(INTERRUPT_GATE, FREE, RING_1_HANDLER));
                    Descriptors.innerStack(guest, 1, FREE_2 | 1, RING_1_STACK);
                }),
                "cd 06",
                SS,
                FREE_2);
    }

    @Test
    void unmappedInnerStackIsAPageFaultOfTheSupervisor() {
        EmulatedGuest guest = EmulatedGuest.paged(3);
        prepareRing1(guest);
        guest.page(RING_1_STACK - 0x1000, 0);
        assertFault(guest, "0f 0b", PF, 2);
    }

    @Test
    void pageFaultOfAPushNamesTheFirstByteThatIsNotThere() {
        try (EmulatedGuest guest = EmulatedGuest.paged(3)) {
            prepareRing1(guest);
            Descriptors.innerStack(guest, 1, RING_1_DATA, RING_1_STACK + 8);
            guest.page(RING_1_STACK - 0x1000, 0).memory().writeInt(RING_1_STACK + 4, 0x1111);
            guest.run("0f 0b");
            assertThat(guest.vector()).isEqualTo(PF);
            assertThat(guest.get(Register.CR2)).isEqualTo(RING_1_STACK - 4);
            assertThat(guest.memory().readInt(RING_1_STACK + 4))
                    .as("nothing was pushed")
                    .isEqualTo(0x1111);
        }
    }

    @Test
    void sameLevelPushesWithUserRights() {
        EmulatedGuest guest = EmulatedGuest.paged(3);
        Descriptors.putGate(guest, 6, Descriptors.gate(INTERRUPT_GATE, 0x38, RING_1_HANDLER));
        guest.page(0x7000, 0x7000 | 3);
        assertFault(guest, "0f 0b", PF, 7);
    }

    @Test
    void writeProtectedDescriptorTableIsAPageFaultWhenASegmentIsNotAccessedYet() {
        EmulatedGuest guest = EmulatedGuest.paged(3);
        guest.memory().write(0xc000, guest.memory().read(0x500, 0x60));
        guest.memory().writeLong(0xc000 + FREE, Descriptors.flat(0x9a | OF_RING_1));
        guest.change(s -> s.gdt(new DescriptorTable(0xc000, 0x6f))
                .set(Register.CR0, s.build().get(Register.CR0) | 1 << 16));
        prepareRing1(guest);
        Descriptors.putGate(guest, 6, Descriptors.gate(INTERRUPT_GATE, FREE, RING_1_HANDLER));
        guest.page(0xc000, 0xc000 | 1);
        assertFault(guest, "0f 0b", PF, 3);
    }

    @Test
    void alignmentCheckOfPushesIsForUserLevel() {
        Consumer<EmulatedGuest> unaligned = guest -> {
            Descriptors.putGate(guest, 6, Descriptors.gate(INTERRUPT_GATE, 0x38, RING_1_HANDLER));
            guest.change(s -> s.set(Register.CR0, s.build().get(Register.CR0) | 1 << 18));
            guest.flags(1 << 18).set(Register.RSP, 0x7ffe);
        };
        assertFault(ring3(unaligned), "0f 0b", 17, 0);
        try (EmulatedGuest guest = ring3(unaligned.andThen(
                g -> Descriptors.putGate(g, 17, Descriptors.gate(INTERRUPT_GATE, 0x38, RING_1_HANDLER))))) {
            assertThat(guest.run("0f 0b"))
                    .isInstanceOfSatisfying(VmExit.UnsupportedInstruction.class, exit -> assertThat(exit.reason())
                            .isEqualTo("exceptions whose delivery raises each other without end"));
        }
    }

    @Test
    void descriptorsOfRing3HandlersMayBeInTheLocalTable() {
        try (EmulatedGuest guest = ring3(g -> {
            Descriptors.local(g, 0xc000, 0xf);
            g.memory().writeLong(0xc008, Descriptors.flat(0x9b | OF_RING_3));
            Descriptors.putGate(g, 6, Descriptors.gate(INTERRUPT_GATE, 0xc, RING_1_HANDLER));
        })) {
            guest.run("0f 0b");
            assertThat(guest.vector()).isEqualTo(0x99);
            assertThat(guest.stack(1)).isEqualTo(0xf);
        }
    }
}
