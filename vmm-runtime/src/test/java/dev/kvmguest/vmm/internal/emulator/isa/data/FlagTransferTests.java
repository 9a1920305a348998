package dev.kvmguest.vmm.internal.emulator.isa.data;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.internal.emulator.exec.EmulatedGuest;
import dev.kvmguest.vmm.internal.engine.VmExit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FlagTransferTests {

    private static final int GP = 13;
    private static final int IF = 0x200;

    @ParameterizedTest
    @CsvSource({
        "f8, 8d7, 8d6",
        "f9, 8d6, 8d7",
        "f5, 8d6, 8d7",
        "f5, 8d7, 8d6",
        "fc, 402, 2",
        "fd, 2, 402",
        "fa, 202, 2",
        "fb, 2, 202",
        "b4ff9e, 802, 8d7",
        "b4009e, 8d7, 802"
    })
    void flagsAfterwards(String code, String before, String after) {
        try (EmulatedGuest guest = EmulatedGuest.flat(0)) {
            guest.flags(Long.parseLong(before, 16)).run(code);

            assertThat(guest.get(Register.RFLAGS)).isEqualTo(Long.parseLong(after, 16));
        }
    }

    @Test
    void lahfLoadsTheLowByteOfTheFlags() {
        try (EmulatedGuest guest = EmulatedGuest.flat(0)) {
            guest.set(Register.RAX, 0x12345678).flags(0x8d5).run("9f");

            assertThat(guest.get(Register.RAX)).isEqualTo(0x1234d778);
        }
    }

    @ParameterizedTest
    @CsvSource({"0, 0, true", "1, 0, false", "1, 1, true", "2, 1, false", "3, 2, false", "3, 3, true"})
    void interruptFlagNeedsThePrivilegeOfIopl(int ring, int iopl, boolean allowed) {
        for (String code : new String[] {"fa", "fb"}) {
            try (EmulatedGuest guest = EmulatedGuest.flat(ring)) {
                boolean set = code.equals("fb");
                guest.flags(iopl << 12 | (set ? 0 : IF))
                        .put(EmulatedGuest.CODE, code)
                        .step();

                if (allowed) {
                    assertThat(guest.get(Register.RFLAGS) & IF).isEqualTo(set ? IF : 0);
                } else {
                    assertThat(guest.run()).isInstanceOf(VmExit.Halt.class);
                    assertThat(guest.vector()).isEqualTo(GP);
                    assertThat(guest.stack(0)).isZero();
                }
            }
        }
    }

    @Test
    void interruptWaitsForTheInstructionBehindStiThatSetsIf() {
        try (EmulatedGuest guest = EmulatedGuest.flat(0)) {
            guest.put(EmulatedGuest.CODE, "fb 43 43 f4");
            guest.vcpu().setInterruptWindow(true);

            assertThat(guest.run()).isInstanceOf(VmExit.InterruptWindow.class);

            assertThat(guest.get(Register.RIP)).isEqualTo(EmulatedGuest.CODE + 2);
        }
    }

    @Test
    void interruptDoesNotWaitBehindStiIfItWasAllowedAlready() {
        try (EmulatedGuest guest = EmulatedGuest.flat(0)) {
            guest.flags(IF).put(EmulatedGuest.CODE, "fb 43 43 f4").step();

            assertThat(guest.vcpu().canInjectInterrupt()).isTrue();
        }
    }

    @Test
    void pushedFlagsHaveNoResumeFlag() {
        try (EmulatedGuest guest = EmulatedGuest.flat(0)) {
            guest.flags(0x247ed7 | 0x10000).run("9c");

            assertThat(guest.stack(0)).isEqualTo(0x247ed7);
        }
    }

    @Test
    void sixteenFlagsArePushedAsTwoBytes() {
        try (EmulatedGuest guest = EmulatedGuest.flat(0)) {
            guest.memory().writeInt(EmulatedGuest.STACK - 4, -1);

            guest.flags(0x247ed7).run("669c");

            assertThat(guest.get(Register.RSP)).isEqualTo(EmulatedGuest.STACK - 2);
            assertThat(guest.memory().readInt(EmulatedGuest.STACK - 4)).isEqualTo(0x7ed7_ffff);
        }
    }

    /** VIP, VIF, VM and RF of what is popped are ignored. */
    @ParameterizedTest
    @CsvSource({
        // ring, EFLAGS before, popped, EFLAGS after
        "0, 2, ffffffff, 247fd7",
        "0, 247ed7, 0, 2",
        "1, 2, fffffeff, 244cd7",
        "1, 1002, fffffeff, 245ed7",
        "3, 2, fffffeff, 244cd7",
        "3, 2202, 0, 2202",
        "3, 3202, 0, 3002",
        "3, 3002, fffffeff, 247ed7",
        "2, 2202, fffff0d7, 2460d7"
    })
    void poppedFlagsChangeAsPrivilegeAllows(int ring, String before, String popped, String after) {
        try (EmulatedGuest guest = EmulatedGuest.flat(ring)) {
            guest.memory().writeInt(EmulatedGuest.STACK, (int) Long.parseLong(popped, 16));

            guest.flags(Long.parseLong(before, 16))
                    .put(EmulatedGuest.CODE, "9d 90")
                    .step();

            assertThat(guest.get(Register.RFLAGS)).isEqualTo(Long.parseLong(after, 16));
            assertThat(guest.get(Register.RSP)).isEqualTo(EmulatedGuest.STACK + 4);
        }
    }

    @Test
    void sixteenPoppedFlagsLeaveTheUpperHalf() {
        try (EmulatedGuest guest = EmulatedGuest.flat(0)) {
            guest.memory().writeShort(EmulatedGuest.STACK, 0);

            guest.flags(0x240ad7).put(EmulatedGuest.CODE, "669d 90").step();

            assertThat(guest.get(Register.RFLAGS)).isEqualTo(0x240002);
            assertThat(guest.get(Register.RSP)).isEqualTo(EmulatedGuest.STACK + 2);
        }
    }

    @Test
    void trapFlagThatIsPoppedTrapsAfterTheNextInstruction() {
        try (EmulatedGuest guest = EmulatedGuest.flat(0)) {
            guest.memory().writeInt(EmulatedGuest.STACK, 0x102);

            guest.run("9d 43 43");

            assertThat(guest.vector()).isEqualTo(1);
            assertThat(guest.stack(0)).isEqualTo(EmulatedGuest.CODE + 2);
        }
    }

    @Test
    void interruptIsTakenRightAfterPopfThatSetsIf() {
        try (EmulatedGuest guest = EmulatedGuest.flat(0)) {
            guest.memory().writeInt(EmulatedGuest.STACK, 0x202);
            guest.put(EmulatedGuest.CODE, "9d 43 f4");
            guest.vcpu().setInterruptWindow(true);

            assertThat(guest.run()).isInstanceOf(VmExit.InterruptWindow.class);

            assertThat(guest.get(Register.RIP)).isEqualTo(EmulatedGuest.CODE + 1);
        }
    }

    @Test
    void poppingFromBehindTheStackIsAFaultThatLeavesTheFlags() {
        try (EmulatedGuest guest = EmulatedGuest.flat(0)) {
            guest.change(state -> state.segment(SegmentRegister.SS, new SegmentState(0x10, 0, 0x8fff, 0x4093)));
            guest.set(Register.RSP, 0x9000)
                    .flags(0x8d7)
                    .put(EmulatedGuest.CODE, "9d")
                    .run();

            assertThat(guest.vector()).isEqualTo(12);
            assertThat(guest.stack(3)).isEqualTo(0x108d7);
        }
    }
}
