package dev.kvmguest.vmm.internal.emulator.isa.system;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.internal.emulator.exec.Descriptors;
import dev.kvmguest.vmm.internal.emulator.exec.EmulatedGuest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Long mode is entered and left in the order of the manual, and each wrong order has its fault (volume 3A, 9.8.5). */
class LongModeSwitchTests {

    private static final int GP = 13;
    private static final int UD = 6;
    private static final int NONE = -1;
    private static final long LME = 0x100;
    private static final long LMA = 0x400;
    private static final long PAE = 1 << 5;
    private static final long PAGING = 0x8000_0011L;
    private static final int MAP = 0x2_0000;
    private static final int CODE_64 = Descriptors.FREE;
    private static final String MOV_CR0 = "0f 22 c0"; // mov cr0, eax

    @Test
    void pagingWithLmeActivatesLongModeAndAFarJumpEnters64BitCode() {
        try (EmulatedGuest guest = beforeLongMode()) {
            guest.put(EmulatedGuest.CODE, MOV_CR0);
            guest.put(EmulatedGuest.CODE + 3, "ea 0a 40 00 00 60 00"); // jmp 0x60:0x400a
            // mov rax, 0x1122334455667788; hlt
            guest.put(EmulatedGuest.CODE + 10, "48 b8 88 77 66 55 44 33 22 11 f4");
            guest.run();

            assertThat(guest.vector()).isEqualTo(NONE);
            assertThat(guest.get(Register.RAX)).isEqualTo(0x1122_3344_5566_7788L);
            assertThat(guest.get(Register.EFER)).isEqualTo(LME | LMA);
            assertThat(guest.vcpu().state().code64()).isTrue();
        }
    }

    @Test
    void before64BitCodeItIsCompatibilityMode() {
        try (EmulatedGuest guest = beforeLongMode()) {
            // mov cr0, eax; inc eax
            guest.run(MOV_CR0 + "40");

            assertThat(guest.get(Register.RAX)).isEqualTo(PAGING + 1);
            assertThat(guest.vcpu().state().longMode()).isTrue();
            assertThat(guest.vcpu().state().code64()).isFalse();
        }
    }

    @Test
    void pagingWithLmeNeedsPae() {
        try (EmulatedGuest guest = beforeLongMode()) {
            guest.set(Register.CR4, 0).run(MOV_CR0);

            assertThat(guest.vector()).isEqualTo(GP);
            assertThat(guest.get(Register.EFER)).isEqualTo(LME);
        }
    }

    @Test
    void pagingWithLmeNeedsACodeSegmentWithoutL() {
        try (EmulatedGuest guest = beforeLongMode()) {
            guest.change(state -> state.segment(SegmentRegister.CS, new SegmentState(8, 0, 0xffff_ffffL, 0xe09b)));
            guest.run(MOV_CR0);

            assertThat(guest.vector()).isEqualTo(GP);
        }
    }

    @Test
    void pagingWithLmeNeedsAWideTss() {
        try (EmulatedGuest guest = beforeLongMode()) {
            guest.change(state -> state.segment(SegmentRegister.TR, new SegmentState(0x48, 0x1200, 0x67, 0x83)));
            guest.run(MOV_CR0);

            assertThat(guest.vector()).isEqualTo(GP);
        }
    }

    @Test
    void pagingStaysOnIn64BitMode() {
        try (EmulatedGuest guest = EmulatedGuest.long64(0)) {
            guest.set(Register.RAX, 0x11).run(MOV_CR0);

            assertThat(guest.vector()).isEqualTo(GP);
            assertThat(guest.get(Register.EFER)).isEqualTo(LME | LMA);
        }
    }

    @Test
    void compatibilityModeLeavesLongModeByTurningPagingOff() {
        try (EmulatedGuest guest = EmulatedGuest.long64(0)) {
            guest.change(state -> state.segment(SegmentRegister.CS, SegmentState.flatCode(8)));
            guest.set(Register.RAX, 0x11).run(MOV_CR0);

            assertThat(guest.vector()).isEqualTo(NONE);
            assertThat(guest.get(Register.EFER)).isEqualTo(LME);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "0x180000011, 0f 22 c0", // mov cr0, rax
        "0x1000000000, 0f 22 d8", // mov cr3, rax
        "0, 0f 22 e0", // mov cr4, rax
        "0x100000020, 0f 22 e0", // mov cr4, rax
        "0x10, 44 0f 22 c0", // mov cr8, rax
    })
    void registersRefuseWhatLongModeCannotBeWith(long value, String code) {
        try (EmulatedGuest guest = EmulatedGuest.long64(0)) {
            guest.set(Register.RAX, value).run(code);

            assertThat(guest.vector()).isEqualTo(GP);
        }
    }

    @Test
    void lmeCannotBeChangedWithPagingOn() {
        try (EmulatedGuest guest = EmulatedGuest.long64(0)) {
            // mov ecx, 0xc0000080; xor eax, eax; xor edx, edx; wrmsr
            guest.run("b9 80 00 00 c0 31 c0 31 d2 0f 30");

            assertThat(guest.vector()).isEqualTo(GP);
        }
    }

    @Test
    void lmaIsReadOnly() {
        try (EmulatedGuest guest = EmulatedGuest.long64(0)) {
            // mov ecx, 0xc0000080; mov eax, 0x901; xor edx, edx; wrmsr; rdmsr
            guest.run("b9 80 00 00 c0 b8 01 09 00 00 31 d2 0f 30 0f 32");

            assertThat(guest.vector()).isEqualTo(NONE);
            assertThat(guest.get(Register.RAX)).isEqualTo(0xd01);
        }
    }

    @Test
    void taskPriorityIsKept() {
        try (EmulatedGuest guest = EmulatedGuest.long64(0)) {
            // mov cr8, rax; mov rbx, cr8
            guest.set(Register.RAX, 9).run("44 0f 22 c0 44 0f 20 c3");

            assertThat(guest.get(Register.RBX)).isEqualTo(9);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"0f 05", "0f 07", "0f 01 f8"}) // syscall
    void instructionsOf64BitCodeAreUndefinedInCompatibilityMode(String code) {
        try (EmulatedGuest guest = EmulatedGuest.long64(0)) {
            guest.set(Register.EFER, 0x501);
            guest.change(state -> state.segment(SegmentRegister.CS, SegmentState.flatCode(8)));
            guest.run(code);

            assertThat(guest.vector()).isEqualTo(UD);
        }
    }

    @Test
    void taskRegisterTakesADescriptorOfSixteenBytes() {
        try (EmulatedGuest guest = EmulatedGuest.long64(0)) {
            Descriptors.put(guest, CODE_64, Descriptors.segment16(0x89, 0x5000, 0x67));
            Descriptors.put(guest, Descriptors.FREE_2, 0xffff_8000L);
            // ltr ax
            guest.set(Register.RAX, CODE_64).run("0f 00 d8");

            assertThat(guest.vector()).isEqualTo(NONE);
            SegmentState task = guest.vcpu().state().segment(SegmentRegister.TR);
            assertThat(task.base()).isEqualTo(0xffff_8000_0000_5000L);
            assertThat(Descriptors.get(guest, CODE_64) >>> 40 & 0xff).as("busy").isEqualTo(0x8b);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "0x0000890000000067, 0x0000090000000000, 0x60", // a type in the upper half
        "0x0000890000000067, 0x00008000, 0", // a base that is not canonical
        "0x0000810000000067, 0, 0x60", // a 16-bit TSS
    })
    void taskRegisterRefusesWhatLongModeHasNot(long low, long high, int code) {
        try (EmulatedGuest guest = EmulatedGuest.long64(0)) {
            Descriptors.put(guest, CODE_64, low);
            Descriptors.put(guest, Descriptors.FREE_2, high);
            // ltr ax
            guest.set(Register.RAX, CODE_64).run("0f 00 d8");

            assertThat(guest.vector()).isEqualTo(GP);
            assertThat(guest.stack64(0)).isEqualTo(code);
        }
    }

    @Test
    void descriptorBeyondTheTableInItsUpperHalfIsRefused() {
        try (EmulatedGuest guest = EmulatedGuest.long64(0)) {
            Descriptors.put(guest, Descriptors.FREE_2, Descriptors.segment16(0x89, 0x5000, 0x67));
            // ltr ax
            guest.set(Register.RAX, Descriptors.FREE_2).run("0f 00 d8");

            assertThat(guest.vector()).isEqualTo(GP);
            assertThat(guest.stack64(0)).isEqualTo(Descriptors.FREE_2);
        }
    }

    @Test
    void tableRegistersHaveBasesOfEightBytes() {
        try (EmulatedGuest guest = EmulatedGuest.long64(0)) {
            guest.memory().writeShort(EmulatedGuest.DATA, 0x1234);
            guest.memory().writeLong(EmulatedGuest.DATA + 2, 0xffff_ffff_8000_1000L);
            // lgdt [rbx]; sgdt [rbx+0x20]
            guest.set(Register.RBX, EmulatedGuest.DATA).run("0f 01 13 0f 01 43 20");

            assertThat(guest.vcpu().state().gdt().base()).isEqualTo(0xffff_ffff_8000_1000L);
            assertThat(guest.memory().readLong(EmulatedGuest.DATA + 0x22)).isEqualTo(0xffff_ffff_8000_1000L);
        }
    }

    @Test
    void tableThatIsNotCanonicalIsRefused() {
        try (EmulatedGuest guest = EmulatedGuest.long64(0)) {
            guest.memory().writeLong(EmulatedGuest.DATA + 2, 0x8000_0000_0000L);
            // lidt [rbx]
            guest.set(Register.RBX, EmulatedGuest.DATA).run("0f 01 1b");

            assertThat(guest.vector()).isEqualTo(GP);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"0f 01 03", "0f 01 0b", "0f 00 03", "0f 00 0b", "0f 01 23"}) // sgdt [rbx]
    void umipKeepsTablesFromOuterRings(String code) {
        for (boolean prevented : new boolean[] {false, true}) {
            try (EmulatedGuest guest = EmulatedGuest.long64(3)) {
                guest.set(Register.CR4, PAE | (prevented ? 1 << 11 : 0))
                        .set(Register.RBX, EmulatedGuest.DATA)
                        .step();
                guest.set(Register.RIP, EmulatedGuest.CODE)
                        .put(EmulatedGuest.CODE, code)
                        .step();

                assertThat(guest.get(Register.RIP) == 0x1000 + GP).isEqualTo(prevented);
            }
        }
    }

    /** Protected mode, all set for MOV CR0; code of 64 bits is at {@link Descriptors#FREE}. */
    private static EmulatedGuest beforeLongMode() {
        EmulatedGuest guest = EmulatedGuest.flat(0);
        Descriptors.put(guest, CODE_64, 0x00af_9b00_0000_ffffL);
        guest.memory().writeLong(MAP, MAP + 0x1000 | 7);
        guest.memory().writeLong(MAP + 0x1000, MAP + 0x2000 | 7);
        guest.memory().writeLong(MAP + 0x2000, 0x87);
        return guest.set(Register.CR3, MAP)
                .set(Register.CR4, PAE)
                .set(Register.EFER, LME)
                .set(Register.RAX, PAGING);
    }
}
