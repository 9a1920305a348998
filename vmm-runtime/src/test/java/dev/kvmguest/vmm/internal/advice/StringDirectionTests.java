package dev.kvmguest.vmm.internal.advice;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.TestGuest;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.image.GuestImage.Symbol;
import java.util.List;
import org.junit.jupiter.api.Test;

class StringDirectionTests {

    /** lidt [0x1022]; mov esp,0x9000; std; int 0x30; hlt; handler, to 0x1022; 1022: IDTR; 1028: IDT[0x30] to 0x1010. */
    private static List<String> withHandler(String handler) {
        String code = "0f 01 1d 22 10 00 00 bc 00 90 00 00 fd cd 30 f4" + handler;
        int length = TestGuest.bytes(code).length;
        return DeadGuest.paged(code + "90".repeat(0x22 - length) + "ff 07 a8 0e 00 00 10 10 08 00 00 8e 00 00");
    }

    @Test
    void handlerWithoutCldIsTold() {
        // mov edi,0; mov ecx,2; rep stosd; iretd
        assertThat(withHandler("bf 00 00 00 00 b9 02 00 00 00 f3 ab cf").get(0))
                .isEqualTo(
                        "DF is set, so that rep stosd at 0x101a went downwards, as it was set in what was interrupted"
                                + " before mov edi, 0 at 0x1010; begin the handler with CLD, before it calls any code of C");
    }

    @Test
    void handlerThatSetsDfItselfMeansIt() {
        // std; mov edi,0; mov ecx,2; rep stosd; cld; iretd
        assertThat(withHandler("fd bf 00 00 00 00 b9 02 00 00 00 f3 ab fc cf"))
                .noneMatch(sentence -> sentence.contains("DF is set"));
    }

    @Test
    void handlerThatClearsDfAndRunsUpwardsIsNotTold() {
        // cld; mov edi,0x7ffffc; mov ecx,2; rep stosd; iretd: up, off the last page
        assertThat(withHandler("fc bf fc ff 7f 00 b9 02 00 00 00 f3 ab cf"))
                .noneMatch(sentence -> sentence.contains("DF is set"));
    }

    @Test
    void functionThatIsCalledWithDfSetIsToldWithWhoSetIt() {
        // main: mov esp,0x9000; std; call f; hlt; f: mov edi,0; mov ecx,2; rep stosd; ret
        String code = "bc 00 90 00 00 fd e8 01 00 00 00 f4 bf 00 00 00 00 b9 02 00 00 00 f3 ab c3";

        assertThat(DeadGuest.image(
                                TestGuest.image(
                                        code, new Symbol("main", 0x80001000L, 12), new Symbol("f", 0x8000100cL, 13)),
                                BootMode.PAGED)
                        .get(0))
                .isEqualTo(
                        "DF is set, so that rep stosd at 0x80001016 (f+0xa) went downwards, as std at 0x80001005 (main+0x5) left"
                                + " it; execute CLD after what needs DF, before any other function is called");
        // All of it one function: it may be meant.
        assertThat(DeadGuest.image(TestGuest.image(code, new Symbol("main", 0x80001000L, 25)), BootMode.PAGED))
                .noneMatch(sentence -> sentence.contains("DF is set"));
        assertThat(DeadGuest.paged(code)).noneMatch(sentence -> sentence.contains("DF is set"));
    }

    @Test
    void handlerThatClearsDownwardsIntoItselfIsToldByWhatItClearedWith() {
        // mov edi,0x1038; mov ecx,0x1a; mov al,0xf; rep stosb: up to and over what follows it; then that
        assertThat(withHandler("bf 2f 10 00 00 b9 12 00 00 00 b0 0f f3 aa cf"))
                .anyMatch(sentence -> sentence.startsWith("DF is set, so that rep stosb at 0x101c went downwards"));
    }
}
