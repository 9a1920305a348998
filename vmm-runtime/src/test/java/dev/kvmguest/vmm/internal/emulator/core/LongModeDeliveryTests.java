package dev.kvmguest.vmm.internal.emulator.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.DescriptorTable;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.internal.emulator.exec.Descriptors;
import dev.kvmguest.vmm.internal.emulator.exec.EmulatedGuest;
import dev.kvmguest.vmm.internal.engine.VmExit;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What an interrupt or exception of long mode pushes, which stack it is given, and each check on the way (6.14). */
class LongModeDeliveryTests {

    private static final String UD2 = "0f 0b";
    private static final long HANDLER = 0x1000;
    private static final int IST_1 = 0x24;
    private static final int OTHER_STACK = 0xa000;
    private static final int VECTOR = 6;
    private static final int NP = 11;
    private static final int SS = 12;
    private static final int GP = 13;
    private static final int TS = 10;
    private static final long NOT_CANONICAL = 0x8000_0000_0000L;

    @Test
    void frameHasFiveWordsOfEightBytesOnTheAlignedStack() {
        try (EmulatedGuest guest = EmulatedGuest.long64(0)) {
            guest.set(Register.RSP, EmulatedGuest.STACK - 5).run(UD2);

            assertThat(guest.vector()).isEqualTo(VECTOR);
            assertThat(guest.get(Register.RSP)).isEqualTo(EmulatedGuest.STACK - 16 - 5 * 8);
            assertThat(guest.stack64(0)).isEqualTo(EmulatedGuest.CODE);
            assertThat(guest.stack64(1)).isEqualTo(0x08);
            assertThat(guest.stack64(2)).as("RF is set for a fault").isEqualTo(0x1_0002);
            assertThat(guest.stack64(3)).isEqualTo(EmulatedGuest.STACK - 5);
            assertThat(guest.stack64(4)).isEqualTo(0x10);
            assertThat(guest.vcpu().state().segment(SegmentRegister.SS).selector())
                    .as("SS stays in the same ring")
                    .isEqualTo(0x10);
        }
    }

    @Test
    void errorCodeComesBelowTheFrame() {
        try (EmulatedGuest guest = EmulatedGuest.long64(0)) {
            guest.run("8e d8"); // mov ds, ax

            assertThat(guest.vector()).isEqualTo(-1);

            guest.set(Register.RIP, EmulatedGuest.CODE).set(Register.RAX, 0x60).run("8e d8"); // mov ds, ax

            assertThat(guest.vector()).isEqualTo(GP);
            assertThat(guest.stack64(0)).isEqualTo(0x60);
            assertThat(guest.stack64(1)).isEqualTo(EmulatedGuest.CODE);
        }
    }

    @Test
    void innerRingGetsItsStackFromTheTssAndANullSs() {
        try (EmulatedGuest guest = EmulatedGuest.long64(3)) {
            guest.run("cd 06"); // int 6

            CpuState state = guest.vcpu().state();
            assertThat(guest.vector()).isEqualTo(VECTOR);
            assertThat(state.get(Register.RSP)).isEqualTo(0x3000 - 5 * 8);
            assertThat(state.segment(SegmentRegister.SS).selector()).isZero();
            assertThat(state.segment(SegmentRegister.SS).isUnusable()).isTrue();
            assertThat(state.segment(SegmentRegister.CS).selector()).isEqualTo(0x08);
            assertThat(guest.stack64(0)).isEqualTo(EmulatedGuest.CODE + 2);
            assertThat(guest.stack64(1)).isEqualTo(0x3b);
            assertThat(guest.stack64(3)).isEqualTo(EmulatedGuest.STACK);
            assertThat(guest.stack64(4)).isEqualTo(0x43);
        }
    }

    @Test
    void interruptStackTableIsUsedInTheSameRingToo() {
        try (EmulatedGuest guest = EmulatedGuest.long64(0)) {
            gate(guest, VECTOR, 0x8e, 0x08, HANDLER + VECTOR, 3);
            interruptStack(guest, 3, OTHER_STACK + 8);
            guest.run(UD2);

            assertThat(guest.get(Register.RSP)).isEqualTo(OTHER_STACK - 5 * 8);
            assertThat(guest.stack64(3)).isEqualTo(EmulatedGuest.STACK);
        }
    }

    @Test
    void compatibilityModeIsInterruptedByA64BitHandlerInTheUpperHalf() {
        try (EmulatedGuest guest = EmulatedGuest.long64(3)) {
            gate(guest, VECTOR, 0xee, 0x08, 0xffff_ffff_c000_0000L + HANDLER + VECTOR, 0);
            guest.change(state -> state.segment(SegmentRegister.CS, SegmentState.flatCode(0x3b)));
            guest.run(UD2);

            assertThat(guest.get(Register.RIP)).isEqualTo(0xffff_ffff_c000_0000L + HANDLER + VECTOR + 1);
            assertThat(guest.vcpu().state().code64()).isTrue();
        }
    }

    @Test
    void trapGateLeavesInterruptsOn() {
        try (EmulatedGuest guest = EmulatedGuest.long64(0)) {
            gate(guest, VECTOR, 0x8f, 0x08, HANDLER + VECTOR, 0);
            guest.flags(CpuState.EFLAGS_IF).run(UD2);

            assertThat(guest.vcpu().state().interruptsEnabled()).isTrue();
        }
    }

    static Stream<Arguments> checks() {
        return Stream.of(
                check("the IDT ends within the gate", GP, 0x32, guest -> idtLimit(guest, 16 * 7 - 2)),
                check("an empty gate", GP, 0x32, guest -> gate(guest, VECTOR, 0, 0, 0, 0)),
                check("a 16-bit gate", GP, 0x32, guest -> gate(guest, VECTOR, 0x86, 0x18, 0, 0)),
                check("a task gate", GP, 0x32, guest -> gate(guest, VECTOR, 0x85, 0x48, 0, 0)),
                check("a call gate", GP, 0x32, guest -> gate(guest, VECTOR, 0x8c, 0x18, 0, 0)),
                check("not present", NP, 0x32, guest -> gate(guest, VECTOR, 0x0e, 0x18, 0, 0)),
                check("a null code segment", GP, 0, guest -> gate(guest, VECTOR, 0x8e, 3, 0, 0)),
                check("data", GP, 0x10, guest -> gate(guest, VECTOR, 0x8e, 0x10, 0, 0)),
                check("code of ring 3", GP, 0x38, guest -> gate(guest, VECTOR, 0x8e, 0x38, 0, 0)),
                check("32-bit code", GP, Descriptors.FREE, guest -> {
                    Descriptors.put(guest, Descriptors.FREE, Descriptors.flat(Descriptors.CODE));
                    gate(guest, VECTOR, 0x8e, Descriptors.FREE, HANDLER, 0);
                }),
                check("code with L and D", GP, Descriptors.FREE, guest -> {
                    Descriptors.put(guest, Descriptors.FREE, Descriptors.flat(Descriptors.CODE) | 1L << 53);
                    gate(guest, VECTOR, 0x8e, Descriptors.FREE, HANDLER, 0);
                }),
                check(
                        "an address that is not canonical",
                        GP,
                        0,
                        guest -> gate(guest, VECTOR, 0x8e, 0x08, NOT_CANONICAL, 0)),
                check("the TSS ends within the interrupt stack", TS, 0x48, guest -> {
                    gate(guest, VECTOR, 0x8e, 0x08, HANDLER, 1);
                    Descriptors.taskLimit(guest, IST_1 + 6);
                }),
                check("an interrupt stack that is not canonical", SS, 0, guest -> {
                    gate(guest, VECTOR, 0x8e, 0x08, HANDLER, 1);
                    interruptStack(guest, 1, NOT_CANONICAL + 0x100);
                }));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("checks")
    void whatKeepsFromAHandlerIsTheNextException(String what, int vector, int code, Consumer<EmulatedGuest> set) {
        try (EmulatedGuest guest = EmulatedGuest.long64(0)) {
            set.accept(guest);
            if (guest.vcpu().state().idt().limit() < 0xfff) {
                // The handler of #GP is beyond the limit, too: only what follows from both is seen.
                assertThat(guest.run(UD2)).isInstanceOf(VmExit.Shutdown.class);
                return;
            }
            guest.run(UD2);

            assertThat(guest.vector()).isEqualTo(vector);
            // Selectors of the table and of events have no EXT bit here: #UD is an exception, which sets it.
            assertThat(guest.stack64(0)).isEqualTo(code | 1);
            assertThat(guest.stack64(1)).as("the instruction").isEqualTo(EmulatedGuest.CODE);
        }
    }

    @Test
    void gateMustLetSoftwareIn() {
        try (EmulatedGuest guest = EmulatedGuest.long64(3)) {
            gate(guest, VECTOR, 0x8e, 0x08, HANDLER, 0);
            guest.run("cd 06"); // int 6

            assertThat(guest.vector()).isEqualTo(GP);
            assertThat(guest.stack64(0)).isEqualTo(0x32);
        }
    }

    private static Arguments check(String what, int vector, int code, Consumer<EmulatedGuest> set) {
        return arguments(what, vector, code, set);
    }

    private static void gate(EmulatedGuest guest, int vector, int access, int selector, long offset, int stack) {
        long address = guest.vcpu().state().idt().base() + 16L * vector;
        guest.memory()
                .writeLong(address, Descriptors.gate(access, selector, offset & 0xffff_ffffL) | (long) stack << 32);
        guest.memory().writeLong(address + 8, offset >>> 32);
    }

    private static void interruptStack(EmulatedGuest guest, int number, long pointer) {
        long tss = guest.vcpu().state().segment(SegmentRegister.TR).base();
        guest.memory().writeLong(tss + IST_1 + 8L * (number - 1), pointer);
    }

    private static void idtLimit(EmulatedGuest guest, int limit) {
        DescriptorTable idt = guest.vcpu().state().idt();
        guest.change(state -> state.idt(new DescriptorTable(idt.base(), limit)));
    }
}
