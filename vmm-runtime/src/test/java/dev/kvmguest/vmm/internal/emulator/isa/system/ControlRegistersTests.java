package dev.kvmguest.vmm.internal.emulator.isa.system;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.internal.emulator.exec.EmulatedGuest;
import dev.kvmguest.vmm.internal.engine.VmExit;
import dev.kvmguest.vmm.internal.x86.Vector;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ControlRegistersTests {

    private static final long PE = 1;
    private static final long ET = 0x10;
    private static final long PG = 0x8000_0000L;
    private static final long CD = 0x4000_0000L;
    private static final long NW = 0x2000_0000L;
    private static final long PAE = 0x20;
    private static final long LME = 0x100;
    private static final int POINTERS = EmulatedGuest.DATA;

    private EmulatedGuest guest = EmulatedGuest.flat(0);

    @AfterEach
    void close() {
        guest.close();
    }

    @ParameterizedTest
    @CsvSource({"0, 20 c0, 22 c0", "2, 20 d0, 22 d0", "3, 20 d8, 22 d8", "4, 20 e0, 22 e0"})
    void controlRegistersAreWrittenAndRead(int number, String read, String write) {
        long value = number == 0 ? PE | ET | 0x2e : number == 4 ? 0x69c : 0x1234_5000L;

        guest.set(Register.RAX, value).run("0f" + write + "31 c0 0f" + read);

        assertThat(guest.vector()).isEqualTo(-1);
        assertThat(guest.get(Register.RAX)).isEqualTo(value);
    }

    @ParameterizedTest
    @ValueSource(strings = {"c8", "e8", "f0", "f8"})
    void otherControlRegistersDoNotExist(String modRm) {
        assertFault(Vector.UD, "0f 20" + modRm);
        reopen(0);
        assertFault(Vector.UD, "0f 22" + modRm);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "0f 20 c0", "0f 22 c0", "0f 20 d0", "0f 22 d0", "0f 20 d8", "0f 22 d8", "0f 20 e0", "0f 22 e0",
                        "0f 21 c0",
                "0f 23 f8", "0f 06", "0f 01 f0", "0f 01 38", "0f 08", "0f 09", "f4", "0f 32", "0f 30"
            })
    void privilegedInstructionsNeedRing0(String code) {
        for (int ring = 1; ring <= 3; ring++) {
            reopen(ring);
            assertFault(Vector.GP, code);
            assertThat(guest.stack(0)).isZero();
        }
    }

    @ParameterizedTest
    @CsvSource({"0x80000010, paging without protection", "0x20000011, NW without CD", "0xa0000011, both"})
    void cr0RefusesWhatDoesNotGoTogether(String value, String reason) {
        guest.set(Register.RAX, Long.decode(value));

        assertFault(Vector.GP, "0f 22 c0");
        assertThat(guest.get(Register.CR0)).as(reason).isEqualTo(PE | ET);
    }

    @Test
    void cr0KeepsItsFixedAndReservedBits() {
        guest.set(Register.RAX, 0x1ffa_ffc1L | CD | NW).run("0f 22 c0");

        assertThat(guest.get(Register.CR0)).isEqualTo(PE | ET | CD | NW);
    }

    @ParameterizedTest
    @ValueSource(longs = {0x40, 0x1000, 0x2000, 0x2_0000, 0x8_0000, 0x40_0000, 0x8000_0000L})
    void cr4RefusesReservedBits(long value) {
        guest.set(Register.RAX, value);

        assertFault(Vector.GP, "0f 22 e0");
        assertThat(guest.get(Register.CR4)).isZero();
    }

    @Test
    void pagingWithLongModeEnabledNeedsPae() {
        guest.change(state -> state.set(Register.EFER, LME).set(Register.RAX, PG | PE));

        assertFault(Vector.GP, "0f 22 c0");
    }

    @Test
    void pageDirectoryPointersAreLoadedWhenPagingIsTurnedOn() {
        preparePae(1);
        guest.set(Register.RAX, PG | PE).run("0f 22 c0 8b 0d 00 90 00 00"); // mov ecx, [0x9000]

        assertThat(guest.vector()).isEqualTo(-1);
        assertThat(guest.get(Register.RCX)).isEqualTo(0xa001);
    }

    @Test
    void reservedBitsInPageDirectoryPointersAreRefusedByEveryLoad() {
        preparePae(3);
        guest.set(Register.RAX, PG | PE);
        assertFault(Vector.GP, "0f 22 c0");
        assertThat(guest.get(Register.CR0)).isEqualTo(PE | ET);

        reopen(0);
        preparePae(1);
        guest.set(Register.RAX, PG | PE);
        guest.memory().writeLong(POINTERS + 0x20, 0x1e7);
        // mov cr0, eax; mov eax, 0x9020; mov cr3, eax
        assertFault(Vector.GP, "0f 22 c0 b8 20 90 00 00 0f 22 d8");
        assertThat(guest.get(Register.CR3)).isEqualTo(POINTERS);
    }

    @Test
    void writeOfCr4LoadsThePointersWhenItChangesPaging() {
        preparePae(1);
        // mov cr0, eax; mov dword [0x9000], 3; mov eax, PAE|PGE; mov cr4, eax
        guest.set(Register.RAX, PG | PE);
        assertFault(Vector.GP, "0f 22 c0 c7 05 00 90 00 00 03 00 00 00 b8 a0 00 00 00 0f 22 e0");
        assertThat(guest.get(Register.CR4)).isEqualTo(PAE);
    }

    @Test
    void writeOfCr4ThatLeavesPagingAloneLoadsNothing() {
        preparePae(1);
        // As above, but TSD.
        guest.set(Register.RAX, PG | PE).run("0f 22 c0 c7 05 00 90 00 00 03 00 00 00 b8 24 00 00 00 0f 22 e0");
        assertThat(guest.vector()).isEqualTo(-1);
        assertThat(guest.get(Register.CR4)).isEqualTo(PAE | 4);
    }

    /** One page directory with one 2 MiB page from 0, pointed at from 0x9000. */
    private void preparePae(long pointerBits) {
        guest.memory().writeLong(POINTERS, 0xa000 | pointerBits);
        guest.memory().writeLong(0xa000, 0x83);
        guest.change(state -> state.set(Register.CR3, POINTERS).set(Register.CR4, PAE));
    }

    @Test
    void cr0WriteTakesEffectOnProtection() {
        reopenReal();
        guest.set(Register.RAX, PE).run("66 0f 20 c0 0c 01 0f 22 c0");

        assertThat(guest.get(Register.CR0)).isEqualTo(PE | ET);
    }

    @Test
    void cltsClearsTaskSwitched() {
        guest.set(Register.CR0, PE | ET | 8).run("0f 06");

        assertThat(guest.get(Register.CR0)).isEqualTo(PE | ET);
    }

    @Test
    void lmswSetsProtectionButDoesNotClearIt() {
        guest.set(Register.RAX, 0xfffe).run("0f 01 f0");
        assertThat(guest.get(Register.CR0)).isEqualTo(PE | ET | 0xe);

        reopenReal();
        guest.set(Register.RAX, 1).run("0f 01 f0");
        assertThat(guest.get(Register.CR0)).isEqualTo(PE | ET);
    }

    @Test
    void lmswCanClearTheOthers() {
        guest.set(Register.CR0, PE | ET | 0xe).set(Register.RAX, 0).run("0f 01 f0");

        assertThat(guest.get(Register.CR0)).isEqualTo(PE | ET);
    }

    @Test
    void smswStoresTheOperandSizeInARegisterAndTwoBytesInMemory() {
        guest.set(Register.CR0, PE | ET | CD)
                .set(Register.RBX, EmulatedGuest.DATA)
                .set(Register.RCX, 0xffff_ffffL);
        guest.memory().writeInt(EmulatedGuest.DATA, -1);

        guest.run("0f 01 e0 66 0f 01 e1 0f 01 23");

        assertThat(guest.get(Register.RAX)).isEqualTo(PE | ET | CD);
        assertThat(guest.get(Register.RCX)).isEqualTo(0xffff_0011L);
        assertThat(guest.memory().readInt(EmulatedGuest.DATA)).isEqualTo(0xffff_0011);
    }

    @Test
    void smswIsForEveryRing() {
        reopen(3);

        guest.run("0f 01 e0");
        assertThat(guest.get(Register.RAX)).isEqualTo(PE | ET);
    }

    @Test
    void invlpgForgetsOnePageOnly() {
        reopenPaged();
        guest.page(0x9000, 0x9007).page(0xa000, 0xa007);
        guest.memory().writeInt(0x9000, 1);
        guest.memory().writeInt(0xa000, 2);
        guest.memory().writeInt(0xb000, 3);
        // mov eax,[0x9000]; mov eax,[0xa000]; mov dword [0x11024],0xb007; mov dword [0x11028],0xb007; invlpg [0x9000];
        // mov eax,[0x9000]; mov ecx,[0xa000]
        guest.run("a1 00900000 a1 00a00000 c7 05 24100100 07b00000 c7 05 28100100 07b00000 0f 01 3d 00900000"
                + "a1 00900000 8b 0d 00a00000");

        assertThat(guest.get(Register.RAX)).isEqualTo(3);
        assertThat(guest.get(Register.RCX)).isEqualTo(2);
    }

    @Test
    void invlpgDoesNotLookAtTheSegmentsLimit() {
        guest.set(Register.RBX, 0xffff_ffffL);

        assertThat(guest.run("0f 01 3b 0f 08 0f 09")).isInstanceOf(VmExit.Halt.class);
        assertThat(guest.vector()).isEqualTo(-1);
    }

    @Test
    void haltStopsBehindItself() {
        assertThat(guest.run("90")).isInstanceOf(VmExit.Halt.class);
        assertThat(guest.get(Register.RIP)).isEqualTo(EmulatedGuest.CODE + 2);
    }

    private void assertFault(Vector vector, String code) {
        guest.run(code);
        assertThat(guest.vector()).as(code).isEqualTo(vector.number());
    }

    private void reopen(int ring) {
        guest.close();
        guest = EmulatedGuest.flat(ring);
    }

    private void reopenPaged() {
        guest.close();
        guest = EmulatedGuest.paged(0);
    }

    private void reopenReal() {
        guest.close();
        guest = EmulatedGuest.real();
    }
}
