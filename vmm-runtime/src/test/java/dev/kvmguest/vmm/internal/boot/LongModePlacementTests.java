package dev.kvmguest.vmm.internal.boot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EntryPoint;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.image.GuestImage.Segment;
import dev.kvmguest.vmm.memory.GuestMemory;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Where images of 64 bits go, where they are entered, and in which boot modes. */
class LongModePlacementTests {

    private static final long BASE = 0xffff_ffff_8000_0000L;

    private final GuestMemory memory = Guests.memory();

    private static VcpuConfig elf64(long entry, Segment... segments) {
        return VcpuConfig.of(new GuestImage(
                        "kernel", GuestImage.Format.ELF64, List.of(segments), OptionalLong.of(entry), List.of()))
                .withBoot(BootMode.LONG);
    }

    private static VcpuConfig kernel() {
        return elf64(0x10_0000, Guests.segment(0x10_0000, 0x10_0000, 4));
    }

    @Test
    void flatImageGoesTo1MAndIsEnteredAtItsFirstByte() {
        CpuState state = Guests.load(memory, Guests.flat(3).withBoot(BootMode.LONG));

        assertImageAt(0x10_0000, 3);
        assertThat(state.get(Register.RIP)).isEqualTo(0x10_0000);
    }

    @Test
    void kernelOfTheUpperHalfGoesWhereItsProgramHeadersSay() {
        CpuState state = Guests.load(memory, elf64(BASE + 0x10_0002, Guests.segment(0x10_0000, BASE + 0x10_0000, 4)));

        assertImageAt(0x10_0000, 4);
        assertThat(state.get(Register.RIP)).isEqualTo(BASE + 0x10_0002);
    }

    @Test
    void kernelLinkedWithoutLoadAddressesGoesWhereTheBootMapShowsIt() {
        Guests.load(memory, elf64(BASE + 0x10_0000, Guests.segment(BASE + 0x10_0000, BASE + 0x10_0000, 4)));

        assertImageAt(0x10_0000, 4);
    }

    @Test
    void partsLinkedLowStayLowBesideThoseOfTheUpperHalf() {
        CpuState state = Guests.load(
                memory,
                elf64(
                        0x10_0000,
                        Guests.segment(0x10_0000, 0x10_0000, 4),
                        Guests.segment(BASE + 0x11_0000, BASE + 0x11_0000, 4)));

        assertImageAt(0x10_0000, 4);
        assertImageAt(0x11_0000, 4);
        assertThat(state.get(Register.RIP)).isEqualTo(0x10_0000);
    }

    @Test
    void entryMayBeGivenWithAllItsBits() {
        CpuState state = Guests.load(
                memory,
                elf64(0x10_0000, Guests.segment(0x10_0000, BASE + 0x10_0000, 4))
                        .withEntry(EntryPoint.parse("0xffffffff80100002")));

        assertThat(state.get(Register.RIP)).isEqualTo(BASE + 0x10_0002);
    }

    @Test
    void entryOutsideTheImageIsRefused() {
        assertRefused(
                "entry 0x0 lies outside image kernel, which is at physical 0x100000-0x100003; it may be linked at"
                        + " another address than it is loaded at",
                elf64(0, Guests.segment(0x10_0000, 0x10_0000, 4)));
        assertRefused(
                "entry 0xffff800000100000 is not mapped when a guest is entered in boot mode long, which maps"
                        + " 0x0-0xffffffff and 0xffffffff80000000-0xffffffffffffffff",
                elf64(0xffff_8000_0010_0000L, Guests.segment(0x10_0000, 0xffff_8000_0010_0000L, 4)));
    }

    @ParameterizedTest
    @ValueSource(longs = {1L << 32, BASE + 0x10_0000})
    void entryAbove4GiBIsRefusedIn32BitMode(long entry) {
        assertRefused(
                "entry 0x" + Long.toHexString(entry) + " is above 4 GiB, where only boot mode long can enter a guest",
                elf64(entry, Guests.segment(0x10_0000, entry, 4)).withBoot(BootMode.PROTECTED));
    }

    @Test
    void segmentBeyondRamIsRefused() {
        assertRefused(
                "image kernel at 0x10000000000-0x10000000003 does not fit into RAM, which ends at 0x1fffff; give the"
                        + " guest a lower load address, or link it lower",
                elf64(0x10_0000, Guests.segment(0x10_0000, 0x10_0000, 4), Guests.segment(1L << 40, 1L << 40, 4)));
        assertRefused(
                "image kernel at 0xffff800000000000-0xffff800000000003 does not fit into RAM, which ends at 0x1fffff;"
                        + " link it with a physical address below that, by AT(...) in the linker script",
                elf64(
                        0x10_0000,
                        Guests.segment(0x10_0000, 0x10_0000, 4),
                        Guests.segment(0xffff_8000_0000_0000L, 0xffff_8000_0000_0000L, 4)));
    }

    @ParameterizedTest
    @EnumSource(names = {"PROTECTED", "LONG"})
    void fileOf64BitsIsTakenIn64BitModeAndIn32BitModeWithoutPaging(BootMode mode) {
        CpuState state = Guests.load(memory, kernel().withBoot(mode));

        assertImageAt(0x10_0000, 4);
        assertThat(state.get(Register.RIP)).isEqualTo(0x10_0000);
    }

    @ParameterizedTest
    @EnumSource(names = {"REAL", "PAGED", "PAGED_4K"})
    void fileOf64BitsIsRefusedElsewhere(BootMode mode) {
        assertRefused(
                "image kernel is a 64-bit ELF file, and boot mode " + mode + " runs "
                        + (mode == BootMode.REAL ? 16 : 32)
                        + "-bit code; choose boot mode long, or compile and link it for i386 (-m32, ld -m elf_i386)",
                kernel().withBoot(mode));
    }

    @Test
    void fileOf32BitsIsRefusedIn64BitMode() {
        assertRefused(
                "image kernel is a 32-bit ELF file, and boot mode long runs 64-bit code; choose boot mode protected, or"
                        + " compile and link it for x86-64 (-m64, ld -m elf_x86_64)",
                Guests.elf(0x10_0000, Guests.segment(0x10_0000, 0x10_0000, 4)).withBoot(BootMode.LONG));
    }

    private void assertRefused(String message, VcpuConfig guest) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Guests.load(memory, guest))
                .satisfies(e -> assertThat(e.getMessage().lines().findFirst()).hasValue(message));
        Guests.assertZero(memory);
    }

    private void assertImageAt(long address, int size) {
        assertThat(memory.read(address - 1, size + 2)).startsWith(0).endsWith(0).containsSequence(Guests.code(size));
    }
}
