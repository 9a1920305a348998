package dev.kvmguest.vmm.internal.boot.limine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.kvmguest.vmm.config.BootModule;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.internal.boot.limine.LimineKernel.Booted;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;

/** What a kernel finds behind the pointers of its requests. */
class LimineResponsesTests {

    private static final long DATA = LimineKernel.DATA;
    private static final long HHDM = 0xffff_8000_0000_0000L;

    private static Booted boot(LimineFeature feature, long... arguments) {
        return new LimineKernel().request(feature, 0, arguments).boot();
    }

    @Test
    void loaderHasANameAndAVersion() {
        Booted booted = boot(LimineFeature.BOOTLOADER_INFO);

        long response = booted.response(DATA);
        assertThat(booted.word(response)).isZero();
        assertThat(booted.text(booted.word(response + 8))).isEqualTo("kvmguest");
        assertThat(booted.text(booted.word(response + 16))).isEqualTo("1");
    }

    @Test
    void commandLineIsTheOneOfTheFileToo() {
        LimineKernel kernel = new LimineKernel().request("COMMAND_LINE").request("EXECUTABLE_FILE");
        VcpuConfig config = kernel.config().withCommandLine("verbose=1");
        Booted booted = LimineKernel.boot(config);

        long text = booted.word(booted.response(DATA) + 8);
        long file = booted.word(booted.response(DATA + 48) + 8);
        assertThat(booted.text(text)).isEqualTo("verbose=1");
        assertThat(booted.word(file + 32)).isEqualTo(text);
        assertThat(booted.text(booted.word(file + 24))).isEqualTo("/kernel.elf");
        long address = booted.word(file + 8);
        byte[] bytes = config.image().file();
        assertThat(address & 0xfff).isZero();
        assertThat(booted.word(file + 16)).isEqualTo(bytes.length);
        assertThat(booted.memory().read(address - HHDM, bytes.length)).isEqualTo(bytes);
        for (int rest = 40; rest < 112; rest += 8) {
            assertThat(booted.word(file + rest)).isZero();
        }
    }

    @ParameterizedTest
    @CsvSource({"FIRMWARE_TYPE, 0", "HHDM, 0xffff800000000000", "PAGING_MODE, 0", "DATE_AT_BOOT, 946684800"})
    void oneNumberIsTheAnswer(LimineFeature feature, String number) {
        Booted booted = boot(feature, 1);

        assertThat(booted.word(booted.response(DATA))).isZero();
        assertThat(booted.word(booted.response(DATA) + 8))
                .isEqualTo(number.startsWith("0x") ? Long.parseUnsignedLong(number.substring(2), 16) : date(number));
    }

    /** The date of a machine is its default; what matters is that it is in seconds, and which. */
    private static long date(String number) {
        return number.equals("0") ? 0 : MachineConfig.DEFAULT_DATE.toEpochSecond(ZoneOffset.UTC);
    }

    @Test
    void addressesAreWhereTheKernelIs() {
        Booted booted = boot(LimineFeature.EXECUTABLE_ADDRESS);

        long response = booted.response(DATA);
        assertThat(booted.word(response + 8)).isEqualTo(0x20_0000);
        assertThat(booted.word(response + 16)).isEqualTo(LimineKernel.TEXT);
        assertThat(booted.linear().physical(LimineKernel.TEXT)).hasValue(0x20_0000);
    }

    @Test
    void oneProcessorIsThere() {
        Booted booted = boot(LimineFeature.MP, 1);

        long response = booted.response(DATA);
        assertThat(booted.word(response + 8)).isZero();
        assertThat(booted.word(response + 16)).isEqualTo(1);
        long processor = booted.word(booted.word(response + 24));
        for (int at = 0; at < 32; at += 8) {
            assertThat(booted.word(processor + at)).isZero();
        }
    }

    @Test
    void framebufferHas32BitsAndOneMode() {
        Booted booted = boot(LimineFeature.FRAMEBUFFER);

        long response = booted.response(DATA);
        assertThat(booted.word(response)).isEqualTo(1);
        assertThat(booted.word(response + 8)).isEqualTo(1);
        long video = booted.word(booted.word(response + 16));
        assertThat(booted.word(video) - HHDM).isEqualTo((16 << 20) - 1024 * 768 * 4);
        assertThat(words(booted, video + 8, 3)).containsExactly(1024L, 768L, 4096L);
        // From the depth on: 32 bits, RGB, and size and shift of red, green and blue.
        assertThat(words(booted, video + 32, 4)).containsExactly(0x0808_0810_0801_0020L, 0L, 0L, 0L);
        assertThat(booted.word(video + 64)).isEqualTo(1);
        long mode = booted.word(booted.word(video + 72));
        assertThat(words(booted, mode, 5)).containsExactly(4096L, 1024L, 768L, 0x0808_0810_0801_0020L, 0L);
    }

    private static List<Long> words(Booted booted, long address, int count) {
        List<Long> words = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            words.add(booted.word(address + 8L * i));
        }
        return words;
    }

    @Test
    void requestsThatOnlyWantToBeSeenAreAnswered() {
        assertThat(boot(LimineFeature.STACK_SIZE, 0).response(DATA)).isNotZero();
        assertThat(boot(LimineFeature.ENTRY_POINT, LimineKernel.TEXT).response(DATA))
                .isNotZero();
        assertThat(boot(LimineFeature.KEEP_IOMMU).response(DATA)).isNotZero();
    }

    @ParameterizedTest
    @CsvSource({"0, 0", "3, 3", "4097, 4096", "-1, 4096"})
    void entropyIsTheSameForEachRun(long wanted, long count) {
        Booted booted = boot(LimineFeature.ENTROPY, wanted);
        Booted again = boot(LimineFeature.ENTROPY, wanted);

        long response = booted.response(DATA);
        assertThat(booted.word(response + 8)).isEqualTo(count);
        long values = booted.word(response + 16);
        assertThat(values == 0).isEqualTo(count == 0);
        if (count != 0) {
            assertThat(words(booted, values, 3))
                    .doesNotHaveDuplicates()
                    .isEqualTo(words(again, again.word(again.response(DATA) + 16), 3));
        }
    }

    @ParameterizedTest
    @EnumSource(
            names = {
                "RSDP",
                "SMBIOS",
                "EFI_SYSTEM_TABLE",
                "TPM_EVENT_LOG",
                "EFI_MEMORY_MAP",
                "DEVICE_TREE",
                "BSP_HART_ID",
                "PERFORMANCE",
                "TSC_FREQUENCY",
                "FLANTERM",
                "TERMINAL",
                "FIVE_LEVEL_PAGING",
                "MODULES"
            })
    void whatTheMachineDoesNotHaveIsNotAnsweredButTold(LimineFeature feature) {
        LimineKernel kernel = new LimineKernel().request(feature, 0, 0);

        assertThat(kernel.boot().response(DATA)).isZero();
        assertThat(LimineNotes.of(kernel.config()))
                .containsExactly(
                        "the kernel's Limine request " + feature.words() + " has no answer on this machine, and"
                                + " the response is left as it was, NULL as a rule; a kernel has to look at that before it uses"
                                + " one");
    }

    @ParameterizedTest
    @EnumSource(
            mode = Mode.EXCLUDE,
            names = {
                "RSDP", "SMBIOS", "EFI_SYSTEM_TABLE", "TPM_EVENT_LOG", "EFI_MEMORY_MAP", "DEVICE_TREE", "BSP_HART_ID",
                "PERFORMANCE", "TSC_FREQUENCY", "FLANTERM", "TERMINAL", "FIVE_LEVEL_PAGING", "MODULES", "ENTRY_POINT"
            })
    void whatIsAnsweredIsNotTold(LimineFeature feature) {
        LimineKernel kernel = new LimineKernel().request(feature, 0, 0);

        assertThat(kernel.boot().response(DATA)).isNotZero();
        assertThat(LimineNotes.of(kernel.config())).isEmpty();
    }

    @Test
    void unknownRequestsAreToldByTheirNumbersAndTheBaseRevisionToo() {
        LimineKernel kernel = new LimineKernel().baseRevision(9).request("RSDP").request(0x12, 0xab, 0);

        assertThat(kernel.boot().response(DATA + 24 + 48)).isZero();
        assertThat(LimineNotes.of(kernel.config()))
                .containsExactly(
                        "the kernel's Limine requests RSDP, 0x12 0xab have no answer on this machine, and the response is"
                                + " left as it was, NULL as a rule; a kernel has to look at that before it uses one",
                        "the kernel asks for Limine's base revision 9, the newest known here is 6, by which it was loaded;"
                                + " it finds so by LIMINE_BASE_REVISION_SUPPORTED");
    }

    @Test
    void requestsOutsideTheMarkersAreTold() {
        LimineKernel kernel = new LimineKernel()
                .request("HHDM")
                .request("RSDP")
                .startMarker()
                .baseRevision(3)
                .endMarker();

        assertThat(LimineNotes.of(kernel.config()))
                .containsExactly(
                        "the kernel has Limine requests that don't lie between its markers, and so are not looked"
                                + " at: HHDM, RSDP; put the start marker's section before theirs and the end marker's after it in"
                                + " the linker script");
    }

    @Test
    void kernelWithoutAnyRequestIsTold() {
        assertThat(LimineNotes.of(new LimineKernel().config()))
                .singleElement()
                .asString()
                .startsWith("the kernel has no Limine request and no base revision tag")
                .endsWith("put KEEP(*(.limine_requests)) into the linker script");
    }

    @Test
    void pagingModeThatMustHave5LevelsIsRefused() {
        assertThat(new LimineKernel()
                        .request(LimineFeature.PAGING_MODE, 1, 1, 1, 0)
                        .boot()
                        .response(DATA))
                .isNotZero();
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new LimineKernel()
                        .request(LimineFeature.PAGING_MODE, 1, 1, 1, 1)
                        .boot())
                .withMessage(
                        "image kernel.elf asks Limine for the paging mode 1 to 1, and this machine has 4 levels, mode"
                                + " 0, only; set min_mode of its paging mode request to 0");
    }

    @Test
    void stackThatIsLargerThanMemoryIsRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> boot(LimineFeature.STACK_SIZE, -1))
                .withMessage("image kernel.elf asks Limine for a stack of 18446744073709551615 bytes, and the guest has"
                        + " 16777216 bytes of memory; ask for less, or give the guest more memory");
    }

    // Modules.

    private static BootModule module(String commandLine, String bytes) {
        return new BootModule(commandLine, bytes.getBytes(StandardCharsets.UTF_8));
    }

    /** Returns path, string and contents of each module that a kernel finds. */
    private static List<String> modules(Booted booted) {
        long response = booted.response(DATA);
        assertThat(booted.word(response)).isEqualTo(2);
        List<String> modules = new ArrayList<>();
        for (long i = 0; i < booted.word(response + 8); i++) {
            long file = booted.word(booted.word(response + 16) + 8 * i);
            long address = booted.word(file + 8);
            assertThat(address & 0xfff).isZero();
            String contents = new String(
                    booted.memory().read(address - HHDM, (int) booted.word(file + 16)), StandardCharsets.UTF_8);
            modules.add(
                    booted.text(booted.word(file + 24)) + "|" + booted.text(booted.word(file + 32)) + "|" + contents);
        }
        return modules;
    }

    @Test
    void modulesHaveAPathAndAString() {
        VcpuConfig config = new LimineKernel()
                .request("MODULES")
                .config()
                .withModules(List.of(module("initrd.img root=/dev/ram0", "abc"), module("font", "")));

        assertThat(modules(LimineKernel.boot(config))).containsExactly("/initrd.img|root=/dev/ram0|abc", "/font||");
    }

    /** Returns a kernel with one internal module. */
    private static LimineKernel internal(String path, long flags) {
        // The request takes 64 bytes; after it are the list of pointers, the module and its two texts.
        long list = DATA + 64;
        long module = list + 8;
        long text = module + 24;
        return new LimineKernel()
                .request(LimineFeature.MODULES, 1, 1, list)
                .words(module)
                .words(text + 8, text, flags)
                .text("string")
                .text(path);
    }

    @Test
    void internalModulesComeFirstAndOnce() {
        VcpuConfig config = internal("boot/../././font.psf", 0)
                .config()
                .withModules(List.of(module("initrd", "abc"), module("font.psf ignored", "def")));

        assertThat(modules(LimineKernel.boot(config))).containsExactly("/font.psf|string|def", "/initrd||abc");
    }

    @Test
    void internalModulesCountFromRevision1On() {
        LimineKernel kernel = new LimineKernel().request(LimineFeature.MODULES, 0, 1, 0);

        assertThat(kernel.boot().response(DATA)).isZero();
    }

    @Test
    void internalModuleThatIsNotGivenIsRefusedIfItIsRequired() {
        assertThat(modules(internal("font", 0).boot())).isEmpty();
        assertThatIllegalArgumentException()
                .isThrownBy(() -> internal("font", 1).boot())
                .withMessage(
                        "image kernel.elf needs the internal module \"font\", and no module \"font\" is given; give it"
                                + " as a module of that name");
    }

    @Test
    void compressedInternalModuleIsUnpacked() throws IOException {
        ByteArrayOutputStream packed = new ByteArrayOutputStream();
        try (GZIPOutputStream out = new GZIPOutputStream(packed)) {
            out.write("unpacked".getBytes(StandardCharsets.UTF_8));
        }
        VcpuConfig config = internal("font.gz", 2).config();

        assertThat(modules(LimineKernel.boot(
                        config.withModules(List.of(new BootModule("font.gz", packed.toByteArray()))))))
                .containsExactly("/font.gz|string|unpacked");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> LimineKernel.boot(config.withModules(List.of(module("font.gz", "plain")))))
                .withMessageStartingWith(
                        "image kernel.elf says that its internal module \"/font.gz\" is compressed, and that"
                                + " is no file of gzip");
    }

    @Test
    void damagedInternalModulesAreRefused() {
        for (long count : new long[] {-1, Long.MAX_VALUE, 1L << 28, 100}) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> new LimineKernel()
                            .request(LimineFeature.MODULES, 1, count, DATA)
                            .boot())
                    .withMessageContaining("names " + Long.toUnsignedString(count) + " internal modules at");
        }
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new LimineKernel()
                        .request(LimineFeature.MODULES, 1, 1, DATA + 64)
                        .words(0x1234)
                        .boot())
                .withMessage("image kernel.elf has its internal module 0 for Limine at 0x1234, which is not in it");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new LimineKernel()
                        .request(LimineFeature.MODULES, 1, 1, DATA + 64)
                        .words(DATA + 72, 5, 6, 0)
                        .boot())
                .withMessage(
                        "image kernel.elf has the path of its internal module 0 for Limine at 0x5, which is no text in"
                                + " it");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> internal("font#00", 0).boot())
                .withMessageContaining("a BLAKE2b hash, which can't be verified here");
    }
}
