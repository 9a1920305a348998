package dev.kvmguest.vmm.bisect;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import dev.kvmguest.vmm.GuestRuns;
import dev.kvmguest.vmm.LinkedGuest;
import dev.kvmguest.vmm.TestGuest;
import dev.kvmguest.vmm.bisect.BisectionResult.Change;
import dev.kvmguest.vmm.bisect.BisectionResult.Method;
import dev.kvmguest.vmm.bisect.BisectionResult.Part;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.image.ElfBuilder;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.internal.boot.Multiboot2Kernel;
import dev.kvmguest.vmm.internal.boot.MultibootKernel;
import dev.kvmguest.vmm.internal.boot.limine.LimineKernel;
import dev.kvmguest.vmm.outcome.Expectation;
import dev.kvmguest.vmm.outcome.Outcome;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ImageBisectionTests {

    private static final long LOWER = 0x10_0000;
    private static final long UPPER = 0xffff_ffff_8010_0000L;
    /** The type of a symbol that is a function's. */
    private static final int FUNCTION = 2;

    private final List<BisectionProgress> progress = new ArrayList<>();

    @Test
    void oneByteOfManyIsFoundWithItsInstruction() {
        // mov al, CODE; out 0xf4, al; hlt; and bytes that nobody reads
        BisectionResult result = flat(
                        "b0 00 e6 f4 f4 01 02 03 04 05 06 07 08", "b0 07 e6 f4 f4 11 12 13 14 15 16 17 18")
                .run();

        assertThat(result.method()).isEqualTo(Method.BYTES);
        assertThat(result.parts()).extracting(Part::bytes).containsExactly(1);
        Change change = result.parts().get(0).changes().get(0);
        assertThat(change.address()).isEqualTo(0x1000);
        assertThat(change.good().text()).isEqualTo("mov al, 0");
        assertThat(change.bad().text()).isEqualTo("mov al, 7");
        assertThat(result.goodOutcome().exitCode()).hasValue(0);
        assertThat(result.badOutcome().exitCode()).hasValue(7);
        assertThat(result.exchanged().exitCode()).hasValue(7);
        assertThat(result.othersToo()).isFalse();
        assertThat(result.predicate()).isEqualTo("left by the debug-exit port with 7");
    }

    @Test
    void bytesThatOnlyFlipTheResultTogetherAreBothFound() {
        // mov bl, A; mov cl, B; and bl, cl; mov al, bl; out 0xf4, al; hlt
        BisectionResult result = flat(
                        "b3 02 b1 04 20 cb 88 d8 e6 f4 f4 00 00", "b3 01 b1 05 20 cb 88 d8 e6 f4 f4 ff ff")
                .run();

        assertThat(result.parts().get(0).changes())
                .extracting(change -> change.bad().text())
                .containsExactly("mov bl, 1", "mov cl, 5");
        assertThat(result.parts()).extracting(Part::bytes).containsExactly(2);
    }

    @Test
    void theInstructionThatRaisedTheExceptionIsTold() {
        // mov al, 0; XX 0b: or al, [bp+di], or ud2; out 0xf4, al; hlt
        BisectionResult result =
                flat("b0 00 0a 0b e6 f4 f4", "b0 00 0f 0b e6 f4 f4").run();

        assertThat(result.instruction()).map(at -> at.text()).hasValue("ud2");
        assertThat(result.sameInstruction()).isTrue();
        assertThat(result.predicate()).isEqualTo("died of #UD without a handler");
        assertThat(BisectionReport.text(result))
                .startsWith("segment 0 makes the difference: with 1 byte of bad, good is bad\n"
                        + "  segment 0 at 0x1002: 1 byte\n"
                        + "    0x1002: or cl, [bp+di] (0a 0b) became ud2 (0f 0b)\n"
                        + "  it dies at ud2 at 0x1002, as bad does\n")
                .contains("\n  good left by the debug-exit port with ")
                .contains("\n  good with segment 0 of bad died of #UD without a handler\n");
    }

    @Test
    void bytesOfLongModeAreShownAs64BitCodeWhereAFlatImageIsLoaded() {
        // mov r8, 0x7000, or 0x800000007000, which isn't canonical; mov rax, [r8]; mov al, 0; out 0xf4, al
        VcpuConfig good = guest("49 b8 00 70 00 00 00 00 00 00 49 8b 00 b0 00 e6 f4", "good");
        VcpuConfig bad = guest("49 b8 00 70 00 00 00 80 00 00 49 8b 00 b0 00 e6 f4", "bad");

        BisectionResult result = bisection(good.withBoot(BootMode.LONG), bad.withBoot(BootMode.LONG))
                .run();

        assertThat(BisectionReport.text(result))
                .contains("  segment 0 at 0x100007: 1 byte\n"
                        + "    0x100000: mov r8, 0x7000 (49 b8 00 70 00 00 00 00 00 00) became mov r8, 0x800000007000"
                        + " (49 b8 00 70 00 00 00 80 00 00)\n"
                        + "  it dies at mov rax, [r8] at 0x10000a, as bad does\n");
    }

    @Test
    void bytesOfA64BitElfFileAreShownAs64BitCode() {
        // mov al, 7; inc r8, or dec r8; add al, r8b; out 0xf4, al; nop
        VcpuConfig good = elf64("good", UPPER, "b0 07 49 ff c0 44 00 c0 e6 f4 90 90", UPPER);
        VcpuConfig bad = elf64("bad", UPPER, "b0 07 49 ff c8 44 00 c0 e6 f4 90 90", UPPER);

        Part part = bisection(good, bad).run().parts().get(0);

        assertThat(part.name()).isEqualTo("f0");
        assertThat(part.changes()).singleElement().satisfies(change -> {
            assertThat(change.address()).isEqualTo(UPPER + 2);
            assertThat(change.good().text()).isEqualTo("inc r8");
            assertThat(change.bad().text()).isEqualTo("dec r8");
        });
    }

    @Test
    void theFunctionThatA64BitElfFileIsEnteredAtIs32BitCodeInABootModeOf32Bits() {
        // mov al, 7; nop, or dec eax, which is a prefix in 64-bit code; jmp f1; nops; f1: the same; out 0xf4, al
        String start = "b0 07 90 eb 07 90 90 90 90 90 90 90";
        String end = "90 e6 f4 90";
        VcpuConfig good = elf64("good", LOWER, start + end, LOWER, LOWER + 12);
        VcpuConfig first = elf64("bad", LOWER, start.replace("90 eb", "48 eb") + end, LOWER, LOWER + 12);
        VcpuConfig second = elf64("bad", LOWER, start + end.replace("90 e6", "48 e6"), LOWER, LOWER + 12);

        assertThat(multiboot(good, second).parts().get(0).changes())
                .extracting(change -> change.bad().bytes().length, change -> change.bad()
                        .text())
                .containsExactly(tuple(3, "out 0xf4, al"));
        assertThat(multiboot(good, first).parts().get(0).changes())
                .extracting(change -> change.bad().bytes().length, change -> change.bad()
                        .text())
                .containsExactly(tuple(1, "dec eax"));
    }

    private BisectionResult multiboot(VcpuConfig good, VcpuConfig bad) {
        return bisection(good.withBoot(BootMode.MULTIBOOT), bad.withBoot(BootMode.MULTIBOOT))
                .run();
    }

    @Test
    void elfFileThatAMultiboot2HeaderLoadsByItsOwnAddressesIsRefused() {
        byte[] header = Multiboot2Kernel.header(Multiboot2Kernel.addresses(0x10_0000, Multiboot2Kernel.CODE));
        // The segment's bytes begin at 84 in the file, and the header at the next multiple of 8.
        byte[] bytes = MultibootKernel.join(new byte[4], header);
        byte[] file = new ElfBuilder()
                .entry(0x10_0000)
                .load(
                        0x10_0000,
                        0x10_0000,
                        bytes.length,
                        IntStream.range(0, bytes.length).map(i -> bytes[i]).toArray())
                .build();
        VcpuConfig kernel = Multiboot2Kernel.kernel(file);

        assertThatThrownBy(() -> bisection(kernel, kernel))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("image kernel is an ELF file whose Multiboot 2 header gives load addresses of its own (an"
                        + " address tag); leave them out, or bisect flat binaries");
    }

    @Test
    void functionsOf64BitElfFilesAreNotExchanged() {
        VcpuConfig good = elf64("good", UPPER, "b0 00 e6 f4", UPPER);
        VcpuConfig bad = elf64("bad", UPPER, "90 90 90 90 b0 07 e6 f4", UPPER);

        assertThatThrownBy(() -> bisection(good, bad).run())
                .isInstanceOf(BisectionException.class)
                .hasMessageContaining("and functions can be exchanged in 32-bit code only; ");
    }

    @Test
    void aSecondReasonIsMentioned() {
        // mov al, CODE; mov bl, CODE; or al, bl; jz; mov al, 1; out 0xf4, al; hlt
        BisectionResult result = flat(
                        "b0 00 b3 00 08 d8 74 02 b0 01 e6 f4 f4", "b0 01 b3 01 08 d8 74 02 b0 01 e6 f4 f4")
                .run();

        assertThat(result.parts()).extracting(Part::bytes).containsExactly(1);
        assertThat(result.othersToo()).isTrue();
        assertThat(BisectionReport.text(result)).contains("the rest of what differs flips the result too");
    }

    @Test
    void whatTellsGoodFromBadMayBeSaidOfTheGoodOne() {
        // mov al, 'A'; out 0xe9, al; hlt
        BisectionResult result = flat("b0 41 e6 e9 f4", "b0 42 e6 e9 f4")
                .expecting(Expectation.builder().console("A").build())
                .run();

        assertThat(result.parts()).extracting(Part::bytes).containsExactly(1);
        assertThat(result.predicate()).isEqualTo("is not one that is as expected");
    }

    @Test
    void progressIsShownByPhases() {
        flat("b0 00 e6 f4 f4 01", "b0 07 e6 f4 f4 02").run();

        assertThat(progress)
                .extracting(BisectionProgress::phase)
                .contains("the two images", "functions or sections", "runs of bytes", "bytes");
        assertThat(progress)
                .extracting(BisectionProgress::boots)
                .isSorted()
                .last()
                .isEqualTo(9);
    }

    @Test
    void imagesThatAreTheSameAreRefused() {
        assertThatThrownBy(() -> flat("f4", "f4").run())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("are the same, byte by byte");
    }

    @Test
    void aGoodImageThatIsBadIsRefused() {
        assertThatThrownBy(() -> flat("b0 07 e6 f4 f4 00", "b0 07 e6 f4 f4 01").run())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("the good image good left by the debug-exit port with 7, and the bad image bad left by the"
                        + " debug-exit port with 7: they can't be told apart by their ends; name what only one of them"
                        + " does, such as a text on the console");
        assertThatThrownBy(() -> flat("b0 00 e6 f4 f4", "b0 01 e6 f4 f4")
                        .by("sings", outcome -> false)
                        .run())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageEndingWith("\"a guest that sings\" is true of neither; it must be true of one of them only");
    }

    @Test
    void bootsAreBounded() {
        assertThatThrownBy(() -> flat("b0 00 e6 f4 f4 01", "b0 07 e6 f4 f4 02")
                        .maxBoots(5)
                        .run())
                .isInstanceOf(BisectionException.class)
                .hasMessageStartingWith("there was no answer after 5 boots, with 2 of bytes left")
                .hasMessageContaining("allow more boots");
        assertThatThrownBy(() -> flat("f4", "90").maxBoots(3)).hasMessageContaining("max boots 3 is too few");
    }

    @Test
    void aFlakyImageIsFoundOutOnAnEngineThatIsNotDeterministic() {
        List<Integer> codes = new ArrayList<>(List.of(0, 7, 0, 7, 7, 0));
        ImageBisection bisection =
                flat("b0 00", "b0 07").bootedBy(config -> new Outcome.DebugExit(codes.remove(0), GuestRuns.quiet()));

        assertThatThrownBy(bisection::run)
                .isInstanceOf(BisectionException.class)
                .hasMessage("the result is flaky: the good image with 1 bytes of the bad one was booted twice; once it"
                        + " left by the debug-exit port with 7, and once it left by the debug-exit port with 0, so that"
                        + " \"bad is a guest that left by the debug-exit port with 7\" is true of one run only; choose a"
                        + " predicate that depends on nothing that changes, or run it on the emulator, which does the"
                        + " same each time");
    }

    @Test
    void aFlakyPredicateIsFoundOutOnEveryEngine() {
        boolean[] last = {false};

        assertThatThrownBy(() -> flat("b0 00 e6 f4 f4", "b0 07 e6 f4 f4")
                        .by(
                                "is bad every second time",
                                outcome -> outcome.exitCode().getAsInt() == 7 || (last[0] = !last[0]))
                        .run())
                .isInstanceOfAny(BisectionException.class, IllegalArgumentException.class);
    }

    @Test
    void imagesOfOtherLayoutsWithoutSymbolsAreRefusedWithTheWayOut() {
        assertThatThrownBy(() -> flat("b0 00 e6 f4 f4", "90 b0 07 e6 f4 f4").run())
                .isInstanceOf(BisectionException.class)
                .hasMessageContaining(
                        "is laid out otherwise than good (segment 0 has 5 bytes at 0x0 in one and 6 bytes")
                .hasMessageContaining("functions can be exchanged in 32-bit code only");
        assertThatThrownBy(() -> bisection(
                                guest("b0 00 e6 f4 f4", "good").withBoot(BootMode.PROTECTED),
                                guest("90 b0 07 e6 f4 f4", "bad").withBoot(BootMode.PROTECTED))
                        .run())
                .hasMessageContaining(
                        "good has no symbols of functions with a size; name ELF files that aren't" + " stripped");
    }

    @Test
    void machinesThatAreBootedOtherwiseAreRefused() {
        assertThatThrownBy(
                        () -> bisection(guest("f4", "good"), guest("90", "bad").withBoot(BootMode.PROTECTED)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("name one boot mode for both");
    }

    private static final String START = "bc 00 00 08 00 e8 rel:f e8 rel:g a1 abs:counter e6 f4 eb fe";

    private static LinkedGuest good() {
        return new LinkedGuest("good").function("start", START);
    }

    private static LinkedGuest bad() {
        return new LinkedGuest("bad").function("start", START).function("extra", "90 ".repeat(15) + "c3");
    }

    @Test
    void functionsThatOnlyFlipTheResultTogetherAreBothFound() {
        GuestImage one = good().function("f", "90 90 90 90 90 c3")
                .function("g", "90 90 90 90 90 c3")
                .function("h", "90 90 90 90 90 c3")
                .zeroed("counter", 4)
                .image();
        // inc dword [counter]; ret
        GuestImage other = bad().function("f", "ff 05 abs:counter c3")
                .function("g", "ff 05 abs:counter c3")
                .function("h", "ff 05 abs:counter c3")
                .zeroed("counter", 4)
                .image();
        BisectionResult result = linked(one, other).run();

        assertThat(result.method()).isEqualTo(Method.FUNCTIONS);
        assertThat(result.parts()).extracting(Part::name).containsExactly("f", "g");
        assertThat(result.exchanged().exitCode()).hasValue(2);
        assertThat(result.othersToo()).isFalse();
    }

    @Test
    void ofFunctionsEachOfWhichFlipsTheResultItIsTheOneWhereTheBadImageDied() {
        GuestImage one = good().function("g", "90 90 90 90 90 c3")
                .function("f", "90 90 90 90 90 c3")
                .zeroed("counter", 4)
                .image();
        // ud2; ret
        GuestImage other = bad().function("g", "0f 0b c3")
                .function("f", "90 0f 0b c3")
                .zeroed("counter", 4)
                .image();
        BisectionResult result = linked(one, other).run();

        assertThat(result.parts()).extracting(Part::name).containsExactly("f");
        assertThat(result.instruction()).hasValueSatisfying(at -> {
            assertThat(at.text()).isEqualTo("ud2");
            assertThat(at.symbol()).hasValue("f+0x1");
            assertThat(at.eip())
                    .isEqualTo(result.badOutcome().fault().orElseThrow().at().eip());
        });
        assertThat(result.sameInstruction()).isTrue();
        assertThat(result.othersToo()).isTrue();
    }

    @Test
    void aFunctionOfTheSameSizeIsNarrowedDownToBytes() {
        GuestImage one = good().function("f", "c7 05 abs:counter 00 00 00 00 90 90 c3")
                .function("g", "c3")
                .zeroed("counter", 4)
                .image();
        GuestImage other = bad().function("f", "c7 05 abs:counter 05 00 00 00 89 c0 c3")
                .function("g", "c3")
                .zeroed("counter", 4)
                .image();
        Part part = linked(one, other).run().parts().get(0);

        assertThat(part.name()).isEqualTo("f");
        assertThat(part.changes())
                .extracting(
                        change -> change.good().text() + " -> " + change.bad().text())
                .containsExactly("mov dword [0x20002c], 0 -> mov dword [0x20002c], 5");
    }

    @Test
    void aFunctionWhoseCalleeLooksWhereItIsCalledFromIsNotMoved() {
        // f: call check; ret. check: mov eax, [esp]; sub eax, 0x200000; cmp eax, 0x10000; jb ok; ud2; ok: ret
        String check = "8b 04 24 2d 00 00 20 00 3d 00 00 01 00 72 02 0f 0b c3";
        GuestImage one = good().function("f", "e8 rel:check c3")
                .function("g", "90 90 90 90 90 c3")
                .function("check", check)
                .zeroed("counter", 4)
                .image();
        GuestImage other = bad().function("f", "90 e8 rel:check c3")
                .function("g", "ff 05 abs:counter c3")
                .function("check", check)
                .zeroed("counter", 4)
                .image();
        BisectionResult result = linked(one, other).run();

        assertThat(result.parts()).extracting(Part::name).containsExactly("g");
        assertThat(result.notExchanged())
                .containsExactly("f: a copy of good's own, elsewhere in memory, changes the result too");
    }

    @Test
    void whatIsInNoFunctionIsNotFoundAndThatIsSaid() {
        GuestImage one = good().function("f", "c3")
                .function("g", "90 90 90 90 90 c3")
                .variable("counter", "01 00 00 00")
                .image();
        GuestImage other = bad().function("f", "c3")
                .function("g", "90 90 90 90 c3")
                .variable("counter", "02 00 00 00")
                .image();

        assertThatThrownBy(() -> linked(one, other).run())
                .isInstanceOf(BisectionException.class)
                .hasMessageStartingWith(
                        "the good image good with the 1 functions of bad that differ and can be exchanged"
                                + " is still good; what makes bad bad is in its data");
    }

    @Test
    void theJsonFormIsVersioned() {
        assertThat(BisectionReport.json(flat("b0 00 e6 f4 f4", "b0 07 e6 f4 f4").run()))
                .startsWith(
                        "{\n  \"format\": 1,\n  \"good\": \"good\",\n  \"bad\": \"bad\",\n  \"method\": \"bytes\",\n")
                .contains("\"instruction\": \"mov al, 7\"")
                .contains("\"exitCode\": 7");
    }

    private ImageBisection linked(GuestImage one, GuestImage other) {
        return ImageBisection.of(LinkedGuest.machine(one), LinkedGuest.machine(other))
                .listener(progress::add);
    }

    @Test
    void limineKernelsAreRefused() {
        MachineConfig machine =
                MachineConfig.builder().vcpu(new LimineKernel().config()).build();

        assertThatIllegalArgumentException()
                .isThrownBy(() -> ImageBisection.of(machine, machine))
                .withMessage(
                        "image kernel.elf is booted in boot mode limine, whose loader takes the file and not the parts"
                                + " that a bisection exchanges; bisect kernels of another boot mode");
    }

    /** Returns a 64-bit Multiboot kernel with its code where boot mode long maps 1 MiB, and functions f0, f1 and so on. */
    private static VcpuConfig elf64(String name, long address, String code, long... functions) {
        byte[] bytes = MultibootKernel.join(TestGuest.bytes(code), MultibootKernel.header(0));
        ElfBuilder elf = ElfBuilder.of64()
                .entry(address)
                .load(
                        LOWER,
                        address,
                        bytes.length,
                        IntStream.range(0, bytes.length).map(i -> bytes[i]).toArray());
        for (int i = 0; i < functions.length; i++) {
            long end = i + 1 < functions.length ? functions[i + 1] : address + TestGuest.bytes(code).length;
            elf.symbol("f" + i, functions[i], end - functions[i], FUNCTION);
        }
        return VcpuConfig.of(GuestImage.of(name, elf.build())).withBoot(BootMode.LONG);
    }

    private ImageBisection flat(String good, String bad) {
        return bisection(guest(good, "good"), guest(bad, "bad"));
    }

    private ImageBisection bisection(VcpuConfig good, VcpuConfig bad) {
        return ImageBisection.of(machine(good), machine(bad)).listener(progress::add);
    }

    private static VcpuConfig guest(String code, String name) {
        return VcpuConfig.of(GuestImage.flat(name, TestGuest.bytes(code)));
    }

    private static MachineConfig machine(VcpuConfig guest) {
        return MachineConfig.builder().vcpu(guest).engine(EngineChoice.EMULATOR).build();
    }
}
