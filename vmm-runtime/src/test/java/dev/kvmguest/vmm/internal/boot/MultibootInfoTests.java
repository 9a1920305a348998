package dev.kvmguest.vmm.internal.boot;

import static dev.kvmguest.vmm.internal.boot.MultibootKernel.LOAD;
import static dev.kvmguest.vmm.internal.boot.MultibootKernel.header;
import static dev.kvmguest.vmm.internal.boot.MultibootKernel.join;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.InstanceOfAssertFactories.STRING;

import dev.kvmguest.vmm.config.BootModule;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.image.ElfBuilder;
import dev.kvmguest.vmm.internal.emulator.EmulatorEngine;
import dev.kvmguest.vmm.internal.engine.VirtualMachine;
import dev.kvmguest.vmm.memory.GuestMemory;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a Multiboot kernel is told, as it finds it in memory. */
class MultibootInfoTests {

    private static final VcpuConfig KERNEL = MultibootKernel.flat(Guests.code(16));

    private GuestMemory memory = Guests.memory();
    private int info;

    @Test
    void registersHaveTheMagicNumberAndTheInformation() {
        CpuState state = boot(KERNEL);

        assertThat(state.get(Register.RAX)).isEqualTo(0x2BAD_B002);
        assertThat(state.get(Register.RBX)).isEqualTo(0x1_0000);
        assertThat(state.get(Register.RSP)).isEqualTo(0x7_ff00);
        assertThat(state.get(Register.CR0)).isEqualTo(0x11);
        assertThat(state.get(Register.RFLAGS)).isEqualTo(2);
    }

    @Test
    void fieldsThatAreThereAreFlagged() {
        boot(KERNEL);

        // memory, command line, memory map, loader name; neither boot device, modules, symbols nor framebuffer
        assertThat(word(0)).isEqualTo(0x245);
        assertThat(string(word(64))).isEqualTo("kvmguest");
    }

    @ParameterizedTest
    @CsvSource({
        "0x200000, 639, 1024, 0-9fc00 RAM; 9fc00-a0000 reserved; f0000-100000 reserved; 100000-200000 RAM",
        "0x800000, 639, 7168, 0-9fc00 RAM; 9fc00-a0000 reserved; f0000-100000 reserved; 100000-800000 RAM",
    })
    void memoryIsThatOfAPc(String size, int lower, int upper, String map) {
        memory = Guests.memory(Integer.decode(size));

        boot(KERNEL);

        assertThat(word(4)).isEqualTo(lower);
        assertThat(word(8)).isEqualTo(upper);
        assertThat(memoryMap()).isEqualTo(map);
    }

    @Test
    void ramAbove4GibIsInTheMapAndNotInTheSizes() {
        try (VirtualMachine machine = EmulatorEngine.instance().createMachine(16L << 30, 1)) {
            memory = machine.memory();

            boot(KERNEL.withModules(List.of(new BootModule("m", new byte[1]))));

            assertThat(word(4)).isEqualTo(639);
            assertThat(word(8)).isEqualTo((3 << 20) - 1024);
            assertThat(memoryMap())
                    .isEqualTo("0-9fc00 RAM; 9fc00-a0000 reserved; f0000-100000 reserved; 100000-c0000000 RAM;"
                            + " 100000000-440000000 RAM");
        }
    }

    @ParameterizedTest
    @CsvSource({
        "0x80000,  508, 0-7f000 RAM; 7f000-80000 reserved",
        "0xa0000,  632, 0-9e000 RAM; 9e000-a0000 reserved",
        "0xc0000,  632, 0-9e000 RAM; 9e000-a0000 reserved",
        "0x100000, 639, 0-9fc00 RAM; 9fc00-a0000 reserved; f0000-100000 reserved"
    })
    void machineWithoutHighMemoryHasNone(String size, int lower, String map) {
        memory = Guests.memory(Integer.decode(size));

        boot(MultibootKernel.kernel(join(header(0x1_0003, 0x1_0000, 0x1_0000, 0, 0, 0x1_0020), Guests.code(16))));

        assertThat(word(4)).isEqualTo(lower);
        assertThat(word(8)).isZero();
        assertThat(memoryMap()).isEqualTo(map);
    }

    @Test
    void commandLineIsPassedOnAsItIs() {
        boot(KERNEL.withCommandLine("root=/dev/ram0 größe=1"));

        assertThat(string(word(16))).isEqualTo("root=/dev/ram0 größe=1");
    }

    @Test
    void commandLineThatNobodyGaveIsEmpty() {
        boot(KERNEL);

        assertThat(string(word(16))).isEmpty();
    }

    @Test
    void modulesLieOnPagesBehindTheImageInTheirOrder() {
        boot(KERNEL.withModules(List.of(
                new BootModule("first a=1", new byte[] {1, 2, 3}),
                new BootModule("empty", new byte[0]),
                new BootModule("last", Guests.code(0x1001)))));

        assertThat(word(0)).isEqualTo(0x24d);
        assertThat(word(20)).isEqualTo(3);
        assertThat(modules())
                .containsExactly("first a=1 at 101000-101003", "empty at 102000-102000", "last at 102000-103001");
        assertThat(memory.read(0x10_1000, 4)).containsExactly(1, 2, 3, 0);
        assertThat(memory.read(0x10_2000, 0x1001)).isEqualTo(Guests.code(0x1001));
    }

    @Test
    void modulesOfAKernelInLowMemoryLieInHighMemory() {
        boot(MultibootKernel.kernel(join(header(0x1_0003, 0x1_0000, 0x1_0000, 0, 0, 0x1_0020), Guests.code(16)))
                .withModules(List.of(new BootModule("m", new byte[1]))));

        assertThat(modules()).containsExactly("m at 100000-100001");
    }

    @Test
    void modulesLieBehindTheImageAlsoWhereThereIsRoomBeforeIt() {
        boot(MultibootKernel.kernel(join(header(0x1_0003, 0x18_0000, 0x18_0000, 0, 0, 0x18_0020), Guests.code(16)))
                .withModules(List.of(new BootModule("m", new byte[1]))));

        assertThat(modules()).containsExactly("m at 181000-181001");
    }

    @Test
    void modulesLieBehindTheBss() {
        boot(MultibootKernel.kernel(join(header(0x1_0003, LOAD, LOAD, 0, 0x10_8001, LOAD + 0x20), Guests.code(16)))
                .withModules(List.of(new BootModule("m", new byte[1]))));

        assertThat(modules()).containsExactly("m at 109000-109001");
    }

    @Test
    void informationKeepsClearOfAKernelInLowMemory() {
        boot(MultibootKernel.kernel(join(header(0x1_0003, 0x1000, 0x1000, 0, 0x9_fff0, 0x1020), Guests.code(16))));

        assertThat(info).isGreaterThanOrEqualTo(0x10_0000);
    }

    @Test
    void moduleThatDoesNotFitIsNamed() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> boot(KERNEL.withModules(List.of(new BootModule("initrd", new byte[1 << 20])))))
                .withMessageContaining(
                        "module \"initrd\" at 0x101000-0x200fff does not fit into RAM, which ends at 0x1fffff;"
                                + " give the guest more memory");
        Guests.assertZero(memory);
    }

    @ParameterizedTest
    @CsvSource({"1, 80, 25, 0", "1, 1024, 768, 32", "2, 1024, 768, 32", "-1, 0, 0, 0"})
    void kernelThatAsksForTextIsToldOfTheTextScreen(int type, int width, int height, int depth) {
        memory = Guests.memory(8 << 20);
        boot(MultibootKernel.video(type, width, height, depth, Guests.code(16)));

        assertTextScreen();
    }

    @ParameterizedTest
    @CsvSource({"0, 0", "4097, 1", "1, -1", "-1, -1"})
    void kernelWhoseFramebufferThereIsNoRoomForIsToldOfTheTextScreen(int width, int height) {
        VcpuConfig kernel = MultibootKernel.graphics(width, height, Guests.code(16));
        boot(kernel);

        assertTextScreen();
        assertThat(memoryMap()).endsWith("; 100000-200000 RAM");
        assertThat(Guests.loader(memory.size(), kernel).layout().warnings())
                .singleElement(STRING)
                .startsWith("the kernel asks for graphics and has the text screen instead: ");
    }

    @Test
    void lackOfMemoryForAFramebufferIsSaidWithTheWayOut() {
        assertThat(Guests.loader(2 << 20, MultibootKernel.graphics(0, 0, Guests.code(16)))
                        .layout()
                        .warnings())
                .containsExactly(
                        "the kernel asks for graphics and has the text screen instead: there is no room for the"
                                + " framebuffer of 1024 x 768, 3145728 bytes, in RAM, which ends at 0x1fffff; give the guest"
                                + " more memory");
    }

    private void assertTextScreen() {
        assertThat(word(0)).isEqualTo(0x1245);
        assertThat(memory.readLong(info + 88)).isEqualTo(0xb8000);
        assertThat(word(96)).isEqualTo(160);
        assertThat(word(100)).isEqualTo(80);
        assertThat(word(104)).isEqualTo(25);
        assertThat(memory.readByte(info + 108)).isEqualTo(16);
        assertThat(memory.readByte(info + 109)).isEqualTo(2);
    }

    @ParameterizedTest
    @CsvSource({
        "640, 480, 32, 640, 480, 6d4000",
        "640, 480, 24, 640, 480, 6d4000",
        "320, 200, 8, 320, 200, 7c1000",
        "0, 0, 0, 1024, 768, 500000",
        "800, 0, 0, 800, 768, 5a8000",
        "1, 1, 32, 1, 1, 7ff000",
    })
    void kernelThatAsksForGraphicsIsToldOfAFramebufferOf32Bits(
            int wantedWidth, int wantedHeight, int wantedDepth, int width, int height, String address) {
        memory = Guests.memory(8 << 20);
        VcpuConfig kernel = MultibootKernel.video(0, wantedWidth, wantedHeight, wantedDepth, Guests.code(16));
        boot(kernel);

        assertThat(word(0)).isEqualTo(0x1245);
        assertThat(memory.readLong(info + 88)).isEqualTo(Long.parseLong(address, 16));
        assertThat(word(96)).isEqualTo(4 * width);
        assertThat(word(100)).isEqualTo(width);
        assertThat(word(104)).isEqualTo(height);
        // 32 bits; RGB; red from bit 16, green from bit 8, blue from bit 0, 8 bits each
        assertThat(memory.read(info + 108, 8)).containsExactly(32, 1, 16, 8, 8, 8, 0, 8);
        assertThat(Guests.loader(memory.size(), kernel).layout().warnings()).isEmpty();
    }

    @Test
    void framebufferIsNoMemoryOfTheKernels() {
        memory = Guests.memory(8 << 20);
        boot(MultibootKernel.graphics(640, 480, Guests.code(16)));

        assertThat(memoryMap()).endsWith("; 100000-6d4000 RAM; 6d4000-800000 reserved");
        assertThat(word(8)).isEqualTo((0x6d_4000 - 0x10_0000) >> 10);
    }

    @Test
    void modulesComeBeforeAFramebuffer() {
        boot(MultibootKernel.graphics(320, 200, Guests.code(16))
                .withModules(List.of(new BootModule("initrd", new byte[0xf_e000]))));

        assertThat(modules()).containsExactly("initrd at 101000-1ff000");
        assertThat(word(0)).isEqualTo(0x124d);
        assertThat(memory.readLong(info + 88)).isEqualTo(0xb8000);
    }

    @Test
    void kernelFindsItsElfSectionHeadersAndSymbols() {
        boot(MultibootKernel.kernel(elf().symbol("_start", LOAD + 12, 0, 0).build()));

        assertThat(word(0)).isEqualTo(0x265);
        int count = word(28);
        int size = word(32);
        int headers = word(36);
        assertThat(List.of(count, size)).containsExactly(3, 40);
        int symbolTable = memory.readInt(headers + size + 12);
        int names = memory.readInt(headers + 2 * size + 12);
        // The null symbol, then _start: its name, its value.
        assertThat(string(names + memory.readInt(symbolTable + 16))).isEqualTo("_start");
        assertThat(memory.readInt(symbolTable + 20)).isEqualTo(LOAD + 12);
    }

    @Test
    void kernelOf64BitsFindsSectionHeadersOf64Bits() {
        boot(MultibootKernel.kernel(
                elf(ElfBuilder.of64()).symbol("_start", LOAD + 12, 0, 0).build()));

        int count = word(28);
        int size = word(32);
        int headers = word(36);
        assertThat(List.of(count, size)).containsExactly(3, 64);
        int symbolTable = memory.readInt(headers + size + 16);
        int names = memory.readInt(headers + 2 * size + 16);
        assertThat(memory.readInt(headers + size + 20)).isZero();
        // The null symbol, then _start: its name, its value.
        assertThat(string(names + memory.readInt(symbolTable + 24))).isEqualTo("_start");
        assertThat(memory.readInt(symbolTable + 32)).isEqualTo(LOAD + 12);
    }

    @Test
    void sectionHeadersMadeToFillAllMemoryAreRefused() {
        ElfBuilder elf = elf();
        for (int i = 0; i < 3000; i++) {
            elf.symbol("symbol" + i, LOAD, 0, 0);
        }
        byte[] file = elf.build();
        int sections = file.length - 3 * 40;
        byte[] hostile = Arrays.copyOf(file, sections + 0xffff * 40);
        for (int i = 3; i < 0xffff; i++) {
            System.arraycopy(file, sections + 2 * 40, hostile, sections + i * 40, 40);
        }
        hostile[48] = (byte) 0xff;
        hostile[49] = (byte) 0xff;

        assertThatIllegalArgumentException()
                .isThrownBy(() -> boot(MultibootKernel.kernel(hostile)))
                .withMessageContaining("the symbols for the kernel")
                .withMessageContaining("does not fit into RAM");
    }

    private static ElfBuilder elf() {
        return elf(new ElfBuilder());
    }

    private static ElfBuilder elf(ElfBuilder builder) {
        byte[] data = join(header(0), Guests.code(4));
        int[] bytes = new int[data.length];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = data[i];
        }
        return builder.entry(LOAD + 12).load(LOAD, LOAD, bytes.length, bytes);
    }

    private CpuState boot(VcpuConfig kernel) {
        CpuState state = Guests.load(memory, kernel);
        info = (int) state.get(Register.RBX);
        return state;
    }

    private int word(int offset) {
        return memory.readInt(info + offset);
    }

    private String string(int address) {
        int end = address;
        while (memory.readByte(end) != 0) {
            end++;
        }
        return new String(memory.read(address, end - address), StandardCharsets.UTF_8);
    }

    private String memoryMap() {
        List<String> map = new ArrayList<>();
        int end = word(48) + word(44);
        for (int at = word(48); at < end; at += memory.readInt(at) + 4) {
            long start = memory.readLong(at + 4);
            map.add(String.format(
                    "%x-%x %s",
                    start, start + memory.readLong(at + 12), memory.readInt(at + 20) == 1 ? "RAM" : "reserved"));
        }
        return String.join("; ", map);
    }

    private List<String> modules() {
        List<String> modules = new ArrayList<>();
        for (int i = 0; i < word(20); i++) {
            int at = word(24) + 16 * i;
            modules.add(String.format(
                    "%s at %x-%x", string(memory.readInt(at + 8)), memory.readInt(at), memory.readInt(at + 4)));
        }
        return modules;
    }
}
