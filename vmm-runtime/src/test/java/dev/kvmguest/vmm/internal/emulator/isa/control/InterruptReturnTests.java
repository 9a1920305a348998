package dev.kvmguest.vmm.internal.emulator.isa.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.internal.emulator.exec.EmulatedGuest;
import dev.kvmguest.vmm.internal.engine.VmExit;
import dev.kvmguest.vmm.internal.x86.Flag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What IRET and IRETD do with the flags; the rest is in {@link FarReturnTests}. */
class InterruptReturnTests {

    private static final int CODE = EmulatedGuest.CODE;
    private static final int STACK = EmulatedGuest.STACK;
    private static final int TARGET = 0x5000;
    private static final int OUTER_STACK = 0xa000;
    private static final int ALL = Flag.FIXED | Flag.ALL & ~(Flag.VM | Flag.TF);
    private static final int ALL_16 = ALL & 0xffff;

    @ParameterizedTest(name = "IRETD in ring {0} with IOPL {1}: {2}")
    @CsvSource({
        "0, 0, 0x3d7ed7", // all but VM and TF
        "1, 0, 0x254cd7", // IF, IOPL, VIF and VIP stay
        "1, 1, 0x255ed7",
        "3, 0, 0x254cd7",
        "3, 2, 0x256cd7",
        "3, 3, 0x257ed7",
    })
    void setsTheFlagsThatTheLevelMay(int ring, int iopl, String flags) {
        try (EmulatedGuest guest = EmulatedGuest.flat(ring)) {
            frame(guest, 8 + 16 * ring | ring, ALL);
            guest.flags((long) iopl << 12).put(CODE, "cf").put(TARGET, "cd 99");
            assertThat(guest.step()).isInstanceOf(VmExit.SingleStep.class);
            assertThat(guest.get(Register.RIP)).isEqualTo(TARGET);
            assertThat(flags(guest)).isEqualTo(Long.decode(flags) & ~Flag.RF);
        }
    }

    @ParameterizedTest(name = "IRETD in ring {0} with IOPL {1}: {2}")
    @CsvSource({"0, 3, 0x2", "1, 0, 0x180202", "3, 2, 0x182202", "3, 3, 0x183002"})
    void clearsTheFlagsThatTheLevelMay(int ring, int iopl, String flags) {
        try (EmulatedGuest guest = EmulatedGuest.flat(ring)) {
            frame(guest, 8 + 16 * ring | ring, 0);
            guest.flags(ALL & ~(Flag.IOPL | Flag.NT) | (long) iopl << 12)
                    .put(CODE, "cf")
                    .step();
            assertThat(guest.get(Register.RIP)).isEqualTo(TARGET);
            assertThat(guest.get(Register.RFLAGS)).isEqualTo(Long.decode(flags));
        }
    }

    /** RF is cleared by the next instruction, so that it is not compared. */
    private static long flags(EmulatedGuest guest) {
        return guest.get(Register.RFLAGS) & ~Flag.RF;
    }

    private static void frame(EmulatedGuest guest, int codeSelector, int flags) {
        guest.memory().writeInt(STACK, TARGET);
        guest.memory().writeInt(STACK + 4, codeSelector);
        guest.memory().writeInt(STACK + 8, flags);
        guest.memory().writeInt(STACK + 12, OUTER_STACK);
        guest.memory().writeInt(STACK + 16, 0x43);
    }

    @Test
    void privilegeIsThatBeforeTheReturn() {
        try (EmulatedGuest guest = EmulatedGuest.flat(0)) {
            frame(guest, 0x3b, Flag.FIXED | Flag.IF | Flag.IOPL);
            guest.put(CODE, "cf").step();
            assertThat(guest.get(Register.RSP)).isEqualTo(OUTER_STACK);
            assertThat(guest.get(Register.RFLAGS)).isEqualTo(Flag.FIXED | Flag.IF | Flag.IOPL);
        }
    }

    @Test
    void sixteenBitReturnLeavesTheUpperFlags() {
        try (EmulatedGuest guest = EmulatedGuest.flat(0)) {
            guest.memory().writeInt(STACK, 0x0008_0000 | TARGET);
            guest.memory().writeInt(STACK + 4, 0xffff_0000 | ALL_16);
            guest.flags(Flag.AC).put(CODE, "66 cf").step();
            assertThat(guest.get(Register.RIP)).isEqualTo(TARGET);
            assertThat(guest.get(Register.RSP)).isEqualTo(STACK + 6);
            assertThat(guest.get(Register.RFLAGS)).isEqualTo(Flag.AC | ALL_16);
        }
    }

    @Test
    void realModeSetsSixteenFlags() {
        try (EmulatedGuest guest = EmulatedGuest.real()) {
            guest.memory().writeInt(STACK, TARGET);
            guest.memory().writeShort(STACK + 4, ALL_16);
            guest.flags(Flag.ID).put(CODE, "cf").step();
            assertThat(guest.get(Register.RIP)).isEqualTo(TARGET);
            assertThat(guest.get(Register.RSP)).isEqualTo(STACK + 6);
            assertThat(guest.get(Register.RFLAGS)).isEqualTo(Flag.ID | ALL_16);
        }
    }

    @Test
    void realModeIretdLeavesVmVifAndVip() {
        try (EmulatedGuest guest = EmulatedGuest.real()) {
            frame(guest, 0, -1 & ~Flag.TF);
            guest.flags(Flag.VIP).put(CODE, "66 cf").step();
            assertThat(guest.get(Register.RIP)).isEqualTo(TARGET);
            assertThat(flags(guest)).isEqualTo(ALL & ~(Flag.VIF | Flag.RF));
        }
    }

    @Test
    void restoredTraceFlagTrapsAfterTheNextInstruction() {
        try (EmulatedGuest guest = EmulatedGuest.flat(0)) {
            frame(guest, 8, Flag.FIXED | Flag.TF);
            // or al, 0
            guest.put(TARGET, "0c 00 f4").run("cf");
            assertThat(guest.vector()).isEqualTo(1);
            assertThat(guest.stack(0)).isEqualTo(TARGET + 2);
        }
    }

    @Test
    void faultLeavesTheFlags() {
        try (EmulatedGuest guest = EmulatedGuest.flat(0)) {
            frame(guest, 0x10, ALL);
            guest.run("cf");
            assertThat(guest.vector()).isEqualTo(13);
            assertThat(guest.stack(3)).isEqualTo(Flag.FIXED | Flag.RF);
        }
    }

    @Test
    void nestedTaskMeansNothingInRealMode() {
        try (EmulatedGuest guest = EmulatedGuest.real()) {
            guest.memory().writeInt(STACK, TARGET);
            guest.memory().writeShort(STACK + 4, Flag.FIXED);
            guest.flags(Flag.NT).put(CODE, "cf").step();
            assertThat(guest.get(Register.RIP)).isEqualTo(TARGET);
        }
    }

    @Test
    void virtual8086FlagIsIgnoredOutsideRing0() {
        try (EmulatedGuest guest = EmulatedGuest.flat(3)) {
            frame(guest, 0x3b, Flag.FIXED | Flag.VM);
            guest.put(CODE, "cf").step();
            assertThat(guest.get(Register.RIP)).isEqualTo(TARGET);
            assertThat(guest.get(Register.RFLAGS)).isEqualTo(Flag.FIXED);
        }
    }

    @Test
    void basesOfFsAndGsOutliveTheReturnToAnOuterLevelInLongMode() {
        try (EmulatedGuest guest = EmulatedGuest.long64(0)) {
            // As after MOV FS and MOV GS of the kernel's selector, and WRMSR.
            guest.change(s -> s.segment(SegmentRegister.FS, dataOfRing0(0x9000))
                    .segment(SegmentRegister.GS, dataOfRing0(0x1234_5678_9000L))
                    .segment(SegmentRegister.DS, dataOfRing0(0)));
            guest.memory().writeLong(0x9008, 42);
            long[] frame = {EmulatedGuest.CODE + 2, 0x3b, 2, 0x7000, 0x43};
            for (int i = 0; i < frame.length; i++) {
                guest.memory().writeLong(EmulatedGuest.STACK + 8L * i, frame[i]);
            }

            guest.run("48 cf  64 48 8b 04 25 08 00 00 00"); // iretq; mov rax, fs:[8]; hlt, which ring 3 may not

            assertThat(guest.get(Register.RAX)).isEqualTo(42);
            for (SegmentRegister register :
                    new SegmentRegister[] {SegmentRegister.DS, SegmentRegister.FS, SegmentRegister.GS}) {
                SegmentState segment = guest.vcpu().state().segment(register);
                assertThat(segment.selector()).as("%s", register).isZero();
                assertThat(segment.isUnusable()).as("%s", register).isTrue();
            }
            assertThat(guest.vcpu().state().segment(SegmentRegister.GS).base()).isEqualTo(0x1234_5678_9000L);
        }
    }

    private static SegmentState dataOfRing0(long base) {
        return new SegmentState(0x10, base, 0xffff_ffffL, 0xc093);
    }
}
