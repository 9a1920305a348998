package dev.kvmguest.vmm.internal.device;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.internal.bus.IrqState;
import dev.kvmguest.vmm.outcome.Ending;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class I8042Tests {

    private static final int DATA = 0;
    private static final int COMMAND = I8042.COMMAND_OFFSET;

    private final List<Ending> ends = new ArrayList<>();
    private final I8042.Interrupt masked = new I8042.Interrupt(high -> {}, () -> IrqState.MASKED);
    private final I8042 controller = new I8042(ends::add, new InputQueue(), new MouseQueue(), masked, masked, () -> 0);

    @Test
    void nothingIsToBeReadAtFirst() {
        assertThat(controller.readByte(COMMAND)).isEqualTo(0x14);
    }

    @Test
    void dataPortHasTheLastAnswerThatFirmwareGotAtFirst() {
        assertThat(controller.readByte(DATA)).isEqualTo(0xfa);
    }

    @ParameterizedTest
    @CsvSource({"0xaa, 0x55", "0xab, 0x00", "0x20, 0x65", "0xd0, 0x03"})
    void commandIsAnsweredOnce(String command, String answer) {
        controller.writeByte(COMMAND, Integer.decode(command));

        assertThat(controller.readByte(COMMAND)).isEqualTo(0x1d);
        assertThat(controller.readByte(DATA)).isEqualTo(Integer.decode(answer));
        assertThat(controller.readByte(COMMAND)).isEqualTo(0x1c);
    }

    @Test
    void configurationReadsBack() {
        controller.writeByte(COMMAND, 0x60);
        controller.writeByte(DATA, 0x61);
        controller.writeByte(COMMAND, 0x20);

        assertThat(controller.readByte(DATA)).isEqualTo(0x61);
    }

    @Test
    void outputPortReadsBackForA20() {
        controller.writeByte(COMMAND, 0xd1);
        controller.writeByte(DATA, 0xdd);
        controller.writeByte(COMMAND, 0xd0);

        assertThat(controller.readByte(DATA)).isEqualTo(0xdd);
        assertThat(ends).isEmpty();
    }

    @Test
    void outputPortResetsByItsLowestLine() {
        controller.writeByte(COMMAND, 0xd1);
        controller.writeByte(DATA, 0xfe);

        assertThat(ends).containsExactly(new Ending.Reset("8042 output port 0xfe holds the reset line"));
    }

    @Test
    void commandTakesOneByteOfData() {
        controller.writeByte(COMMAND, 0xd1);
        controller.writeByte(DATA, 0xdf);
        controller.writeByte(DATA, 0x00);

        assertThat(ends).isEmpty();
    }

    @Test
    void dataForTheKeyboardGoesNowhere() {
        controller.writeByte(DATA, 0x00);
        controller.writeByte(COMMAND, 0xd1);
        controller.writeByte(COMMAND, 0xaa);
        controller.writeByte(DATA, 0x00);

        assertThat(ends).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(ints = {0xfe, 0xf0, 0xfc})
    void pulseOfTheLowestLineResets(int command) {
        controller.writeByte(COMMAND, command);

        assertThat(ends)
                .containsExactly(new Ending.Reset(String.format("8042 command 0x%02x pulsed the reset line", command)));
    }

    @ParameterizedTest
    @ValueSource(ints = {0xff, 0xf1, 0xfd, 0xad, 0xae, 0xee})
    void otherCommandsDoNotReset(int command) {
        controller.writeByte(COMMAND, command);

        assertThat(ends).isEmpty();
        assertThat(controller.readByte(COMMAND)).isEqualTo(0x1c);
    }
}
