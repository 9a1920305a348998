package dev.kvmguest.vmm.internal.boot;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.BootModule;
import dev.kvmguest.vmm.config.EntryPoint;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.image.GuestImage.Segment;
import dev.kvmguest.vmm.image.GuestImage.Symbol;
import dev.kvmguest.vmm.memory.MemoryLayout;
import dev.kvmguest.vmm.memory.MemoryLayout.Range;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** What is warned of in layouts that are possible, and what isn't. */
class LayoutCheckTests {

    private static final long RAM = 2 << 20;

    @ParameterizedTest
    @EnumSource(
            mode = EnumSource.Mode.EXCLUDE,
            names = {"MULTIBOOT", "PVH", "LINUX"})
    void usualGuestIsNotWarnedOf(BootMode mode) {
        assertThat(layout(Guests.flat(0x8000).withBoot(mode)).warnings()).isEmpty();
    }

    @Test
    void usualMultibootKernelIsNotWarnedOf() {
        VcpuConfig kernel = MultibootKernel.flat(Guests.code(16))
                .withCommandLine("quiet")
                .withModules(List.of(new BootModule("m", new byte[100])));

        MemoryLayout layout = layout(kernel);

        assertThat(layout.warnings()).isEmpty();
        assertThat(layout.ranges())
                .extracting(Range::name)
                .containsExactly(
                        "the interrupt vector table",
                        "the BIOS data area",
                        "the boot GDT",
                        "the boot IDT",
                        "the Multiboot information",
                        "the firmware's ROM",
                        "image kernel",
                        "module \"m\"",
                        "end of RAM");
    }

    @Test
    void fourGuestsSideBySideAreNotWarnedOf() {
        VcpuConfig guest = Guests.flat(4).withLoad(0x1_0000).withEntry(EntryPoint.segmented(0x1000, 0));

        assertThat(Guests.loader(RAM, guest, guest, guest, guest).layout().warnings())
                .isEmpty();
        assertThat(Guests.loader(RAM, Guests.flat("a", 4), Guests.flat("b", 4).withLoad(0x2000))
                        .layout()
                        .warnings())
                .isEmpty();
    }

    @Test
    void bssIsARangeOfItsOwn() {
        assertThat(layout(kernel(0x1000, 0x800, 0x3000)).table()).isEqualTo("""
                        0x00000000-0x000003ff       1024 bytes  the interrupt vector table
                        0x00000400-0x000004ff        256 bytes  the BIOS data area
                        0x00000500-0x00000527         40 bytes  the boot GDT
                        0x00000528-0x00000d27       2048 bytes  the boot IDT
                        0x00001000-0x000017ff       2048 bytes  image kernel
                        0x00001800-0x00003fff      10240 bytes  the BSS of image kernel
                        0x000ff000-0x000fffff       4096 bytes  the firmware's ROM
                        0x00100000-0x00100fff       4096 bytes  the boot page directory
                        0x00200000                              end of RAM
                        """);
    }

    @ParameterizedTest
    @CsvSource({"0x9e000, false", "0x9f000, false", "0x9f001, true", "0xa0000, true"})
    void imageOrBssThatEndsJustBeforeATableIsWarnedOf(String end, boolean warned) {
        long size = Long.decode(end) - 0x1000 + 0x6_0000;

        List<String> warnings = layout(kernel(0x1000, 0x10, size)).warnings().stream()
                .filter(warning -> warning.contains("directory"))
                .toList();

        assertThat(warnings).hasSize(warned ? 1 : 0);
        if (warned) {
            long last = 0x1000 + size;
            assertThat(warnings.get(0))
                    .isEqualTo("the BSS of image kernel at 0x1010-0x" + Long.toHexString(last - 1) + " ends "
                            + (0x10_0000 - last) + " bytes before the boot page directory at 0x100000-0x100fff; leave"
                            + " more room between them");
        }
    }

    @Test
    void onlyTheLastPartOfAnImageIsWarnedOf() {
        assertThat(layout(kernel(0xf_f000, 0x100, 0x200)).warnings())
                .filteredOn(warning -> warning.contains("directory"))
                .singleElement()
                .asString()
                .startsWith("the BSS of image kernel at 0xff100-0xff1ff ends 3584 bytes before");
    }

    @Test
    void imageThatEndsWithRamIsWarnedOf() {
        assertThat(layout(Guests.flat(0x10).withBoot(BootMode.PROTECTED).withLoad(RAM - 0x20))
                        .warnings())
                .containsExactly(
                        "image hello at 0x1fffe0-0x1fffef ends 16 bytes before the end of RAM at 0x200000; give"
                                + " the guest more memory");
        assertThat(layout(Guests.flat(0x1000).withBoot(BootMode.PROTECTED).withLoad(RAM - 0x2000))
                        .warnings())
                .isEmpty();
    }

    @Test
    void imageOverTheScreenIsWarnedOf() {
        assertThat(layout(Guests.flat(0x10).withBoot(BootMode.PROTECTED).withLoad(0xb_8000))
                        .warnings())
                .containsExactly(
                        "image hello at 0xb8000-0xb800f lies in video memory and firmware at 0xa0000-0xfffff on"
                                + " a PC; move it below or to 0x100000");
        assertThat(layout(Guests.flat(0x10).withBoot(BootMode.PROTECTED).withLoad(0x9_fff0))
                        .warnings())
                .isEmpty();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "stack_bottom=80002000 stack_top=80003000       | 0x2000-0x2fff",
                "__stack_start=80002000 __stack_end=80003000    | 0x2000-0x2fff",
                "_boot_stack=80002000 boot_stack_top=80003000   | 0x2000-0x2fff",
                "kernel_stack_bottom__=80002000 kernel_stack_top__=80003000 | 0x2000-0x2fff",
                "__bss_end=80005000 __stack_top=80025000        | 0x5000-0x24fff",
                "stack=80002000+400                             | 0x2000-0x23ff",
            })
    void stackIsKnownByItsLabels(String symbols, String range) {
        assertThat(layout(withSymbols(symbols)).ranges())
                .extracting(Range::toString)
                .contains("the stack of image kernel at " + range);
    }

    @Test
    void stacksOfSeveralNamesAreAllKnown() {
        MemoryLayout layout = layout(
                withSymbols(
                        "boot_stack=80002000+400 __kernel_stack_bottom=80004000 __kernel_stack_top=80006000 stack_top=80001010+4"));

        assertThat(layout.ranges())
                .filteredOn(range -> range.name().equals("the stack of image kernel"))
                .extracting(Range::start)
                .containsExactly(0x2000L, 0x4000L);
    }

    @ParameterizedTest
    @CsvSource({
        "stack_top=80003000",
        "stack=80002000",
        "stack_bottom=80003000 stack_top=80002000",
        "stack_bottom=80002000 stack_top=80003000+4",
        "boot_stack_bottom=80002000 kernel_stack_top=80003000",
        "stack_check=80002000 stack_topic=80003000"
    })
    void stackWithOneEndIsNotKnown(String symbols) {
        assertThat(layout(withSymbols(symbols)).ranges())
                .extracting(Range::name)
                .doesNotContain("the stack of image kernel");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "80002000-80003000 | ",
                "80098000-800a0000 | ",
                "80098000-800a0001 | lies in video memory and firmware at 0xa0000-0xfffff on a PC; move it below or to"
                        + " 0x100000",
                "80100800-80101800 | overlaps the boot page directory at 0x100000-0x100fff; move it",
                "80101000-80103000 | has its bottom 0 bytes above the boot page directory at 0x100000-0x100fff, into which"
                        + " it grows; leave more room between them",
                "801013ff-80103000 | has its bottom 1023 bytes above the boot page directory at 0x100000-0x100fff, into"
                        + " which it grows; leave more room between them",
                "80101400-80103000 | ",
                "801f0000-80200000 | ",
                "801f0000-80200010 | ends past RAM, which ends at 0x1fffff; give the guest more memory or move its stack",
            })
    void stackIsComparedWithWhatIsAround(String range, String warning) {
        String[] ends = range.split("-");
        VcpuConfig kernel = withSymbols("stack_bottom=" + ends[0] + " stack_top=" + ends[1]);

        List<String> warnings = layout(kernel).warnings();

        if (warning == null) {
            assertThat(warnings).isEmpty();
        } else {
            assertThat(warnings).singleElement().satisfies(text -> assertThat(text)
                    .startsWith("the stack of image kernel at 0x")
                    .endsWith(" " + warning));
        }
    }

    private static MemoryLayout layout(VcpuConfig guest) {
        return Guests.loader(RAM, guest).layout();
    }

    private static VcpuConfig kernel(long physical, int fileSize, long memorySize) {
        return Guests.elf(
                        0x8000_0000L + physical,
                        new Segment(physical, 0x8000_0000L + physical, Guests.code(fileSize), memorySize))
                .withBoot(BootMode.PAGED);
    }

    /** A paged kernel at 0x1000 with 0x3000 bytes and these symbols: name=address or name=address+size. */
    private static VcpuConfig withSymbols(String text) {
        List<Symbol> symbols = List.of(text.split(" ")).stream()
                .map(symbol -> symbol.split("[=+]"))
                .map(parts -> new Symbol(
                        parts[0], Long.parseLong(parts[1], 16), parts.length > 2 ? Long.parseLong(parts[2], 16) : 0))
                .toList();
        GuestImage image = new GuestImage(
                "kernel",
                GuestImage.Format.ELF32,
                List.of(new Segment(0x1000, 0x8000_1000L, Guests.code(0x10), 0x3000)),
                OptionalLong.of(0x8000_1000L),
                symbols);
        return VcpuConfig.of(image).withBoot(BootMode.PAGED);
    }
}
