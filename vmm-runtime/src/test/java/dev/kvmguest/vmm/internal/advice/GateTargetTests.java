package dev.kvmguest.vmm.internal.advice;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.TestGuest;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.image.GuestImage.Segment;
import dev.kvmguest.vmm.image.GuestImage.Symbol;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class GateTargetTests {

    /**
     * An image at 1 MiB: lidt [0x100020]; mov esp,0x90000; int 3; handler at 0x100010: cli; push 0; iretd; 20: IDTR of 4
     * gates; 28: IDT[0-3], whose last is given.
     */
    private static GuestImage image(String gate, Symbol... symbols) {
        byte[] bytes = TestGuest.bytes("0f 01 1d 20 00 10 00 bc 00 00 09 00 cc f4 90 90 fa 6a 00 cf" + "90".repeat(12)
                + "1f 00 28 00 10 00 90 90" + "00".repeat(24) + gate);
        return new GuestImage(
                "kernel",
                GuestImage.Format.ELF32,
                List.of(new Segment(0x100000, 0x100000, bytes, bytes.length)),
                OptionalLong.of(0x100000),
                List.of(symbols));
    }

    private static List<String> advice(String gate, Symbol... symbols) {
        return DeadGuest.image(image(gate, symbols), BootMode.PROTECTED);
    }

    private static final Symbol HANDLER = new Symbol("handler", 0x100010, 4);

    @Test
    void lowHalfOfAnAddressIsTold() {
        assertThat(advice("10 00 08 00 00 8e 00 00", HANDLER).get(0))
                .isEqualTo(
                        "IDT[3] leads to 0x10, below 64 KiB, where the image has no code; handler is at 0x100010: bytes 6"
                                + " and 7 of the gate, the upper half of the handler's address, were never set");
        assertThat(advice("10 00 08 00 00 8e 00 00").get(0)).contains("where the image has no code: bytes 6 and 7");
    }

    @Test
    void lowAddressThatIsNoHalfOfAHandlersIsSomethingElse() {
        assertThat(advice("14 00 08 00 00 8e 00 00", HANDLER))
                .noneMatch(sentence -> sentence.contains("upper half of the" + " handler"));
    }

    @Test
    void firstBytesOfAHandlerAreTold() {
        assertThat(advice("fa 6a 08 00 00 8e 00 cf", HANDLER).get(0))
                .startsWith(
                        "IDT[3] leads to 0xcf006afa, which are the first four bytes of the code at 0x100010 (handler) and"
                                + " no address; put the handler's address into the gate");
        assertThat(advice("fa 6a 08 00 00 8e 00 cf").get(0)).contains("of the code at 0x100010 and no address");
    }

    @Test
    void firstBytesOfAHandlerThatWasOverwrittenSinceAreTold() {
        // As above, with mov dword [0x100014],0 instead of nothing: the handler at 0x100014 is gone when INT 3 comes.
        byte[] bytes = TestGuest.bytes("0f 01 1d 20 00 10 00 c7 05 14 00 10 00 00 00 00 00 cc 90 90 fa 6a 00 cf"
                + "90".repeat(8) + "1f 00 28 00 10 00 90 90" + "00".repeat(24) + "fa 6a 08 00 00 8e 00 cf");
        GuestImage image = new GuestImage(
                "kernel",
                GuestImage.Format.ELF32,
                List.of(new Segment(0x100000, 0x100000, bytes, bytes.length)),
                OptionalLong.of(0x100000),
                List.of(new Symbol("handler", 0x100014, 4)));

        assertThat(DeadGuest.image(image, BootMode.PROTECTED).get(0))
                .startsWith("IDT[3] leads to 0xcf006afa, which are the first four bytes of the code at 0x100014");
    }

    @Test
    void addressWhereNothingIsAndThatIsNoCodeIsNotExplainedByBytes() {
        assertThat(advice("fb 6a 08 00 00 8e 00 cf", HANDLER))
                .noneMatch(sentence -> sentence.contains("first four bytes"));
    }

    @Test
    void handlerInLowMemoryThatTheGuestHasPutThereIsNoMistake() {
        // The guest puts UD2 where the gate leads: mov dword [0x8010],0x0b0f0b0f
        byte[] bytes = TestGuest.bytes("0f 01 1d 20 00 10 00 bc 00 00 09 00 c7 05 10 80 00 00 0f 0b 0f 0b cc"
                + "90".repeat(9) + "1f 00 28 00 10 00 90 90" + "00".repeat(24) + "10 80 08 00 00 8e 00 00");
        GuestImage image = new GuestImage(
                "kernel",
                GuestImage.Format.ELF32,
                List.of(new Segment(0x100000, 0x100000, bytes, bytes.length)),
                OptionalLong.of(0x100000),
                List.of(new Symbol("handler", 0x108010, 4)));

        assertThat(DeadGuest.image(image, BootMode.PROTECTED)).noneMatch(sentence -> sentence.contains("below 64 KiB"));
    }

    /**
     * Returns what is advised about a 64-bit image in the last 2 GiB: lidt [0xffffffff80100020]; what raises an exception;
     * handler at 0xffffffff80100010: cli; push 0; iretq; 20: IDTR; 30: the IDT, whose last gate is given.
     */
    private static List<String> adviceIn64Bits(String cause, int vector, String gate) {
        byte[] bytes =
                TestGuest.bytes("0f 01 1c 25 20 00 10 80" + cause + "90".repeat(6) + "fa 6a 00 48 cf" + "90".repeat(11)
                        + String.format("%02x", 16 * vector + 15) + "00 30 00 10 80 ff ff ff ff" + "90".repeat(6)
                        + "00".repeat(16 * vector) + gate);
        GuestImage image = new GuestImage(
                "kernel",
                GuestImage.Format.ELF64,
                List.of(new Segment(0x10_0000, 0xffff_ffff_8010_0000L, bytes, bytes.length)),
                OptionalLong.of(0xffff_ffff_8010_0000L),
                List.of(new Symbol("handler", 0xffff_ffff_8010_0010L, 5)));
        return DeadGuest.image(image, BootMode.LONG);
    }

    private static final String INT3 = "cc 90";
    private static final String UD2 = "0f 0b";

    @Test
    void lowHalfOfAnAddressOf64BitsIsTold() {
        assertThat(adviceIn64Bits(INT3, 3, "10 00 08 00 00 8e 10 80 00 00 00 00 00 00 00 00")
                        .get(0))
                .isEqualTo(
                        "IDT[3] leads to 0x80100010, where the image has no code; handler is at 0xffffffff80100010: bytes 8"
                                + " to 11 of the gate, the upper half of the handler's address, were never set");
        assertThat(adviceIn64Bits(INT3, 3, "10 00 08 00 00 8e 00 00 00 00 00 00 00 00 00 00")
                        .get(0))
                .endsWith(
                        "handler is at 0xffffffff80100010: bytes 6 to 11 of the gate, the upper half of the handler's address,"
                                + " were never set");
    }

    @Test
    void firstEightBytesOfAHandlerAreTold() {
        assertThat(adviceIn64Bits(UD2, 6, "fa 6a 08 00 00 8e 00 48 cf 90 90 90 00 00 00 00")
                        .get(0))
                .startsWith("IDT[6] leads to 0x909090cf48006afa, which are the first eight bytes of the code at"
                        + " 0xffffffff80100010 (handler) and no address;");
    }

    @Test
    void addressOf64BitsWhereNoHandlerIsIsNotExplainedByHalves() {
        assertThat(adviceIn64Bits(INT3, 3, "20 00 08 00 00 8e 20 80 00 00 00 00 00 00 00 00"))
                .noneMatch(sentence -> sentence.contains("bytes 8 to 11"));
    }
}
