package dev.kvmguest.vmm.internal.emulator;

import static dev.kvmguest.vmm.TestGuest.flat;
import static dev.kvmguest.vmm.TestGuest.real;
import static dev.kvmguest.vmm.TestGuest.realWithVectors;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.DescriptorTable;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.internal.boot.BootLoader;
import dev.kvmguest.vmm.internal.emulator.EmulatorEngine.EmulatedMachine;
import dev.kvmguest.vmm.internal.emulator.exec.EmulatedGuest;
import dev.kvmguest.vmm.internal.engine.Activity;
import dev.kvmguest.vmm.internal.engine.SavedGuests;
import dev.kvmguest.vmm.internal.engine.SavedRuns;
import dev.kvmguest.vmm.internal.engine.VcpuState;
import dev.kvmguest.vmm.internal.engine.VmExit;
import dev.kvmguest.vmm.internal.engine.XsaveArea;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A guest that is saved, wherever it is, goes on in another machine as it would have. */
@Timeout(60)
class SavedGuestTests {

    private static final int MOST_EXITS = 200;

    private static int saveAfterEachExit(VcpuConfig guest, boolean stepping) {
        return new SavedRuns(
                        EmulatorEngine.instance(),
                        1 << 20,
                        memory -> BootLoader.load(memory, List.of(guest)).get(0),
                        stepping,
                        MOST_EXITS)
                .assertAllEndAlike();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void guestThatUsesAllThatAVcpuHasGoesOn(boolean stepping) {
        assertThat(saveAfterEachExit(flat(SavedGuests.ALL), stepping)).isGreaterThan(stepping ? 120 : 30);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void realModeGuestGoesOn(boolean stepping) {
        assertThat(saveAfterEachExit(realWithVectors(SavedGuests.REAL), stepping))
                .isGreaterThan(stepping ? 40 : 10);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void virtual8086GuestGoesOn(boolean stepping) {
        assertThat(saveAfterEachExit(flat(SavedGuests.VIRTUAL_8086), stepping)).isGreaterThan(stepping ? 15 : 3);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void vectorRegistersAndDebugRegistersGoOn(boolean stepping) {
        assertThat(saveAfterEachExit(flat(SavedGuests.REGISTERS), stepping)).isGreaterThan(stepping ? 25 : 5);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void exceptionWhoseGateAwaitsTheHostIsDelivered(boolean stepping) {
        assertThat(saveAfterEachExit(flat(SavedGuests.GATES_WITHOUT_RAM), stepping))
                .isGreaterThan(1);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void pageDirectoryPointersAreThoseThatWereLoaded(boolean stepping) {
        assertThat(saveAfterEachExit(flat(SavedGuests.STALE_POINTERS), stepping))
                .isGreaterThan(1);
    }

    @Test
    void vcpuThatHasShutDownOrHaltedIsSavedAsThat() {
        try (EmulatedGuest dead = EmulatedGuest.flat(0);
                EmulatedGuest other = EmulatedGuest.flat(0)) {
            dead.change(state -> state.idt(new DescriptorTable(0, 0)));
            assertThat(dead.run("0f 0b")).isInstanceOf(VmExit.Shutdown.class); // ud2
            VcpuState shutDown = dead.vcpu().save();
            assertThat(other.run("90")).isInstanceOf(VmExit.Halt.class); // nop
            VcpuState halted = other.vcpu().save();

            other.vcpu().restore(shutDown);

            assertThat(shutDown.activity()).isEqualTo(Activity.SHUTDOWN);
            assertThat(halted.activity()).isEqualTo(Activity.HALTED);
            assertThat(other.vcpu().save()).isEqualTo(shutDown);
            assertThat(other.run()).isInstanceOf(VmExit.Shutdown.class);
            other.vcpu().restore(halted);
            assertThat(other.vcpu().save()).isEqualTo(halted);
        }
    }

    @Test
    void haltedVcpuLetsTheOthersRunFromTheStart() {
        try (EmulatedMachine machine = EmulatorEngine.instance().createMachine(1 << 20, 2)) {
            List<VcpuConfig> guests = List.of(real("f4"), real("90 f4").withLoad(0x2000)); // hlt; nop, hlt
            List<CpuState> states = BootLoader.load(machine.memory(), guests);
            machine.vcpu(0).setState(states.get(0));
            machine.vcpu(1).setState(states.get(1));
            assertThat(machine.vcpu(0).run()).isInstanceOf(VmExit.Halt.class);
            VcpuState halted = machine.vcpu(0).save();
            try (EmulatedMachine copy = EmulatorEngine.instance().createMachine(1 << 20, 2)) {
                machine.memory().copyTo(copy.memory());
                copy.vcpu(0).restore(halted);
                copy.vcpu(1).setState(states.get(1));

                assertThat(copy.vcpu(1).run()).isInstanceOf(VmExit.Halt.class);
            }
        }
    }

    @Test
    void whatTheEmulatorLacksIsRefusedByName() {
        try (EmulatedGuest guest = EmulatedGuest.flat(0)) {
            VcpuState state = guest.vcpu().save();
            SortedMap<Integer, Long> msrs = new TreeMap<>(state.msrs());
            msrs.put(0xc000_0104, 1L);
            ByteBuffer area = ByteBuffer.allocate(XsaveArea.MINIMUM_SIZE).order(ByteOrder.LITTLE_ENDIAN);
            area.put(0, new byte[XsaveArea.MINIMUM_SIZE]).putLong(XsaveArea.XSTATE_BV, 7);

            assertThatThrownBy(() -> guest.vcpu().restore(with(state, state.fpu(), msrs)))
                    .isInstanceOf(VmmException.class)
                    .hasMessage("the emulator can't go on from this state: it lacks MSR 0xc0000104");
            assertThatThrownBy(() -> guest.vcpu().restore(with(state, new XsaveArea(area), state.msrs())))
                    .isInstanceOf(VmmException.class)
                    .hasMessage("the emulator can't go on from this state: it lacks some of the registers of"
                            + " XSTATE_BV=0x7");
        }
    }

    /** As KVM has it: offsets of 64 bits, and Linux's own at the first of the bytes that are software's. */
    @Test
    void offsetsOfX87InstructionsHave64BitsAndNoSelectors() {
        ByteBuffer area = ByteBuffer.allocate(XsaveArea.MINIMUM_SIZE).order(ByteOrder.LITTLE_ENDIAN);
        area.putShort(XsaveArea.FCW, (short) 0x37f)
                .putLong(XsaveArea.FIP, 0xffff_ffff_8000_1234L)
                .putLong(XsaveArea.FDP, 0x1234_5678_9abcL)
                .putInt(XsaveArea.MXCSR, 0x1f80)
                .putLong(XsaveArea.SOFTWARE, 0x0002_0000_0000_0007L)
                .putLong(XsaveArea.XSTATE_BV, XsaveArea.X87);
        try (EmulatedGuest guest = EmulatedGuest.long64(0)) {
            guest.set(Register.CR4, 0x220).set(Register.RBX, EmulatedGuest.DATA);
            VcpuState state = guest.vcpu().save();
            guest.vcpu().restore(with(state, new XsaveArea(area), state.msrs()));

            ByteBuffer saved = guest.vcpu().save().fpu().bytes();
            assertThat(saved.getLong(XsaveArea.FIP)).isEqualTo(0xffff_ffff_8000_1234L);
            assertThat(saved.getLong(XsaveArea.FDP)).isEqualTo(0x1234_5678_9abcL);

            guest.run("48 0f ae 03"); // fxsave64 [rbx]

            assertThat(guest.memory().readLong(EmulatedGuest.DATA + XsaveArea.FIP))
                    .isEqualTo(0xffff_ffff_8000_1234L);
            assertThat(guest.memory().readLong(EmulatedGuest.DATA + XsaveArea.FDP))
                    .isEqualTo(0x1234_5678_9abcL);
        }
    }

    @Test
    void selectorsOfX87InstructionsAreNoPartOfTheirOffsets() {
        try (EmulatedGuest guest = EmulatedGuest.flat(0);
                EmulatedGuest other = EmulatedGuest.flat(0)) {
            guest.set(Register.RBX, EmulatedGuest.DATA).run("d9 e8 d8 03"); // fld1; fadd dword [ebx]
            VcpuState saved = guest.vcpu().save();

            assertThat(saved.fpu().bytes().getLong(XsaveArea.FIP)).isEqualTo(EmulatedGuest.CODE + 2);
            other.vcpu().restore(saved);
            assertThat(other.vcpu().save()).isEqualTo(saved);
            other.set(Register.RIP, EmulatedGuest.CODE).run("d9 33"); // fnstenv [ebx]
            assertThat(other.memory().readShort(EmulatedGuest.DATA + 16) & 0xffff)
                    .isEqualTo(8);
        }
    }

    @Test
    void taskPriorityIsSaved() {
        try (EmulatedGuest guest = EmulatedGuest.long64(0);
                EmulatedGuest other = EmulatedGuest.long64(0)) {
            guest.set(Register.RAX, 9).run("44 0f 22 c0"); // mov cr8, rax
            VcpuState saved = guest.vcpu().save();
            assertThat(saved.taskPriority()).isEqualTo(9);

            other.vcpu().restore(saved);
            other.set(Register.RIP, EmulatedGuest.CODE).run("44 0f 20 c3"); // mov rbx, cr8
            assertThat(other.get(Register.RBX)).isEqualTo(9);
        }
    }

    @Test
    void componentsThatXsaveSavesAreThoseThatTheGuestHasTurnedOn() {
        try (EmulatedGuest guest = EmulatedGuest.flat(0);
                EmulatedGuest other = EmulatedGuest.flat(0)) {
            assertThat(guest.vcpu().save().xcr0()).isEqualTo(XsaveArea.X87);
            // mov eax,cr4; bts eax,18; mov cr4,eax; xor ecx,ecx; xor edx,edx; mov eax,3; xsetbv
            guest.run("0f 20 e0 0f ba e8 12 0f 22 e0 31 c9 31 d2 b8 03 00 00 00 0f 01 d1");
            VcpuState saved = guest.vcpu().save();
            assertThat(saved.xcr0()).isEqualTo(XsaveArea.X87 | XsaveArea.SSE);

            other.vcpu().restore(saved);
            assertThat(other.vcpu().save()).isEqualTo(saved);
            other.set(Register.RIP, EmulatedGuest.CODE).run("31 c0 0f 01 d0"); // xor eax,eax; xgetbv
            assertThat(other.get(Register.RAX)).isEqualTo(3);
            VcpuState withoutXsave = with(saved, saved.fpu(), 0, saved.msrs());
            other.vcpu().restore(withoutXsave);
            assertThat(other.vcpu().save().xcr0()).isEqualTo(XsaveArea.X87);
            assertThatThrownBy(() -> other.vcpu().restore(with(saved, saved.fpu(), 7, saved.msrs())))
                    .isInstanceOf(VmmException.class)
                    .hasMessage("the emulator can't go on from this state: it lacks some of the registers of XCR0=0x7");
        }
    }

    private static VcpuState with(VcpuState state, XsaveArea fpu, SortedMap<Integer, Long> msrs) {
        return with(state, fpu, state.xcr0(), msrs);
    }

    private static VcpuState with(VcpuState state, XsaveArea fpu, long xcr0, SortedMap<Integer, Long> msrs) {
        return new VcpuState(
                state.registers(),
                state.pageDirectoryPointers(),
                fpu,
                xcr0,
                state.taskPriority(),
                msrs,
                state.debugRegisters(),
                state.events(),
                state.progress(),
                state.activity(),
                state.time(),
                state.instructions());
    }
}
