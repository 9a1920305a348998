package dev.kvmguest.vmm.internal.boot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EntryPoint;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.image.GuestImage.Segment;
import dev.kvmguest.vmm.memory.GuestMemory;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Guests that can't be placed as they are configured: each is named with what is in the way, and nothing is loaded. */
class RefusedLoadTests {

    @Test
    void imagePastTheEndOfRamNamesBothRanges() {
        assertRefused(
                "image hello at 0x1ffff0-0x20000f does not fit into RAM, which ends at 0x1fffff; give the guest more"
                        + " memory or another load address",
                Guests.flat(0x20).withBoot(BootMode.PROTECTED).withLoad(0x1f_fff0));
    }

    @Test
    void zeroFilledPartCountsToo() {
        assertRefused(
                "the BSS of image kernel at 0x1001-0x100000fff does not fit into RAM, which ends at 0x1fffff; give the"
                        + " guest a lower load address, or link it lower",
                Guests.elf(0x1000, new Segment(0x1000, 0x1000, Guests.code(1), 0x1_0000_0000L))
                        .withBoot(BootMode.PROTECTED));
    }

    @Test
    void elfLinkedHighDoesNotFitWithoutPaging() {
        assertRefused(
                "image kernel at 0x80001000-0x80001003 does not fit into RAM, which ends at 0x1fffff; give the guest a"
                        + " lower load address, or link it lower",
                Guests.elf(0x8000_1000L, Guests.segment(0x8000_1000L, 0x8000_1000L, 4))
                        .withBoot(BootMode.PROTECTED));
    }

    @Test
    void everySegmentIsLookedAt() {
        assertRefused(
                "image kernel at 0x1fffff-0x200002 does not fit into RAM, which ends at 0x1fffff; give the guest more"
                        + " memory or another load address",
                Guests.elf(0x2000, Guests.segment(0x2000, 0x2000, 4), Guests.segment(0x1f_ffff, 0x1f_ffff, 4))
                        .withBoot(BootMode.PROTECTED));
    }

    @Test
    void imagesOfTwoVcpusMayNotOverlap() {
        assertRefused(
                "image b at 0x1003-0x1006 overlaps image a at 0x1000-0x1003; move the image",
                Guests.flat("a", 4),
                Guests.flat("b", 4).withLoad(0x1003));
    }

    @Test
    void pagingNeedsRamForItsTables() {
        GuestMemory memory = Guests.memory(1 << 20);

        assertThatIllegalArgumentException()
                .isThrownBy(() -> Guests.load(memory, Guests.flat(4).withBoot(BootMode.PAGED)))
                .withMessageStartingWith(
                        "the boot page directory at 0x100000-0x100fff does not fit into RAM, which ends"
                                + " at 0xfffff; give the guest more memory or another load address\n");
        Guests.assertZero(memory);
    }

    @Test
    void refusalShowsWhatElseLiesInMemory() {
        GuestMemory memory = Guests.memory();

        assertThatIllegalArgumentException()
                .isThrownBy(() -> BootLoader.load(
                        memory,
                        List.of(Guests.flat("a", 0x10), Guests.flat("b", 4).withLoad(0x100e))))
                .withMessage("""
                        image b at 0x100e-0x1011 overlaps image a at 0x1000-0x100f; move the image
                            0x00001000-0x0000100f         16 bytes  image a
                            0x0000100e-0x00001011          4 bytes  image b""");
    }

    static Stream<Arguments> strayEntries() {
        return Stream.of(
                arguments(BootMode.REAL, "0xfff"),
                arguments(BootMode.REAL, "0x1004"),
                arguments(BootMode.REAL, "0x1000:0x0"),
                arguments(BootMode.PROTECTED, "0x80001000"),
                arguments(BootMode.PAGED, "0x80000fff"),
                arguments(BootMode.PAGED, "0x80001004"),
                arguments(BootMode.PAGED_4K, "0x2000"));
    }

    @ParameterizedTest
    @MethodSource("strayEntries")
    void entryOutsideTheImageIsRefused(BootMode mode, String entry) {
        assertRefused(
                "entry " + entry + " lies outside image hello, which is at physical 0x1000-0x1003; it may be linked at"
                        + " another address than it is loaded at",
                Guests.flat(4).withBoot(mode).withEntry(EntryPoint.parse(entry)));
    }

    @Test
    void entryThatTheBootMapDoesNotShowIsRefused() {
        for (BootMode mode : List.of(BootMode.PAGED, BootMode.PAGED_4K)) {
            for (String entry : List.of("0x400000", "0x80800000", "0x7fffffff")) {
                assertRefused(
                        "entry " + entry + " is not mapped when a guest is entered in boot mode " + mode
                                + ", which maps 0x0-0x3fffff and 0x80000000-0x807fffff",
                        Guests.flat(4).withBoot(mode).withEntry(EntryPoint.parse(entry)));
            }
        }
    }

    @Test
    void loadBeyondTheBootMapIsRefusedAsSuch() {
        assertRefused(
                "load 0x80000000 is beyond what is mapped when a guest is entered in boot mode paged",
                Guests.flat(4).withBoot(BootMode.PAGED).withLoad(0x8000_0000L));
    }

    @Test
    void stackOfOneVcpuMayNotLieInTheImageOfAnother() {
        assertRefused(
                "the stack of image b at 0xf80-0x107f overlaps image a at 0x1000-0x1003; move the image",
                Guests.flat("a", 4),
                Guests.flat("b", 4).withLoad(0x1080));
    }

    @Test
    void sixteenthVcpuHasNoSegmentLeft() {
        VcpuConfig[] guests = new VcpuConfig[16];
        Arrays.fill(guests, Guests.flat(4).withLoad(0x1_0000).withEntry(EntryPoint.segmented(0x1000, 0)));

        assertRefused(
                "vCPU 15 has no segment of its own left for image hello: real mode reaches 15 of 64 KiB, from 0x10000 to"
                        + " 0xfffff",
                guests);
    }

    @Test
    void elfLoadedElsewhereThanLinkedHasItsEntryOutside() {
        assertRefused(
                "entry 0x1000 lies outside image kernel, which is at physical 0x5000-0x5003; it may be linked at"
                        + " another address than it is loaded at",
                Guests.elf(0x1000, Guests.segment(0x1000, 0x1000, 4))
                        .withBoot(BootMode.PROTECTED)
                        .withLoad(0x5000));
    }

    @Test
    void onlyRealModeHasSegments() {
        for (BootMode mode : List.of(BootMode.PROTECTED, BootMode.PAGED, BootMode.PAGED_4K)) {
            assertRefused(
                    "entry 0x100:0x0 has a segment, which only real mode can use; boot " + mode.id()
                            + " takes a linear address",
                    Guests.flat(4).withBoot(mode).withEntry(EntryPoint.segmented(0x100, 0)));
        }
    }

    @Test
    void linearEntryAbove64KInRealModeSaysHowToWriteIt() {
        assertRefused(
                "entry 0x20004 is not below 64 KiB, where real mode can start at a linear address; write it as"
                        + " SEG:OFF, such as 0x2000:0x4",
                Guests.flat(8).withLoad(0x2_0000).withEntry(EntryPoint.linear(0x2_0004)));
        assertRefused(
                "entry 0x10000 is not below 64 KiB, where real mode can start at a linear address; write it as"
                        + " SEG:OFF, such as 0x1000:0x0",
                Guests.flat(8).withLoad(0x1_0000));
        assertRefused(
                "entry 0x20004 is not below 64 KiB, where real mode can start at a linear address; write it as"
                        + " SEG:OFF, such as 0x1ff0:0x104",
                Guests.flat(0x200).withLoad(0x1_ff00).withEntry(EntryPoint.linear(0x2_0004)));
    }

    @Test
    void entryThatRealModeCanNotReachNamesAModeThatCan() {
        String refusal = "entry 0x100010 is not below 64 KiB, where real mode can start at a linear address; ";

        assertRefused(
                refusal + "choose boot mode protected, in which it can be entered there",
                Guests.flat(8).withLoad(0x10_0010));
        assertRefused(
                refusal.replace("0x100010", "0x80001000") + "choose boot mode paged, in which it can be entered there",
                Guests.elf(0x8000_1000L, Guests.segment(0x1000, 0x8000_1000L, 4)));
        assertRefused(
                refusal.replace("0x100010", "0xc0100000")
                        + "it must be an address in the image, which is at physical 0x100000-0x100003, and for real mode"
                        + " below 1 MiB",
                Guests.elf(0xc010_0000L, Guests.segment(0x10_0000, 0xc010_0000L, 4)));
    }

    /** Whoever does as an error says must not be refused next. */
    @Test
    void adviceOnAnEntryIsFollowedWithoutAnotherRefusal() {
        for (long load : new long[] {0x1000, 0xfff8, 0x1_0000, 0x1_2345, 0x9_0000, 0xf_fff0, 0x10_0000, 0x10_ffe0}) {
            for (long entry : new long[] {load, load + 1, load + 0xffff, load + 0x1_0000, load + 0x1_7fff}) {
                VcpuConfig guest = Guests.flat(0x1_8000).withLoad(load).withEntry(EntryPoint.linear(entry));
                if (entry <= 0xffff) {
                    continue;
                }
                String message = assertThatIllegalArgumentException()
                        .isThrownBy(() -> Handovers.of(guest))
                        .actual()
                        .getMessage();
                Handovers.of(followed(guest, message));
            }
        }
    }

    private static VcpuConfig followed(VcpuConfig guest, String message) {
        Matcher segmented = Pattern.compile("such as (.*)$").matcher(message);
        if (segmented.find()) {
            EntryPoint point = EntryPoint.parse(segmented.group(1));
            assertThat(point.linearAddress())
                    .isEqualTo(guest.entry().orElseThrow().offset());
            return guest.withEntry(point);
        }
        Matcher mode = Pattern.compile("choose boot mode (\\S+),").matcher(message);
        assertThat(mode.find()).as(message).isTrue();
        return guest.withBoot(BootMode.parse(mode.group(1)));
    }

    @Test
    void laterVcpuRefusedLeavesTheEarlierUnloaded() {
        assertRefused(
                "image b at 0x1002-0x1005 overlaps image a at 0x1000-0x1003; move the image",
                Guests.flat("a", 4),
                Guests.flat("b", 4).withLoad(0x1002));
    }

    private static void assertRefused(String message, VcpuConfig... guests) {
        GuestMemory memory = Guests.memory();

        assertThatIllegalArgumentException()
                .isThrownBy(() -> BootLoader.load(memory, List.of(guests)))
                .satisfies(e -> assertThat(e.getMessage().lines().findFirst()).hasValue(message));
        Guests.assertZero(memory);
    }
}
