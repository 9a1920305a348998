package dev.kvmguest.vmm.internal.advice;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.TestGuest;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.image.GuestImage.Symbol;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class ExecutedDataTests {

    private static String text(String text) {
        return HexFormat.of().formatHex(text.getBytes(StandardCharsets.US_ASCII));
    }

    @Test
    void stringThatIsExecutedIsShown() {
        // mov esp,0x90000000; and on into the string: push esp
        assertThat(DeadGuest.paged("bc 00 00 00 90" + text("This is a message of the kernel"))
                        .get(0))
                .contains("are text and no code: \"This is a message of the kernel\"; look for a jump");
    }

    @Test
    void pushesInARowAreNotTakenForText() {
        // mov esp,0x70000000; push ebp; push edi; push esi; push ebx; push eax
        assertThat(DeadGuest.paged("bc 00 00 00 70 55 57 56 53 50 90 90 90"))
                .noneMatch(sentence -> sentence.contains("text"));
    }

    @Test
    void stringThatWasExecutedBeforeTheFaultIsShown() {
        // mov esp,0x9000; the text: dec eax; inc ebp; dec esp; dec esp; ... push esi; jb to behind it: ud2
        assertThat(DeadGuest.flat("bc 00 90 00 00" + text("HELLOKERNELVr") + "00 0f 0b")
                        .get(0))
                .startsWith(
                        "the bytes at 0x1005 are text and no code: \"HELLOKERNELVr\", executed after mov esp, 0x9000 at"
                                + " 0x1000; look for");
    }

    @Test
    void stringThatIsPushedIsNotTakenForText() {
        // mov esp,0x9000; push "rldx"; push "o Wo"; push "Hell"; ud2
        assertThat(DeadGuest.flat(
                        "bc 00 90 00 00 68" + text("rldx") + "68" + text("o Wo") + "68" + text("Hell") + "0f 0b"))
                .noneMatch(sentence -> sentence.contains("text"));
    }

    /** Returns what is advised about code with eight bytes at 0x1010 that a symbol of a type names {@code table}. */
    private static List<String> withTable(boolean object, String code, String table) {
        byte[] bytes = TestGuest.bytes(code + "90".repeat(0x10 - TestGuest.bytes(code).length) + table);
        GuestImage image = new GuestImage(
                "kernel",
                GuestImage.Format.ELF32,
                List.of(new GuestImage.Segment(0x1000, 0x1000, bytes, bytes.length)),
                OptionalLong.of(0x1000),
                List.of(new Symbol("start", 0x1000, 0x10), new Symbol("table", 0x1010, 8, Symbol.UNKNOWN_END, object)));
        return DeadGuest.image(image, BootMode.PROTECTED);
    }

    /** mov eax,0x1011; jmp eax */
    private static final String JUMP = "b8 11 10 00 00 ff e0";

    /** inc eax; inc ecx; nop; ud2 */
    private static final String DATA = "40 41 90 0f 0b 00 00 00";

    @Test
    void jumpIntoATableIsTold() {
        assertThat(withTable(true, JUMP, DATA).get(0))
                .startsWith(
                        "execution went to 0x1011 (table+0x1), which the image has as data, after jmp eax at 0x1005 (start+0x5);"
                                + " look at where that address comes from");
    }

    @Test
    void codeThatRunsOnIntoATableIsTold() {
        assertThat(withTable(true, "90", DATA).get(0)) // nop, up to the table
                .startsWith(
                        "execution went to 0x1010 (table), which the image has as data, after nop at 0x100f (start+0xf); it doesn't"
                                + " jump there");
    }

    @Test
    void labelThatIsNoObjectIsNotCalledData() {
        assertThat(withTable(false, JUMP, DATA)).noneMatch(sentence -> sentence.contains("data"));
    }

    @Test
    void codeThatTheGuestHasPutThereIsNotCalledData() {
        // mov word [0x1013],0x0b0f: ud2; nop, up to the table: inc eax; inc ecx; nop
        assertThat(withTable(true, "66 c7 05 13 10 00 00 0f 0b", "40 41 90 0f ff 00 00 00"))
                .noneMatch(sentence -> sentence.contains("data"));
    }

    @Test
    void returnIntoTextIsNotCodeThatRunsOnIntoIt() {
        // mov esp,0x9000; push 0x100c; rep ret; the text; 0x1019: ud2
        assertThat(DeadGuest.flat("bc 00 90 00 00 68 0c 10 00 00 f3 c3" + text("HELLOKERNELVr") + "00 0f 0b")
                        .get(0))
                .startsWith("the bytes at 0x100c are text and no code: \"HELLOKERNELVr\"; look for a jump or call");
    }
}
