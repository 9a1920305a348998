package dev.kvmguest.vmm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.NeedsKvm.Device;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.internal.boot.MultibootKernel;
import dev.kvmguest.vmm.internal.engine.Feature;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.report.HtmlReport;
import dev.kvmguest.vmm.report.JsonReport;
import dev.kvmguest.vmm.report.TextReport;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a guest gets away with because its loader or firmware is kind is warned of, and nothing else. */
@OnEachEngine
@Timeout(60)
class LoaderWarningsTests {

    private static final String GDT =
            "from the boot loader's GDT at 0x500, by a segment load, a far jump, an interrupt or"
                    + " IRET; Multiboot leaves GDTR undefined, so that it may die of that after another loader: load a GDT of its"
                    + " own with LGDT and set all segment registers before";

    private final EngineChoice engine;

    LoaderWarningsTests(EngineChoice engine) {
        Device.assumeFor(engine);
        Device.assumeFor(engine, Feature.neededBy(BootMode.MULTIBOOT));
        this.engine = engine;
    }

    @Test
    void kernelWithTheLoadersStackIsWarnedOf() {
        // call next; next: hlt
        assertThat(warnings("e8 00 00 00 00 f4"))
                .containsExactly("the guest's stack is the boot loader's: ESP was 0x7ff00 at entry and is 0x7fefc;"
                        + " Multiboot leaves ESP undefined, so that it may die at its first CALL after another loader:"
                        + " set ESP to the top of a stack of its own before");
    }

    @Test
    void kernelThatReturnedOnTheLoadersStackIsWarnedOf() {
        // call next; next: pop eax; hlt
        assertThat(warnings("e8 00 00 00 00 58 f4")).singleElement().asString().contains("and is 0x7ff00;");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                // mov esp,0x80000; sub esp,0x200; call next; next: hlt. A stack of its own over the loader's, a word of
                // it used above that.
                "bc 00 00 08 00 6a 01 81 ec 00 02 00 00 e8 00 00 00 00 f4",
                // mov esp,0x90000; call next; next: hlt
                "bc 00 00 09 00 e8 00 00 00 00 f4",
                // hlt
                "f4",
                // mov dword [0x7fefc],1; mov esp,0x200000; hlt
                "c7 05 fc fe 07 00 01 00 00 00 bc 00 00 20 00 f4"
            })
    void stackOfTheKernelsOwnIsNotWarnedOf(String code) {
        assertThat(warnings(code)).isEmpty();
    }

    @Test
    void segmentOfTheLoadersGdtIsWarnedOf() {
        // mov ax,0x18; mov ds,ax; hlt
        assertThat(warnings("66 b8 18 00 8e d8 f4")).containsExactly("the guest loaded 0x18 " + GDT);
        // mov ax,0x10; mov es,ax; mov ax,0x18; mov ds,ax; hlt
        assertThat(warnings("66 b8 10 00 8e c0 66 b8 18 00 8e d8 f4"))
                .containsExactly("the guest loaded 0x10 and 0x18 " + GDT);
    }

    @Test
    void kernelWithAGdtOfItsOwnIsNotWarnedOf() {
        // lgdt [0x100038]; mov ax,0x10; mov ds,ax; mov ss,ax; jmp 0x8:0x100048
        // (at 0x100038) limit 0x17, base 0x100050; (at 0x100048) mov al,'k'; out 0xe9,al; hlt
        // (at 0x100050) null, code, data
        assertThat(warnings("0f 01 15 38 00 10 00  66 b8 10 00  8e d8  8e d0  ea 48 00 10 00 08 00  90 90"
                        + "17 00 50 00 10 00  00 00 00 00 00 00 00 00 00 00"
                        + "b0 6b e6 e9 f4 00 00 00"
                        + "00 00 00 00 00 00 00 00  ff ff 00 00 00 9a cf 00  ff ff 00 00 00 92 cf 00"))
                .isEmpty();
    }

    @Test
    void kernelThatLoadsItsGdtAndNoSegmentIsWarnedOf() {
        // lgdt [0x100038]; hlt
        // (at 0x100038) limit 0x1f, base 0x100050; (at 0x100050) null, null, code, data
        assertThat(warnings("0f 01 15 38 00 10 00 f4" + "90".repeat(16)
                        + "1f 00 50 00 10 00" + "90".repeat(18)
                        + "00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00"
                        + "ff ff 00 00 00 9a cf 00  ff ff 00 00 00 92 cf 00"))
                .singleElement()
                .asString()
                .startsWith(
                        "CS, DS, ES, SS were not loaded after LGDT and have what the boot loader put there (CS 0x10,"
                                + " the others 0x18);");
    }

    @Test
    void guestThatHasWrittenOverTheLoadersGdtIsNotMistaken() {
        // mov edi,0x500; mov ecx,8; mov eax,0x11111111; rep stosd; hlt
        assertThat(warnings("bf 00 05 00 00 b9 08 00 00 00 b8 11 11 11 11 f3 ab f4"))
                .isEmpty();
    }

    @Test
    void tablesOfProtectedModeAreThereToBeUsed() {
        // mov ax,0x10; mov ds,ax; hlt
        assertThat(run(TestGuest.flat("66 b8 10 00 8e d8 f4")).run().diagnosis().warnings())
                .isEmpty();
    }

    @Test
    void timerThatFindsTheFirmwaresHandlerIsWarnedOf() {
        // mov al,0xfe; out 0x21,al; sti; hlt; cli; hlt
        assertThat(run(TestGuest.real("b0 fe e6 21 fb f4 fa f4"))
                        .run()
                        .diagnosis()
                        .warnings())
                .containsExactly(
                        "IRQ 0 came once and found the firmware's handler at vector 8, which counts the tick at"
                                + " 0x46c and returns; a handler of the guest's own has its offset at 0000:0020 and its segment at"
                                + " 0000:0022");
    }

    @Test
    void timerWithAHandlerOfTheGuestsOwnIsNotWarnedOf() {
        // mov word [0x20],0x1014; mov word [0x22],0; mov al,0xfe; out 0x21,al; sti; hlt; cli; hlt;
        // (at 0x1014) mov al,0x20; out 0x20,al; iret
        Outcome outcome =
                run(TestGuest.real("c7 06 20 00 14 10 c7 06 22 00 00 00 b0 fe e6 21 fb f4 fa f4" + "b0 20 e6 20 cf"));

        assertThat(outcome.endedNormally()).isTrue();
        assertThat(outcome.run().diagnosis().warnings()).isEmpty();
    }

    @Test
    void reportsOfEachFormHaveTheWarning() {
        Outcome outcome = run(MultibootKernel.flat(TestGuest.bytes("e8 00 00 00 00 f4")));

        assertThat(TextReport.brief(outcome)).contains("\n  warning: the guest's stack is the boot loader's: ESP was ");
        assertThat(JsonReport.of(outcome)).contains("\"the guest's stack is the boot loader's: ESP was ");
        assertThat(HtmlReport.of(outcome)).contains("the guest's stack is the boot loader's: ESP was ");
        assertThat(outcome.endedNormally()).isTrue();
    }

    private List<String> warnings(String code) {
        return run(MultibootKernel.flat(TestGuest.bytes(code)))
                .run()
                .diagnosis()
                .warnings();
    }

    private Outcome run(VcpuConfig guest) {
        return TestGuest.run(guest, engine);
    }
}
