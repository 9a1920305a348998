package dev.kvmguest.vmm.internal.boot;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EntryPoint;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.memory.GuestMemory;
import dev.kvmguest.vmm.memory.MemoryLayout.Range;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Tables whose usual place an image has are elsewhere; registers, maps and the layout follow. */
class MovedTablesTests {

    private final GuestMemory memory = Guests.memory();

    @ParameterizedTest
    @CsvSource({
        "PROTECTED, 0x4ff,    2,     0xe0000, 0x528",
        "PROTECTED, 0x500,    0x28,  0xe0000, 0x528",
        "PROTECTED, 0x528,    1,     0x500,   0xe0000",
        "PROTECTED, 0x800,    0x100, 0x500,   0xe0000",
        "PROTECTED, 0x4ff,    0x900, 0xe0000, 0xe0028",
        "PAGED,     0xd27,    0x100, 0x500,   0xe0000",
        "PROTECTED, 0xd28,    0x100, 0x500,   0x528"
    })
    void descriptorTablesMakeWay(BootMode mode, String load, String size, String gdt, String idt) {
        CpuState state = Guests.load(
                memory, Guests.flat(Integer.decode(size)).withBoot(mode).withLoad(Long.decode(load)));

        assertThat(state.gdt().base()).isEqualTo(Long.decode(gdt));
        assertThat(state.idt().base()).isEqualTo(Long.decode(idt));
        assertThat(memory.read(Long.decode(load), Integer.decode(size))).containsOnly(0xf4);
        assertThat(memory.readLong(state.gdt().base() + 8)).isEqualTo(0x00cf_9a00_0000_ffffL);
        assertThat(memory.read(state.idt().base(), 0x800)).containsOnly(0);
    }

    @ParameterizedTest
    @CsvSource({
        "PAGED,    0xfffff,  2, 0xe0000",
        "PAGED,    0x100800, 2, 0xe0000",
        "PAGED_4K, 0x100fff, 1, 0xe0000",
        "PAGED_4K, 0x101000, 4, 0x100000",
        "PAGED_4K, 0x102fff, 4, 0x100000"
    })
    void pageTablesMakeWay(BootMode mode, String load, int size, String directory) {
        CpuState state = Guests.load(memory, Guests.flat(size).withBoot(mode).withLoad(Long.decode(load)));

        assertThat(state.get(Register.CR3)).isEqualTo(Long.decode(directory));
        assertThat(memory.read(Long.decode(load), size)).containsOnly(0xf4);
        int entry = memory.readInt(state.get(Register.CR3));
        if (mode == BootMode.PAGED_4K) {
            assertThat(memory.readInt((entry & ~0xfff) + 4 * 0x123)).isEqualTo(0x12_3003);
            assertThat(memory.readInt((entry & ~0xfff) + 0x1000)).isEqualTo(0x40_0003);
        } else {
            assertThat(entry).isEqualTo(0x83);
        }
    }

    @Test
    void layoutSaysWhereTheyWent() {
        assertThat(names(Guests.flat(0x100).withBoot(BootMode.PROTECTED).withLoad(0x800)))
                .contains("the boot GDT at 0x500-0x527", "the boot IDT at 0xe0000-0xe07ff");
    }

    @Test
    void imageThatHasAllOfTheFirmwaresMemoryLeavesThemTheHighest() {
        // From 0x500 to 0x100000, all of it.
        VcpuConfig guest = Guests.flat(0xf_fb00).withBoot(BootMode.PROTECTED).withLoad(0x500);

        CpuState state = Guests.load(memory, guest);

        assertThat(state.gdt().base()).isEqualTo(0x1f_ffd8);
        assertThat(state.idt().base()).isEqualTo(0x1f_f7d8);
        assertThat(memory.read(0x500, 0xf_fb00)).containsOnly(0xf4);
        assertThat(names(guest)).noneMatch(name -> name.contains("ROM"));
    }

    @Test
    void imageAtTheReset64KibLeavesTheRomElsewhere() {
        VcpuConfig guest = Guests.flat(0x1_0000).withLoad(0xf_0000).withEntry(EntryPoint.segmented(0xf000, 0x45));

        Guests.load(memory, guest);

        assertThat(memory.read(0xf_0000, 0x1_0000)).containsOnly(0xf4);
        assertThat(names(guest)).contains("the firmware's ROM at 0xe0000-0xe0fff");
        // The vectors follow: that of exception 0.
        assertThat(16L * memory.readShort(2) + memory.readShort(0)).isEqualTo(0xe_0000);
    }

    private static List<String> names(VcpuConfig guest) {
        return Guests.loader(2 << 20, guest).layout().ranges().stream()
                .map(Range::toString)
                .toList();
    }
}
