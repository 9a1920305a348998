package dev.kvmguest.vmm.internal.boot;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EntryPoint;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.image.GuestImage.Segment;
import dev.kvmguest.vmm.memory.GuestMemory;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Where an image goes, and where it is entered. */
class PlacementTests {

    private final GuestMemory memory = Guests.memory();

    @ParameterizedTest
    @CsvSource({"REAL, 0x1000", "PROTECTED, 0x1000", "PAGED, 0x80001000", "PAGED_4K, 0x80001000"})
    void flatImageGoesTo4KAndIsEnteredAtItsFirstByte(BootMode mode, String eip) {
        CpuState state = Guests.load(memory, Guests.flat(3).withBoot(mode));

        assertImageAt(0x1000, 3);
        assertThat(state.eip()).isEqualTo(Long.decode(eip));
    }

    @ParameterizedTest
    @CsvSource({"REAL, 0x7c00", "PROTECTED, 0x7c00", "PAGED, 0x80007c00", "PAGED_4K, 0x80007c00"})
    void flatImageGoesWhereItIsTold(BootMode mode, String eip) {
        CpuState state = Guests.load(memory, Guests.flat(3).withBoot(mode).withLoad(0x7c00));

        assertImageAt(0x7c00, 3);
        assertThat(state.eip()).isEqualTo(Long.decode(eip));
    }

    @ParameterizedTest
    @CsvSource({"PROTECTED, 0x1002", "PAGED, 0x80001002", "PAGED, 0x1002", "PAGED_4K, 0x1002"})
    void entryMayBeAnywhereInTheImage(BootMode mode, String entry) {
        CpuState state = Guests.load(memory, Guests.flat(3).withBoot(mode).withEntry(EntryPoint.parse(entry)));

        assertThat(state.eip()).isEqualTo(Long.decode(entry));
    }

    @Test
    void imageMayFillRamToItsLastByte() {
        Guests.load(memory, Guests.flat(0x1000).withBoot(BootMode.PROTECTED).withLoad(memory.size() - 0x1000));

        assertThat(memory.readByte(memory.size() - 1)).isEqualTo(0xf4);
    }

    @Test
    void elfGoesWhereItsProgramHeadersSay() {
        CpuState state = Guests.load(
                memory,
                Guests.elf(
                                0x8000_3001L,
                                Guests.segment(0x1000, 0x8000_1000L, 4),
                                Guests.segment(0x3000, 0x8000_3000L, 4))
                        .withBoot(BootMode.PAGED));

        assertImageAt(0x1000, 4);
        assertImageAt(0x3000, 4);
        assertThat(state.eip()).isEqualTo(0x8000_3001L);
    }

    @Test
    void whatTheFileDoesNotHoldIsZero() {
        Segment withBss = new Segment(0x1000, 0x1000, Guests.code(2), 0x100);

        Guests.load(memory, Guests.elf(0x1000, withBss).withBoot(BootMode.PROTECTED));

        assertImageAt(0x1000, 2);
        assertThat(memory.read(0x1002, 0xfe)).containsOnly(0);
    }

    @Test
    void elfIsMovedAsAWhole() {
        CpuState state = Guests.load(
                memory,
                Guests.elf(0x5000, Guests.segment(0x1000, 0x1000, 4), Guests.segment(0x1800, 0x1800, 4))
                        .withBoot(BootMode.PROTECTED)
                        .withLoad(0x5000));

        assertImageAt(0x5000, 4);
        assertImageAt(0x5800, 4);
        assertThat(memory.read(0x1000, 4)).containsOnly(0);
        assertThat(state.eip()).isEqualTo(0x5000);
    }

    @ParameterizedTest
    @EnumSource(names = {"PAGED", "PAGED_4K"})
    void elfLinkedHighWithoutLoadAddressesGoesWhereTheMapShowsIt(BootMode mode) {
        CpuState state = Guests.load(
                memory,
                Guests.elf(
                                0x8000_1002L,
                                Guests.segment(0x8000_1000L, 0x8000_1000L, 4),
                                Guests.segment(0x8000_2000L, 0x8000_2000L, 4))
                        .withBoot(mode));

        assertImageAt(0x1000, 4);
        assertImageAt(0x2000, 4);
        assertThat(state.eip()).isEqualTo(0x8000_1002L);
    }

    @Test
    void entryFromTheConfigurationWins() {
        CpuState state = Guests.load(
                memory,
                Guests.elf(0x1000, Guests.segment(0x1000, 0x1000, 4))
                        .withBoot(BootMode.PROTECTED)
                        .withEntry(EntryPoint.linear(0x1003)));

        assertThat(state.eip()).isEqualTo(0x1003);
    }

    @Test
    void realModeImageMayLieOverTheBootTablesOfOtherModes() {
        Guests.load(memory, Guests.flat(0x100).withLoad(0x500));

        assertImageAt(0x500, 0x100);
    }

    @Test
    void largePagesLeaveThePlaceOfThePageTablesFree() {
        Guests.load(memory, Guests.flat(4).withBoot(BootMode.PAGED).withLoad(0x10_1000));

        assertImageAt(0x10_1000, 4);
    }

    @Test
    void vcpusGetSegmentsOfTheirOwn() {
        List<CpuState> states = BootLoader.load(
                memory,
                List.of(
                        Guests.flat("a", 4).withLoad(0x1_0000).withEntry(EntryPoint.segmented(0x1000, 0)),
                        Guests.flat("b", 4).withLoad(0x7c00).withEntry(EntryPoint.segmented(0, 0x7c02)),
                        Guests.flat("c", 4).withLoad(0x7c00).withEntry(EntryPoint.segmented(0x7c0, 1))));

        assertImageAt(0x1_0000, 4);
        assertStart(states.get(0), 0x1000, 0, 0);
        assertImageAt(0x2_7c00, 4);
        assertStart(states.get(1), 0x2000, 0x7c02, 0x7c00);
        assertImageAt(0x3_0000, 4);
        assertStart(states.get(2), 0x3000, 1, 0);
        assertThat(memory.read(0x7c00, 4)).containsOnly(0);
    }

    @Test
    void vcpuWithALinearEntryStaysWhereItIs() {
        List<CpuState> states = BootLoader.load(
                memory, List.of(Guests.flat("a", 4), Guests.flat("b", 4).withLoad(0x3000)));

        assertImageAt(0x1000, 4);
        assertStart(states.get(0), 0, 0x1000, 0x1000);
        assertImageAt(0x3000, 4);
        assertStart(states.get(1), 0, 0x3000, 0x3000);
    }

    @Test
    void vcpuWhoseImageStartsBelowItsSegmentStaysWhereItIs() {
        List<CpuState> states = BootLoader.load(
                memory,
                List.of(
                        Guests.flat("a", 4),
                        Guests.flat("b", 0x20).withLoad(0x3_fff0).withEntry(EntryPoint.segmented(0x4000, 0))));

        assertImageAt(0x3_fff0, 0x20);
        assertStart(states.get(1), 0x4000, 0, 0);
    }

    @Test
    void guestAloneIsNotMoved() {
        CpuState state =
                Guests.load(memory, Guests.flat(4).withLoad(0x4_0000).withEntry(EntryPoint.segmented(0x4000, 0)));

        assertImageAt(0x4_0000, 4);
        assertStart(state, 0x4000, 0, 0);
    }

    private static void assertStart(CpuState state, int segment, long ip, long sp) {
        for (SegmentRegister register :
                List.of(SegmentRegister.CS, SegmentRegister.DS, SegmentRegister.ES, SegmentRegister.SS)) {
            assertThat(state.segment(register).selector()).isEqualTo(segment);
        }
        assertThat(state.get(Register.RIP)).isEqualTo(ip);
        assertThat(state.get(Register.RSP)).isEqualTo(sp);
    }

    private void assertImageAt(long address, int size) {
        assertThat(memory.read(address, size)).containsOnly(0xf4);
        if (address + size < memory.size()) {
            assertThat(memory.readByte(address + size)).isZero();
        }
    }
}
