package dev.kvmguest.vmm.internal.emulator.isa.data;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.internal.emulator.exec.EmulatedGuest;
import dev.kvmguest.vmm.internal.engine.VmExit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MoveTests {

    private static final int GP = 13;
    private static final int PF = 14;

    private EmulatedGuest guest = EmulatedGuest.flat(0);

    @AfterEach
    void close() {
        guest.close();
    }

    private void use(EmulatedGuest other) {
        guest.close();
        guest = other;
    }

    @ParameterizedTest
    @CsvSource({
        "b8 78563412, 12345678",
        "66b8 3412, aaaa1234",
        "b0 12, aaaabb12",
        "b4 12, aaaa12cc",
        "c7c0 78563412, 12345678",
        "8bc3, 00008081",
        "668bc3, aaaa8081",
        "88dc, aaaa81cc",
        "a1 00900000, 44332211",
        "66a1 00900000, aaaa2211",
        "8a25 01900000, aaaa22cc",
        "0fb6c3, 00000081",
        "0fb7c3, 00008081",
        "660fb6c3, aaaa0081",
        "0fbec3, ffffff81",
        "0fbfc3, ffff8081",
        "660fbec3, aaaaff81",
        "0fbe05 00900000, 00000011",
        "8d4308, 00008089",
        "668d4308, aaaa8089",
        "678d4008, 00008089",
        "8d44d900, 00041408",
        "0fc8, ccbbaaaa",
        "0f38f005 00900000, 11223344",
        "660f38f005 00900000, aaaa1122",
        "660fc8, aaaa0000",
        "98, ffffbbcc",
        "6698, aaaaffcc",
        "d6, aaaabb00",
        "f9d6, aaaabbff",
        "90, aaaabbcc",
        "0f1f8000000000, aaaabbcc"
    })
    void eaxAfterwards(String code, String eax) {
        guest.memory().writeInt(EmulatedGuest.DATA, 0x44332211);
        guest.set(Register.RAX, 0xaaaabbccL).set(Register.RBX, 0x8081).set(Register.RCX, 0x1000);

        guest.run(code);

        assertThat(guest.get(Register.RAX)).isEqualTo(Long.parseLong(eax, 16));
    }

    @ParameterizedTest
    @CsvSource({"99, 80000000, ffffffff", "99, 7fffffff, 0", "6699, 8000, 1234ffff", "6699, ffff7fff, 12340000"})
    void signIsSpreadIntoEdx(String code, String eax, String edx) {
        guest.set(Register.RAX, Long.parseLong(eax, 16)).set(Register.RDX, 0x1234_5678L);

        guest.run(code);

        assertThat(guest.get(Register.RDX)).isEqualTo(Long.parseLong(edx, 16));
    }

    @Test
    void movesToMemoryInEachWidth() {
        guest.set(Register.RAX, 0x11223344).set(Register.RDI, EmulatedGuest.DATA);

        guest.run("8807 66894704 894708 c6470c55 66c7470e6677 c7471078563412 880d14900000");

        assertThat(guest.memory().readLong(EmulatedGuest.DATA)).isEqualTo(0x0000_3344_0000_0044L);
        assertThat(guest.memory().readLong(EmulatedGuest.DATA + 8)).isEqualTo(0x7766_0055_1122_3344L);
        assertThat(guest.memory().readInt(EmulatedGuest.DATA + 16)).isEqualTo(0x12345678);
    }

    @Test
    void exchangesRegisters() {
        guest.set(Register.RAX, 0x11112222).set(Register.RBX, 0x33334444);

        guest.run("93 6693 86c4");

        assertThat(guest.get(Register.RAX)).isEqualTo(0x33332222);
        assertThat(guest.get(Register.RBX)).isEqualTo(0x11114444);
    }

    @Test
    void exchangesWithMemoryWhoseAddressIsInTheOtherOperand() {
        guest.memory().writeInt(EmulatedGuest.DATA, 0x55667788);
        guest.set(Register.RBX, EmulatedGuest.DATA);

        guest.run("871b");

        assertThat(guest.get(Register.RBX)).isEqualTo(0x55667788);
        assertThat(guest.memory().readInt(EmulatedGuest.DATA)).isEqualTo(EmulatedGuest.DATA);
    }

    @Test
    void exchangeWithMemoryThatIsNotThereIsAWriteFaultAndChangesNothing() {
        use(EmulatedGuest.paged(3));
        guest.page(EmulatedGuest.DATA, 0);
        guest.set(Register.RBX, EmulatedGuest.DATA).set(Register.RAX, 7);

        guest.run("8703");

        assertThat(guest.vector()).isEqualTo(PF);
        assertThat(guest.stack(0)).isEqualTo(6); // write, user
        assertThat(guest.get(Register.RAX)).isEqualTo(7);
    }

    @Test
    void looksUpAByteInATable() {
        guest.memory().writeByte(0x9001, 0x5a);
        guest.set(Register.RBX, 0x8f02).set(Register.RAX, 0x1234_56ffL);

        guest.run("d7");

        assertThat(guest.get(Register.RAX)).isEqualTo(0x1234_565aL);
    }

    @Test
    void tableMayBeInAnotherSegment() {
        guest.memory().writeByte(0x9011, 0x5a);
        guest.change(state -> state.segment(SegmentRegister.FS, new SegmentState(0x10, 0x9000, 0xffff, 0x4093)));
        guest.set(Register.RBX, 0x10).set(Register.RAX, 1);

        guest.run("64d7");

        assertThat(guest.get(Register.RAX)).isEqualTo(0x5a);
    }

    @Test
    void tableLookUpWrapsWithTheAddressSize() {
        guest.memory().writeByte(1, 0x77);
        guest.set(Register.RBX, 0xfff2).set(Register.RAX, 0x0f);

        guest.run("67d7");

        assertThat(guest.get(Register.RAX)).isEqualTo(0x77);
    }

    @Test
    void setccWritesOneByte() {
        guest.set(Register.RAX, 0x1234_5678L).flags(0x40);

        guest.run("0f94c0 0f95c4");

        assertThat(guest.get(Register.RAX)).isEqualTo(0x1234_0001L);
    }

    @Test
    void cmovMovesIfTheConditionHolds() {
        guest.set(Register.RAX, 1)
                .set(Register.RBX, 2)
                .set(Register.RCX, 0xffff_0003L)
                .flags(0x40);

        guest.run("0f44c3 0f45c8 660f44cb");

        assertThat(guest.get(Register.RAX)).isEqualTo(2);
        assertThat(guest.get(Register.RCX)).isEqualTo(0xffff_0002L);
    }

    @Test
    void cmovReadsMemoryEvenIfTheConditionDoesNotHold() {
        use(EmulatedGuest.paged(0));
        guest.page(EmulatedGuest.DATA, 0);

        guest.run("0f4405 00900000");

        assertThat(guest.vector()).isEqualTo(PF);
    }

    @Test
    void selectorGoesToARegisterZeroExtendedAndToMemoryAsTwoBytes() {
        guest.memory().writeInt(EmulatedGuest.DATA, -1);
        guest.set(Register.RAX, -1L & 0xffff_ffffL).set(Register.RBX, 0xaaaa_aaaaL);

        guest.run("8cd8 668cdb 8c1d 00900000");

        assertThat(guest.get(Register.RAX)).isEqualTo(0x10);
        assertThat(guest.get(Register.RBX)).isEqualTo(0xaaaa_0010L);
        assertThat(guest.memory().readInt(EmulatedGuest.DATA)).isEqualTo(0xffff_0010);
    }

    @Test
    void segmentIsLoadedFromTheLowestTwoBytes() {
        guest.set(Register.RAX, 0x1234_0020L);

        guest.run("8ee0");

        assertThat(guest.vcpu().state().segment(SegmentRegister.FS).selector()).isEqualTo(0x20);
    }

    @Test
    void selectorThatCannotBeLoadedIsAFaultAndChangesNothing() {
        guest.set(Register.RAX, 0x60);

        guest.run("8ee8");

        assertThat(guest.vector()).isEqualTo(GP);
        assertThat(guest.stack(0)).isEqualTo(0x60);
        assertThat(guest.vcpu().state().segment(SegmentRegister.GS).selector()).isEqualTo(0x10);
    }

    @Test
    void interruptAndTrapWaitAfterMovToSs() {
        // With TF set: the trap is that after the instruction behind MOV SS.
        guest.set(Register.RAX, 0x10).flags(0x100);

        guest.run("8ed0 43 43");

        assertThat(guest.vector()).isEqualTo(1);
        assertThat(guest.stack(0)).isEqualTo(EmulatedGuest.CODE + 3);
        assertThat(guest.get(Register.RBX)).isEqualTo(1);
    }

    @ParameterizedTest
    @CsvSource({"c407, ES", "c507, DS", "0fb207, SS", "0fb407, FS", "0fb507, GS"})
    void loadsFarPointer(String code, SegmentRegister segment) {
        guest.memory().writeInt(EmulatedGuest.DATA, 0x12345678);
        guest.memory().writeShort(EmulatedGuest.DATA + 4, 0x10);
        guest.set(Register.RDI, EmulatedGuest.DATA)
                .change(state -> state.segment(segment, SegmentState.flatData(0x20)));

        if (segment == SegmentRegister.SS) {
            guest.change(state -> state.segment(segment, SegmentState.flatData(0x10)));
        }
        guest.run(code);

        assertThat(guest.get(Register.RAX)).isEqualTo(0x12345678);
        assertThat(guest.vcpu().state().segment(segment).selector()).isEqualTo(0x10);
    }

    @Test
    void farPointerWithA16BitOffsetLeavesTheUpperHalf() {
        use(EmulatedGuest.real());
        guest.memory().writeInt(EmulatedGuest.DATA, 0x1234_5678);
        guest.set(Register.RAX, 0xaaaa_aaaaL).set(Register.RBX, EmulatedGuest.DATA);

        guest.run("c407");

        assertThat(guest.get(Register.RAX)).isEqualTo(0xaaaa_5678L);
        assertThat(guest.vcpu().state().segment(SegmentRegister.ES).base()).isEqualTo(0x12340);
    }

    @ParameterizedTest
    @CsvSource({"0f38f105 00900000, 11223344", "660f38f105 00900000, ffff1122"})
    void bytesAreStoredTheOtherWayRound(String code, String stored) {
        guest.memory().writeInt(EmulatedGuest.DATA, -1);
        guest.set(Register.RAX, 0x4433_2211).run(code);

        assertThat(guest.memory().readInt(EmulatedGuest.DATA)).isEqualTo((int) Long.parseLong(stored, 16));
    }

    @Test
    void farPointerWithABadSelectorLeavesTheRegister() {
        guest.memory().writeInt(EmulatedGuest.DATA, 0x12345678);
        guest.memory().writeShort(EmulatedGuest.DATA + 4, 0x60);
        guest.set(Register.RAX, 5).set(Register.RDI, EmulatedGuest.DATA);

        guest.run("c407");

        assertThat(guest.vector()).isEqualTo(GP);
        assertThat(guest.get(Register.RAX)).isEqualTo(5);
    }

    @Test
    void loadingSsAsAFarPointerDoesNotHoldTrapsOff() {
        guest.memory().writeInt(EmulatedGuest.DATA, EmulatedGuest.STACK);
        guest.memory().writeShort(EmulatedGuest.DATA + 4, 0x10);
        guest.set(Register.RDI, EmulatedGuest.DATA).flags(0x100);

        assertThat(guest.run("0fb227 43")).isInstanceOf(VmExit.Halt.class);

        assertThat(guest.vector()).isEqualTo(1);
        assertThat(guest.stack(0)).isEqualTo(EmulatedGuest.CODE + 3);
    }
}
