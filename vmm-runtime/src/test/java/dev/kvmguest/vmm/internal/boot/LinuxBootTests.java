package dev.kvmguest.vmm.internal.boot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.kvmguest.vmm.config.BootModule;
import dev.kvmguest.vmm.config.EntryPoint;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.memory.GuestMemory;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Where a Linux kernel and its initial RAM disk go, and what it is told. */
class LinuxBootTests {

    private static final byte[] CODE = {0x11, 0x22, 0x33, 0x44};
    private static final LinuxKernel KERNEL = new LinuxKernel(CODE);

    private final GuestMemory memory = Guests.memory(8 << 20);
    private CpuState state;
    private int parameters;

    @Test
    void relocatableKernelIsLoadedWhereItPrefersToRun() {
        boot(new LinuxKernel(CODE).guest());

        assertThat(state.get(Register.RIP)).isEqualTo(0x20_0000);
        assertThat(memory.read(0x20_0000, 4)).isEqualTo(CODE);
        assertThat(word(0x214)).isEqualTo(0x20_0000);
    }

    @Test
    void otherBzImageIsLoadedAt1MibAndItsPlaceIsKeptFree() {
        VcpuConfig guest = new LinuxKernel(CODE).field(0x234, 1, 0).guest();
        boot(guest);

        assertThat(state.get(Register.RIP)).isEqualTo(0x10_0000);
        assertThat(memory.read(0x10_0000, 4)).isEqualTo(CODE);
        assertThat(Guests.loader(8 << 20, guest).layout().table())
                .contains("0x00100000-0x00100003", "0x00200000-0x0027ffff");
    }

    @Test
    void zImageIsLoadedAt64Kib() {
        boot(new LinuxKernel(CODE).version(0x203).field(0x211, 1, 0).guest());

        assertThat(state.get(Register.RIP)).isEqualTo(0x1_0000);
        assertThat(memory.read(0x1_0000, 4)).isEqualTo(CODE);
    }

    @Test
    void loadMovesARelocatableKernelByItsAlignment() {
        boot(KERNEL.guest().withLoad(0x30_0000));

        assertThat(state.get(Register.RIP)).isEqualTo(0x30_0000);
        assertRefused(
                KERNEL.guest().withLoad(0x28_0000),
                "load 0x280000 is not possible: the Linux kernel vmlinuz can be loaded at multiples of its"
                        + " kernel_alignment, 0x100000, from 1 MiB on; leave load out for 0x200000");
        assertRefused(
                new LinuxKernel(CODE).field(0x234, 1, 0).guest().withLoad(0x30_0000),
                "is a Linux kernel that is not relocatable, and belongs at 0x100000; leave load out");
    }

    @Test
    void memoryThatTheKernelNeedsToUnpackItselfMustBeThere() {
        assertRefused(new LinuxKernel(CODE).field(0x260, 4, 0x70_0000).guest(), "the BSS of image vmlinuz");
    }

    @Test
    void entryIsTheProtocols() {
        assertRefused(
                KERNEL.guest().withEntry(EntryPoint.linear(0x20_0190)),
                "entry 0x200190 is the EFI handover entry point of image vmlinuz, which needs UEFI, and this machine has"
                        + " none: the boot protocol enters it at 0x200000; leave entry out");
        assertRefused(
                KERNEL.guest().withEntry(EntryPoint.linear(0x20_0001)), "entry 0x200001 is not where image vmlinuz is");
    }

    @Test
    void headerIsCopiedAndCompleted() {
        boot(new LinuxKernel(CODE)
                .field(0x1fa, 2, 0x1234)
                .field(0x23c, 4, 3)
                .field(0x26c, 4, 0x5555_5555)
                .guest());

        assertThat(word(0x202)).isEqualTo(0x5372_6448);
        assertThat(word(0x1fa) & 0xffff).isEqualTo(0x1234);
        assertThat(memory.readByte(parameters + 0x210)).isEqualTo(0xff);
        assertThat(memory.readByte(parameters + 0x211)).isEqualTo(1);
        assertThat(word(0x23c)).as("hardware_subarch").isZero();
        assertThat(word(0x26c)).as("what lies behind the header").isZero();
        assertThat(memory.readByte(parameters + 0x1ef)).as("sentinel").isZero();
        assertThat(memory.readLong(parameters + 0x70)).as("RSDP").isZero();
    }

    @Test
    void screenIsTheVgasText() {
        boot(KERNEL.guest());

        assertThat(memory.read(parameters, 0x12))
                .containsExactly(0, 0, 0x00, 0x1c, 0, 0, 3, 80, 0, 0, 3, 0, 0, 0, 25, 1, 16, 0);
    }

    @ParameterizedTest
    @CsvSource({
        "vga=0x301, 0x301, 640, 480, 19",
        "quiet vga=786, 0x312, 640, 480, 19",
        "vga=0x303, 0x303, 800, 600, 30",
        "vga=0x315, 0x315, 800, 600, 30",
        "vga=normal vga=01430 quiet, 0x318, 1024, 768, 48",
        "vga=0x307, 0x307, 1280, 1024, 80",
        "vga=0x31b, 0x31b, 1280, 1024, 80",
    })
    void graphicsAreAFramebufferAtTheEndOfRam(String line, String mode, int width, int height, int units) {
        boot(KERNEL.guest().withCommandLine(line));

        int start = (8 << 20) - (units << 16);
        assertThat(word(0x1fa) & 0xffff).isEqualTo(Integer.decode(mode));
        assertThat(memory.readByte(parameters + 0x0f)).as("VIDEO_TYPE_VLFB").isEqualTo(0x23);
        assertThat(word(0x12)).isEqualTo(height << 16 | width);
        assertThat(word(0x16) & 0xffff).isEqualTo(32);
        assertThat(word(0x18)).isEqualTo(start);
        assertThat(word(0x1c)).isEqualTo(units);
        assertThat(word(0x24) & 0xffff).isEqualTo(4 * width);
        assertThat(memory.read(parameters + 0x26, 8)).containsExactly(8, 16, 8, 8, 8, 0, 8, 24);
        assertThat(range(3)).isEqualTo("0x100000 0x" + Integer.toHexString(start - 0x10_0000) + " 1");
        assertThat(range(4))
                .isEqualTo("0x" + Integer.toHexString(start) + " 0x" + Integer.toHexString(units << 16) + " 2");
    }

    @ParameterizedTest
    @ValueSource(strings = {"vga=normal", "vga=0xf00", "vga=0x312 vga=65535", "video=vga=0x312", ""})
    void textModesLeaveTheTextScreen(String line) {
        boot(KERNEL.guest().withCommandLine(line));

        assertThat(memory.readByte(parameters + 0x0f)).isEqualTo(1);
        assertThat(memory.readByte(parameters + 0x1e8)).isEqualTo(4);
    }

    @ParameterizedTest
    @ValueSource(strings = {"vga=ask", "vga=ext", "vga=", "vga=0x302", "vga=0x309", "vga=0x30f", "vga=0x31c", "vga=x"})
    void modesThatAreNotThereAreRefused(String option) {
        assertRefused(
                KERNEL.guest().withCommandLine("quiet " + option),
                "option " + option + " of the command line asks for a video mode that this machine doesn't have; use"
                        + " vga=0x312 for graphics of 640 x 480, ");
    }

    @Test
    void graphicsThatHaveNoRoomAreRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(
                        () -> Guests.load(Guests.memory(4 << 20), KERNEL.guest().withCommandLine("vga=0x318")))
                .withMessageContaining("there is no room for the framebuffer of 1024 x 768, 3145728 bytes, in RAM,");
    }

    @Test
    void memoryMapIsThatOfAPc() {
        boot(KERNEL.guest());

        assertThat(memory.readByte(parameters + 0x1e8)).isEqualTo(4);
        assertThat(range(0)).isEqualTo("0x0 0x9fc00 1");
        assertThat(range(1)).isEqualTo("0x9fc00 0x400 2");
        assertThat(range(2)).isEqualTo("0xf0000 0x10000 2");
        assertThat(range(3)).isEqualTo("0x100000 0x700000 1");
        assertThat(word(0x1e0)).isEqualTo(7 << 10);
    }

    @Test
    void commandLineEndsWithNulAndFitsTheKernel() {
        boot(KERNEL.guest().withCommandLine("quiet \u00e4"));
        byte[] line = "quiet \u00e4\0".getBytes(StandardCharsets.UTF_8);
        assertThat(memory.read(word(0x228), line.length)).isEqualTo(line);

        Guests.load(Guests.memory(8 << 20), KERNEL.guest().withCommandLine("x".repeat(255)));
        assertRefused(
                KERNEL.guest().withCommandLine("x".repeat(256)),
                "the command line has 256 bytes, and the Linux kernel vmlinuz takes at most 255 (cmdline_size of its"
                        + " setup header, protocol 2.15); leave options out");
    }

    @ParameterizedTest
    @CsvSource({"0x7fffffff, 0x7ff000", "0x5fffff, 0x5ff000", "0x37fffe, 0x37f000"})
    void initialRamDiskIsAsHighAsTheKernelAllows(String most, String address) {
        byte[] disk = {1, 2, 3};
        boot(new LinuxKernel(CODE)
                .field(0x22c, 4, Long.decode(most))
                .guest()
                .withModules(List.of(new BootModule("initrd", disk))));

        assertThat(word(0x218)).isEqualTo(Integer.decode(address));
        assertThat(word(0x21c)).isEqualTo(3);
        assertThat(memory.read(word(0x218), 3)).isEqualTo(disk);
    }

    @Test
    void severalModulesAreOneInitialRamDisk() {
        boot(KERNEL.guest()
                .withModules(
                        List.of(new BootModule("a", new byte[] {1, 2, 3, 4, 5}), new BootModule("b", new byte[] {6}))));

        assertThat(memory.read(word(0x218), word(0x21c))).containsExactly(1, 2, 3, 4, 5, 0, 0, 0, 6);
    }

    @Test
    void initialRamDiskThatHasNoRoomBelowItsLimitIsRefused() {
        assertRefused(
                new LinuxKernel(CODE)
                        .field(0x22c, 4, 0x10_1000)
                        .guest()
                        .withModules(List.of(new BootModule("a", new byte[0x2000]))),
                "there is no room for the initial RAM disk, 8192 bytes, in RAM, ");
    }

    @Test
    void withoutModulesThereIsNoInitialRamDisk() {
        boot(KERNEL.guest());

        assertThat(word(0x218)).isZero();
        assertThat(word(0x21c)).isZero();
    }

    @Test
    void damagedHeadersAreRefusedOrBooted() {
        Random random = new Random(18);
        for (int i = 0; i < 20_000; i++) {
            byte[] file = LinuxKernel.of64(CODE).file();
            for (int damage = 0; damage < 3; damage++) {
                file[0x206 + random.nextInt(0x66)] = (byte) random.nextInt();
            }
            VcpuConfig guest = VcpuConfig.of(GuestImage.of("vmlinuz", file))
                    .withBoot(KERNEL.guest().boot())
                    .withModules(List.of(new BootModule("a", new byte[5])));
            try {
                assertThat(Guests.loader(8 << 20, guest).states()).hasSize(1);
            } catch (IllegalArgumentException e) {
                assertThat(e.getMessage()).matches("(?s).*(vmlinuz|initial RAM disk|overlaps|does not fit).*");
            }
        }
    }

    private void assertRefused(VcpuConfig guest, String words) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Guests.load(Guests.memory(8 << 20), guest))
                .withMessageContaining(words);
    }

    private void boot(VcpuConfig guest) {
        state = Guests.load(memory, guest);
        parameters = (int) state.get(Register.RSI);
    }

    private int word(int offset) {
        return memory.readInt(parameters + offset);
    }

    private String range(int number) {
        int at = parameters + 0x2d0 + 20 * number;
        return "0x" + Long.toHexString(memory.readLong(at)) + " 0x" + Long.toHexString(memory.readLong(at + 8)) + " "
                + memory.readInt(at + 16);
    }
}
