package dev.kvmguest.vmm.internal.emulator.isa.system;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.internal.emulator.exec.EmulatedGuest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LongModeSystemCallTests {

    private static final int GP = 13;
    private static final int UD = 6;
    private static final int NONE = -1;
    private static final int STAR = 0xc000_0081;
    private static final int LSTAR = 0xc000_0082;
    private static final int FMASK = 0xc000_0084;
    private static final int FS_BASE = 0xc000_0100;
    private static final int GS_BASE = 0xc000_0101;
    private static final int KERNEL_GS_BASE = 0xc000_0102;
    private static final long NOT_CANONICAL = 0x8000_0000_0000L;
    private static final String SYSCALL = "0f 05"; // syscall
    private static final String SYSRET = "48 0f 07"; // o64 sysret
    /** Those of ring 0 at 0x08, and of ring 3 so that the code is at 0x38 and the stack below it. */
    private static final long SELECTORS = 0x0028_0008_0000_0000L;

    @Test
    void syscallEntersRing0WithoutAnyTable() {
        try (EmulatedGuest guest = enabled(3)) {
            guest.memory().writeByte(0x5000, (byte) 0xf4);
            guest.flags(CpuState.EFLAGS_IF | 0x400).run(SYSCALL);

            CpuState state = guest.vcpu().state();
            assertThat(state.get(Register.RIP)).isEqualTo(0x5001);
            assertThat(state.get(Register.RCX)).isEqualTo(EmulatedGuest.CODE + 2);
            assertThat(state.get(Register.R11)).isEqualTo(CpuState.EFLAGS_IF | 0x402);
            assertThat(state.get(Register.RFLAGS)).as("IF is masked").isEqualTo(0x402);
            assertThat(state.segment(SegmentRegister.CS).selector()).isEqualTo(0x08);
            assertThat(state.segment(SegmentRegister.CS).longMode()).isTrue();
            assertThat(state.segment(SegmentRegister.CS).dpl()).isZero();
            assertThat(state.segment(SegmentRegister.SS).selector()).isEqualTo(0x10);
            assertThat(state.get(Register.RSP)).as("the stack stays").isEqualTo(EmulatedGuest.STACK);
        }
    }

    @Test
    void sysretReturnsTo64BitCodeOfRing3() {
        try (EmulatedGuest guest = enabled(0)) {
            guest.set(Register.RCX, 0x5000).set(Register.R11, 0x1_0246).put(EmulatedGuest.CODE, SYSRET);
            guest.step();

            CpuState state = guest.vcpu().state();
            assertThat(state.get(Register.RIP)).isEqualTo(0x5000);
            assertThat(state.get(Register.RFLAGS)).as("RF is dropped").isEqualTo(0x246);
            assertThat(state.segment(SegmentRegister.CS).selector()).isEqualTo(0x3b);
            assertThat(state.segment(SegmentRegister.CS).longMode()).isTrue();
            assertThat(state.segment(SegmentRegister.SS).selector()).isEqualTo(0x33);
            assertThat(state.segment(SegmentRegister.SS).dpl()).isEqualTo(3);
        }
    }

    @Test
    void sysretOf32BitsReturnsToCompatibilityMode() {
        try (EmulatedGuest guest = enabled(0)) {
            guest.set(Register.RCX, 0x1_0000_5000L).put(EmulatedGuest.CODE, "0f 07"); // sysret
            guest.step();

            CpuState state = guest.vcpu().state();
            assertThat(state.get(Register.RIP)).isEqualTo(0x5000);
            assertThat(state.segment(SegmentRegister.CS).selector()).isEqualTo(0x2b);
            assertThat(state.code64()).isFalse();
        }
    }

    @Test
    void sysretToAnAddressThatIsNotCanonicalFaultsInRing0() {
        try (EmulatedGuest guest = enabled(0)) {
            guest.set(Register.RCX, NOT_CANONICAL).run(SYSRET);

            assertThat(guest.vector()).isEqualTo(GP);
            assertThat(guest.stack64(2) & 3).as("CS of the fault").isZero();
        }
    }

    @Test
    void sysretIsForRing0() {
        try (EmulatedGuest guest = enabled(3)) {
            guest.run(SYSRET);

            assertThat(guest.vector()).isEqualTo(GP);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {SYSCALL, SYSRET})
    void bothAreUndefinedWithoutSce(String code) {
        try (EmulatedGuest guest = EmulatedGuest.long64(0)) {
            guest.run(code);

            assertThat(guest.vector()).isEqualTo(UD);
        }
    }

    @Test
    void swapgsExchangesTheBaseOfGs() {
        try (EmulatedGuest guest = EmulatedGuest.long64(0)) {
            write(guest, GS_BASE, 0x1111_0000);
            write(guest, KERNEL_GS_BASE, 0xffff_8000_0000_0000L);
            guest.set(Register.RIP, EmulatedGuest.CODE).run("0f 01 f8"); // swapgs

            assertThat(guest.vcpu().state().segment(SegmentRegister.GS).base()).isEqualTo(0xffff_8000_0000_0000L);
            assertThat(read(guest, KERNEL_GS_BASE)).isEqualTo(0x1111_0000);
        }
    }

    @Test
    void swapgsIsForRing0() {
        try (EmulatedGuest guest = EmulatedGuest.long64(3)) {
            guest.run("0f 01 f8"); // swapgs

            assertThat(guest.vector()).isEqualTo(GP);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {LSTAR, FS_BASE, GS_BASE, KERNEL_GS_BASE})
    void registersForAddressesRefuseThoseThatAreNotCanonical(int number) {
        try (EmulatedGuest guest = EmulatedGuest.long64(0)) {
            write(guest, number, NOT_CANONICAL);

            assertThat(guest.vector()).isEqualTo(GP);
        }
    }

    @Test
    void baseOfFsCountsIn64BitModeAndThatOfDsDoesNot() {
        try (EmulatedGuest guest = EmulatedGuest.long64(0)) {
            guest.memory().writeLong(EmulatedGuest.DATA + 8, 0x1234_5678_9abc_def0L);
            write(guest, FS_BASE, EmulatedGuest.DATA);
            // mov rax, [fs:8]; mov rbx, [ds:0x9008]
            guest.set(Register.RIP, EmulatedGuest.CODE).run("64 48 8b 04 25 08 00 00 00 48 8b 1c 25 08 90 00 00");

            assertThat(guest.get(Register.RAX)).isEqualTo(0x1234_5678_9abc_def0L);
            assertThat(guest.get(Register.RBX)).isEqualTo(0x1234_5678_9abc_def0L);
        }
    }

    @Test
    void baseInstructionsNeedFsgsbase() {
        try (EmulatedGuest guest = EmulatedGuest.long64(3)) {
            guest.run("f3 48 0f ae c0"); // rdfsbase rax

            assertThat(guest.vector()).isEqualTo(UD);
        }
        try (EmulatedGuest guest = EmulatedGuest.long64(0)) {
            guest.set(Register.CR4, 1 << 5 | 1 << 16).set(Register.RAX, 0xffff_8000_1234_0000L);
            // wrgsbase rax; rdgsbase rbx; wrfsbase eax; rdfsbase rcx
            guest.run("f3 48 0f ae d8 f3 48 0f ae cb f3 0f ae d0 f3 48 0f ae c1");

            assertThat(guest.vector()).isEqualTo(NONE);
            assertThat(guest.get(Register.RBX)).isEqualTo(0xffff_8000_1234_0000L);
            assertThat(guest.get(Register.RCX)).isEqualTo(0x1234_0000);
        }
    }

    private static EmulatedGuest enabled(int ring) {
        EmulatedGuest guest = EmulatedGuest.long64(0);
        write(guest, STAR, SELECTORS);
        write(guest, LSTAR, 0x5000);
        write(guest, FMASK, CpuState.EFLAGS_IF);
        CpuState entry;
        try (EmulatedGuest other = EmulatedGuest.long64(ring)) {
            entry = other.vcpu().state();
        }
        return guest.change(state -> {
            for (SegmentRegister register : SegmentRegister.values()) {
                state.segment(register, entry.segment(register));
            }
            return state.set(Register.EFER, 0x501).set(Register.RIP, EmulatedGuest.CODE);
        });
    }

    private static void write(EmulatedGuest guest, int number, long value) {
        guest.set(Register.RCX, Integer.toUnsignedLong(number))
                .set(Register.RAX, value & 0xffff_ffffL)
                .set(Register.RDX, value >>> 32)
                .set(Register.RIP, EmulatedGuest.CODE)
                .run("0f 30"); // wrmsr
    }

    private static long read(EmulatedGuest guest, int number) {
        guest.set(Register.RCX, Integer.toUnsignedLong(number))
                .set(Register.RIP, EmulatedGuest.CODE)
                .run("0f 32"); // rdmsr
        return guest.get(Register.RDX) << 32 | guest.get(Register.RAX);
    }
}
