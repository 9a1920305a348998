package dev.kvmguest.vmm.internal.boot;

import static dev.kvmguest.vmm.internal.boot.Multiboot2Kernel.CODE;
import static dev.kvmguest.vmm.internal.boot.Multiboot2Kernel.LOAD;
import static dev.kvmguest.vmm.internal.boot.Multiboot2Kernel.OPTIONAL;
import static dev.kvmguest.vmm.internal.boot.Multiboot2Kernel.addresses;
import static dev.kvmguest.vmm.internal.boot.Multiboot2Kernel.header;
import static dev.kvmguest.vmm.internal.boot.Multiboot2Kernel.tag;
import static dev.kvmguest.vmm.internal.boot.MultibootKernel.join;
import static dev.kvmguest.vmm.internal.boot.MultibootKernel.words;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.kvmguest.vmm.config.BootModule;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.image.ElfBuilder;
import dev.kvmguest.vmm.memory.GuestMemory;
import dev.kvmguest.vmm.memory.MemoryLayout.Kind;
import dev.kvmguest.vmm.memory.MemoryLayout.Range;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a Multiboot 2 kernel is told, as it finds it in memory. */
class Multiboot2InfoTests {

    private static final VcpuConfig KERNEL = Multiboot2Kernel.flat(Guests.code(16));

    private GuestMemory memory = Guests.memory(16 << 20);
    private int info;

    @Test
    void blockIsAsTheSpecificationHasIt() {
        boot(KERNEL.withCommandLine("quiet").withModules(List.of(new BootModule("initrd", new byte[] {1, 2, 3}))));

        byte[] expected = join(
                words(280, 0),
                // load base address, and 4 bytes up to the next tag
                words(21, 12, LOAD, 0),
                join(words(1, 14), text("quiet\0\0\0")),
                join(words(2, 17), text("kvmguest\0\0\0\0\0\0\0\0")),
                join(words(3, 23, 0x10_1000, 0x10_1003), text("initrd\0\0")),
                words(6, 16 + 4 * 24, 24, 0),
                words(0, 0, 0x9_fc00, 0, 1, 0),
                words(0x9_fc00, 0, 0x400, 0, 2, 0),
                words(0xf_0000, 0, 0x1_0000, 0, 2, 0),
                words(0x10_0000, 0, 0xf0_0000, 0, 1, 0),
                // no ELF sections
                words(9, 20, 0, 0, 0, 0),
                words(4, 16, 639, 15 << 10),
                words(8, 32, 0xb_8000, 0, 160, 80, 25, 0x0210),
                words(0, 8));
        assertThat(memory.read(info, expected.length)).isEqualTo(expected);
    }

    @Test
    void blockIsAlignedAndAsLongAsItSays() {
        CpuState state = boot(KERNEL.withCommandLine("a"));

        assertThat(state.get(Register.RAX)).isEqualTo(0x36d7_6289);
        assertThat(info).as("after the image").isEqualTo(LOAD + CODE + 16);
        assertThat(memory.readInt(info + 4)).isZero();
        assertThat(memory.readInt(info) % 8).isZero();
        assertThat(tags().keySet()).containsExactly(21, 1, 2, 6, 9, 4, 8, 0);
    }

    @Test
    void informationIsAtTheFirstFreePlaceFrom1MibOnOrInLowMemory() {
        boot(Multiboot2Kernel.kernel(join(header(addresses(0x30_0000, CODE)), Guests.code(16))));
        assertThat(info).isEqualTo(0x10_0000);

        memory = Guests.memory(1 << 20);
        boot(Multiboot2Kernel.kernel(join(header(addresses(0x1_0000, CODE)), Guests.code(16))));
        assertThat(info).isEqualTo(0x1_0000 + CODE + 16);
    }

    @Test
    void commandLineIsPassedOnAsItIs() {
        boot(KERNEL.withCommandLine("root=/dev/ram0 größe=1"));

        assertThat(new String(tags().get(1).array(), StandardCharsets.UTF_8)).isEqualTo("root=/dev/ram0 größe=1\0");
    }

    @Test
    void commandLineThatNobodyGaveIsEmpty() {
        boot(KERNEL);

        assertThat(tags().get(1).array()).containsExactly(0);
    }

    @ParameterizedTest
    @CsvSource({
        "0x100000, 639, 0, 0-9fc00 RAM; 9fc00-a0000 reserved; f0000-100000 reserved",
        "0x200000, 639, 1024, 0-9fc00 RAM; 9fc00-a0000 reserved; f0000-100000 reserved; 100000-200000 RAM",
        "0x800000, 639, 7168, 0-9fc00 RAM; 9fc00-a0000 reserved; f0000-100000 reserved; 100000-800000 RAM",
    })
    void memoryIsThatOfAPc(String size, int lower, int upper, String map) {
        memory = Guests.memory(Integer.decode(size));

        boot(Multiboot2Kernel.kernel(join(header(addresses(0x2_0000, CODE)), Guests.code(16))));

        assertThat(ints(4)).containsExactly(lower, upper);
        assertThat(memoryMap()).isEqualTo(map);
    }

    @Test
    void modulesLieOnPagesAfterTheImageInTheirOrder() {
        boot(KERNEL.withModules(List.of(
                new BootModule("first a=1", new byte[] {1, 2, 3}),
                new BootModule("empty", new byte[0]),
                new BootModule("last", Guests.code(0x1001)))));

        assertThat(modules())
                .containsExactly("first a=1 at 101000-101003", "empty at 102000-102000", "last at 102000-103001");
        assertThat(memory.read(0x10_1000, 4)).containsExactly(1, 2, 3, 0);
        assertThat(memory.read(0x10_2000, 0x1001)).isEqualTo(Guests.code(0x1001));
    }

    @Test
    void moduleThatDoesNotFitIsNamed() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> boot(KERNEL.withModules(List.of(new BootModule("initrd", new byte[16 << 20])))))
                .withMessageContaining("module \"initrd\" at 0x101000-0x1100fff does not fit into RAM");
        Guests.assertZero(memory);
    }

    @ParameterizedTest
    @CsvSource({
        "800, 600, 32, 800, 600",
        "640, 480, 16, 640, 480",
        "0, 0, 0, 1024, 768",
        "800, 0, 32, 1024, 768",
        "5000, 600, 32, 1024, 768",
        "-1, -1, -1, 1024, 768"
    })
    void kernelThatAsksForAFramebufferGetsOneOf32BitsInRam(int width, int height, int depth, int has, int rows) {
        boot(kernel(tag(5, OPTIONAL, width, height, depth)));

        int size = has * rows * 4;
        int start = (16 << 20) - size & -4096;
        ByteBuffer tag = tags().get(8);
        assertThat(tag.capacity()).isEqualTo(30);
        assertThat(tag.getLong(0)).isEqualTo(start);
        assertThat(List.of(tag.getInt(8), tag.getInt(12), tag.getInt(16))).containsExactly(4 * has, has, rows);
        assertThat(Arrays.copyOfRange(tag.array(), 20, 30)).containsExactly(32, 1, 0, 0, 16, 8, 8, 8, 0, 8);
        assertThat(memoryMap()).contains(String.format("; 100000-%x RAM; %x-%x reserved", start, start, start + size));
        // The sum of upper memory, too, ends before the framebuffer.
        assertThat(ints(4)).containsExactly(639, start - 0x10_0000 >> 10);
    }

    @Test
    void framebufferIsPartOfTheLayout() {
        assertThat(Guests.loader(16 << 20, kernel(tag(5, 0, 640, 480, 32)))
                        .layout()
                        .ranges())
                .contains(new Range(Kind.FRAMEBUFFER, "the framebuffer of 640 x 480", 0xed_4000, 0x100_0000));
    }

    @Test
    void framebufferThatDoesNotFitIsNamed() {
        memory = Guests.memory(2 << 20);

        assertThatIllegalArgumentException()
                .isThrownBy(() -> boot(kernel(tag(5, 0, 1024, 768, 32))))
                .withMessageContaining("there is no room for the framebuffer of 1024 x 768");
    }

    @Test
    void kernelThatCanDoWithoutAConsoleIsToldOfTheTextScreenAllTheSame() {
        boot(kernel(tag(4, 0, 0)));

        assertThat(tags().get(8).getLong(0)).isEqualTo(0xb8000);
    }

    @Test
    void kernelFindsItsElfSectionHeadersAndSymbols() {
        byte[] data = header();
        boot(Multiboot2Kernel.kernel(elf(new ElfBuilder(), 4, data)));

        ByteBuffer tag = tags().get(9);
        assertThat(List.of(tag.getInt(0), tag.getInt(4), tag.getInt(8))).containsExactly(3, 40, 0);
        assertThat(tag.capacity()).isEqualTo(12 + 3 * 40);
        int symbolTable = tag.getInt(12 + 40 + 12);
        int names = tag.getInt(12 + 2 * 40 + 12);
        assertThat(symbolTable).isEqualTo(0x10_1000);
        // The null symbol, then _start: its name, its value.
        assertThat(string(names + memory.readInt(symbolTable + 16))).isEqualTo("_start");
        assertThat(memory.readInt(symbolTable + 20)).isEqualTo(LOAD + 4 + data.length);
    }

    @Test
    void kernelOf64BitsFindsSectionHeadersOf64Bits() {
        byte[] data = header();
        boot(Multiboot2Kernel.kernel(elf(ElfBuilder.of64(), 8, data)));

        ByteBuffer tag = tags().get(9);
        assertThat(List.of(tag.getInt(0), tag.getInt(4), tag.getInt(8))).containsExactly(3, 64, 0);
        long symbolTable = tag.getLong(12 + 64 + 16);
        int names = (int) tag.getLong(12 + 2 * 64 + 16);
        assertThat(string(names + memory.readInt(symbolTable + 24))).isEqualTo("_start");
        assertThat(memory.readInt(symbolTable + 32)).isEqualTo(LOAD + 8 + data.length);
    }

    @Test
    void whatIsRequiredAndIsNotThereIsWarnedOfAndLeftOut() {
        VcpuConfig kernel = kernel(tag(1, 0, 1, 6, 14, 7, 14), tag(1, OPTIONAL, 10));

        boot(kernel);

        assertThat(tags().keySet()).containsExactly(21, 1, 2, 6, 9, 4, 8, 0);
        assertThat(Guests.loader(16 << 20, kernel).layout().warnings())
                .containsExactly(
                        "image kernel requires tag 14 of the Multiboot 2 information, the RSDP of ACPI 1.0, which this"
                                + " machine hasn't got; as with GRUB the kernel is booted without it",
                        "image kernel requires tag 7 of the Multiboot 2 information, VBE information, which this machine"
                                + " hasn't got; as with GRUB the kernel is booted without it");
    }

    @Test
    void usualKernelIsNotWarnedOf() {
        assertThat(Guests.loader(16 << 20, kernel(tag(1, 0, 1, 2, 3, 4, 6, 8, 9, 21)))
                        .layout()
                        .warnings())
                .isEmpty();
    }

    /** Returns a kernel with these tags in its header, besides those that place it. */
    private static VcpuConfig kernel(byte[]... tags) {
        byte[] more = join(tags);
        return Multiboot2Kernel.kernel(join(header(addresses(LOAD, CODE + more.length), more), Guests.code(16)));
    }

    /** Returns an ELF file whose segment begins at 84 or, with 64 bits, at 120: the header is at a multiple of 8. */
    private static byte[] elf(ElfBuilder builder, int pad, byte[] header) {
        byte[] data = join(new byte[pad], header, Guests.code(8));
        int start = LOAD + pad + header.length;
        return builder.entry(start)
                .load(
                        LOAD,
                        LOAD,
                        data.length,
                        IntStream.range(0, data.length).map(i -> data[i]).toArray())
                .symbol("_start", start, 0, 0)
                .build();
    }

    private CpuState boot(VcpuConfig kernel) {
        CpuState state = Guests.load(memory, kernel);
        info = (int) state.get(Register.RBX);
        return state;
    }

    /** Returns the content of each tag by its type, the last of those that are there several times. */
    private Map<Integer, ByteBuffer> tags() {
        Map<Integer, ByteBuffer> tags = new LinkedHashMap<>();
        for (int at = info + 8; at < info + memory.readInt(info); at += memory.readInt(at + 4) + 7 & -8) {
            tags.put(
                    memory.readInt(at),
                    ByteBuffer.wrap(memory.read(at + 8, memory.readInt(at + 4) - 8))
                            .order(ByteOrder.LITTLE_ENDIAN));
        }
        return tags;
    }

    private List<Integer> ints(int type) {
        ByteBuffer tag = tags().get(type);
        return IntStream.range(0, tag.capacity() / 4)
                .mapToObj(i -> tag.getInt(4 * i))
                .toList();
    }

    private String memoryMap() {
        ByteBuffer tag = tags().get(6);
        List<String> map = new ArrayList<>();
        for (int at = 8; at < tag.capacity(); at += tag.getInt(0)) {
            map.add(String.format(
                    "%x-%x %s",
                    tag.getLong(at),
                    tag.getLong(at) + tag.getLong(at + 8),
                    tag.getInt(at + 16) == 1 ? "RAM" : "reserved"));
        }
        return String.join("; ", map);
    }

    private List<String> modules() {
        List<String> modules = new ArrayList<>();
        for (int at = info + 8; at < info + memory.readInt(info); at += memory.readInt(at + 4) + 7 & -8) {
            if (memory.readInt(at) == 3) {
                modules.add(
                        String.format("%s at %x-%x", string(at + 16), memory.readInt(at + 8), memory.readInt(at + 12)));
            }
        }
        return modules;
    }

    private String string(int address) {
        int end = address;
        while (memory.readByte(end) != 0) {
            end++;
        }
        return new String(memory.read(address, end - address), StandardCharsets.UTF_8);
    }

    private static byte[] text(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }
}
