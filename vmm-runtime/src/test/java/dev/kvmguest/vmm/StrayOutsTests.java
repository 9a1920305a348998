package dev.kvmguest.vmm;

import static dev.kvmguest.vmm.TestGuest.real;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.report.JsonReport;
import dev.kvmguest.vmm.report.TextReport;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Guests that leave by the debug-exit port after writes that went astray, and some that only look so. */
class StrayOutsTests {

    private static final String LEAVE = "b0 00 e6 f4";

    /** Returns what a guest does that writes values to ports: {@code mov dx,port; mov al,value; out dx,al} each. */
    private static String outs(int... portsAndValues) {
        StringBuilder code = new StringBuilder();
        IntStream.iterate(0, i -> i < portsAndValues.length, i -> i + 2)
                .forEach(i -> code.append(String.format(
                        "ba %02x %02x b0 %02x ee ",
                        portsAndValues[i] & 0xff, portsAndValues[i] >> 8, portsAndValues[i + 1])));
        return code.toString();
    }

    private static Outcome run(String code) {
        return TestGuest.run(real(code), EngineChoice.EMULATOR);
    }

    private static List<String> warnings(String code) {
        return run(code).run().diagnosis().warnings();
    }

    @Test
    void textWrittenToItsOwnPortsWithTheConsoleAsItsValueWasSwapped() {
        String hello = outs('H', 0xe9, 'e', 0xe9, 'l', 0xe9, 'l', 0xe9, 'o', 0xe9);

        assertThat(warnings(hello + LEAVE))
                .containsExactly("the OUTs before the write to the debug-exit port look as if port and value were"
                        + " swapped: 0xe9 to port 0x48, 0xe9 to port 0x65, 0xe9 to port 0x6c, 0xe9 to port 0x6c ...;"
                        + " OUT DX, AL writes AL to port DX");
    }

    @Test
    void exitMayBeASwappedCommandForTheKeyboard() {
        // outb(0x20, 0x11); outb(0x21, 0x28); outb(0x21, 4); outb(0x21, 1); outb(0x60, 0xf4), all swapped
        String code = outs(0x11, 0x20, 0x28, 0x21, 0x04, 0x21, 0x01, 0x21, 0xf4, 0x60);

        assertThat(warnings(code))
                .containsExactly("the OUTs before the write to the debug-exit port look as if port and value were"
                        + " swapped: 0x20 to port 0x11, 0x21 to port 0x28, 0x21 to port 0x4, 0x21 to port 0x1; this exit"
                        + " may be one of them, 0xf4 meant for port 0x60; OUT DX, AL writes AL to port DX");
    }

    @Test
    void textForCom1WasSwappedThoughOnlyTheLowByteOfThePortIsLeft() {
        assertThat(warnings(outs('o', 0xf8, 'k', 0xf8, '\n', 0xf8) + LEAVE))
                .singleElement()
                .asString()
                .contains("swapped: 0xf8 to port 0x6f, 0xf8 to port 0x6b, 0xf8 to port 0xa;");
    }

    @Test
    void textWrittenToAPortWithoutADeviceIsTold() {
        Outcome outcome = run(outs(0x9e, 'p', 0x9e, 'a', 0x9e, 's', 0x9e, 's', 0x9e, '\n') + LEAVE);

        String sentence = "the OUTs before the write to the debug-exit port are text, \"pass\", and went to port 0x9e,"
                + " which has no device; the console is at ports 0xe9 and 0x3f8";
        assertThat(outcome.run().diagnosis().warnings()).containsExactly(sentence);
        assertThat(TextReport.brief(outcome).replaceAll("\\s+", " ")).contains("warning: " + sentence);
        assertThat(JsonReport.of(outcome)).contains(sentence.replace("\"", "\\\""));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                // The two 8259A and the keyboard as they should be: outb(0x20, 0x11) and so on.
                "b0 11 e6 20 b0 11 e6 a0 b0 20 e6 21 b0 28 e6 a1 b0 04 e6 21 b0 02 e6 a1 b0 60 e6 64 b0 61 e6 60 ",
                // An EOI to each, three times: out 0x20,al with AL 0x20.
                "b0 20 e6 20 e6 a0 e6 20 e6 a0 e6 20 e6 a0 ",
                // DMA, a delay at port 0xed, and PCI.
                "b0 06 e6 0a b0 46 e6 0b e6 ed e6 ed e6 ed ba f8 0c 66 b8 00 00 00 80 66 ef ",
                // Text on the console.
                "b0 6f e6 e9 b0 6b e6 e9 b0 21 e6 e9 ",
                // Palette: numbers for a port without a device.
                "ba c9 03 b0 00 ee b0 2a ee b0 3f ee b0 15 ee ",
                // Text for COM2, which a PC has.
                "ba f8 02 b0 6f ee b0 6b ee b0 21 ee b0 61 ee ",
                ""
            })
    void guestThatServesItsDevicesIsLeftAlone(String code) {
        assertThat(warnings(code + LEAVE)).isEmpty();
    }

    @Test
    void twoStrayOutsMayBeChance() {
        assertThat(warnings(outs('H', 0xe9, 'e', 0xe9) + LEAVE)).isEmpty();
    }

    @Test
    void whatWasWrittenRightAfterTheSwappedOnesEndsTheRow() {
        assertThat(warnings(outs('H', 0xe9, 'e', 0xe9, 'y', 0xe9, 0xe9, 'H') + LEAVE))
                .isEmpty();
    }

    @Test
    void guestThatEndsOtherwiseIsNotWarned() {
        assertThat(warnings(outs('H', 0xe9, 'e', 0xe9, 'y', 0xe9) + "f4")).isEmpty();
    }
}
