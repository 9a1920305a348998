package dev.kvmguest.vmm.internal.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.kvmguest.vmm.internal.bus.IrqState;
import dev.kvmguest.vmm.internal.bus.TimedDevice;
import dev.kvmguest.vmm.keyboard.Key;
import dev.kvmguest.vmm.mouse.MouseButton;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The controller's second port, with its mouse. */
class I8042MouseTests {

    private static final int DATA = 0;
    private static final int COMMAND = I8042.COMMAND_OFFSET;
    private static final int OUTPUT_FULL = 0x01;
    private static final int AUXILIARY = 0x20;

    private static final Set<MouseButton> NONE = Set.of();

    private final InputQueue typed = new InputQueue();
    private final MouseQueue moves = new MouseQueue();
    private IrqState irq = IrqState.MASKED;
    private long time;
    private boolean irq1;
    private boolean irq12;
    private int rises;

    private final I8042 controller = new I8042(
            end -> {},
            typed,
            moves,
            new I8042.Interrupt(high -> irq1 = high, () -> IrqState.MASKED),
            new I8042.Interrupt(this::setIrq12, () -> irq),
            () -> time);
    private final TimedDevice port = controller.secondPort();

    private void setIrq12(boolean high) {
        rises += high && !irq12 ? 1 : 0;
        irq12 = high;
    }

    private void command(int command) {
        controller.writeByte(COMMAND, command);
    }

    private void configure(int configuration) {
        command(0x60);
        controller.writeByte(DATA, configuration);
    }

    private int status() {
        return controller.readByte(COMMAND);
    }

    /** Sends bytes to the mouse, and returns what it answers to all of them, in hexadecimal digits. */
    private String ask(int... bytes) {
        List<Integer> answers = new ArrayList<>();
        for (int octet : bytes) {
            command(0xd4);
            controller.writeByte(DATA, octet);
            answers.addAll(readMouse());
        }
        return hex(answers);
    }

    private List<Integer> readMouse() {
        List<Integer> read = new ArrayList<>();
        while ((status() & (OUTPUT_FULL | AUXILIARY)) == (OUTPUT_FULL | AUXILIARY)) {
            read.add(controller.readByte(DATA));
        }
        return read;
    }

    /** Polls for 10 ms, and returns what the mouse sent. */
    private String poll() {
        List<Integer> packets = new ArrayList<>();
        for (int idle = 0; idle < 100; idle++) {
            List<Integer> more = readMouse();
            packets.addAll(more);
            idle = more.isEmpty() ? idle : 0;
            time += 100_000;
        }
        return hex(packets);
    }

    private static String hex(List<Integer> bytes) {
        return bytes.stream().map(octet -> String.format("%02x", octet)).collect(Collectors.joining(" "));
    }

    private void move(int dx, int dy, Set<MouseButton> held) {
        moves.add(MouseMove.of(dx, dy, 0, held));
    }

    // Commands

    @Test
    void resetIsAnsweredBySelfTestAndId() {
        assertThat(ask(0xff)).isEqualTo("fa aa 00");
        assertThat(ask(0xf2)).isEqualTo("fa 00");
    }

    @ParameterizedTest
    @CsvSource({"0xe6", "0xe7", "0xea", "0xec", "0xf0", "0xf4", "0xf5", "0xf6"})
    void commandWithoutArgumentIsAcknowledged(String command) {
        assertThat(ask(Integer.decode(command))).isEqualTo("fa");
    }

    @Test
    void answersAreTheAuxiliaryDevicesInTheStatusAndNotTranslated() {
        command(0xd4);
        controller.writeByte(DATA, 0xff);

        assertThat(status()).isEqualTo(0x35);
        assertThat(hex(readMouse())).isEqualTo("fa aa 00");
        assertThat(status()).isEqualTo(0x14);
    }

    @Test
    void statusTellsWhatWasSet() {
        assertThat(ask(0xe9)).isEqualTo("fa 00 02 64");

        ask(0xe8, 3, 0xf3, 40, 0xe7, 0xf4);
        assertThat(ask(0xe9)).isEqualTo("fa 30 03 28");

        ask(0xf0);
        assertThat(ask(0xe9)).isEqualTo("fa 70 03 28");

        ask(0xf6);
        assertThat(ask(0xe9)).isEqualTo("fa 00 02 64");
    }

    @Test
    void statusTellsWhichButtonsAreHeld() {
        ask(0xf4);
        move(0, 0, Set.of(MouseButton.LEFT, MouseButton.RIGHT));
        poll();
        assertThat(ask(0xe9)).isEqualTo("fa 25 02 64");

        move(0, 0, Set.of(MouseButton.MIDDLE));
        poll();
        assertThat(ask(0xe9)).isEqualTo("fa 22 02 64");
    }

    @Test
    void argumentThatMakesNoSenseIsRefusedAndAnUnknownCommandToo() {
        assertThat(ask(0xe8, 4)).isEqualTo("fa fe");
        assertThat(ask(0xf3, 99)).isEqualTo("fa fe");
        assertThat(ask(0x00)).isEqualTo("fe");
        assertThat(ask(0xe9)).isEqualTo("fa 00 02 64");
    }

    @Test
    void commandInPlaceOfAnArgumentIsCarriedOut() {
        assertThat(ask(0xf3, 0xf2)).isEqualTo("fa fa 00");
    }

    @Test
    void wrapModeEchoesAllButItsEndAndTheReset() {
        assertThat(ask(0xee, 0x12, 0xf4, 0xec)).isEqualTo("fa 12 f4 fa");
        assertThat(ask(0xee, 0xff, 0x12)).isEqualTo("fa fa aa 00 fe");
    }

    @Test
    void lastAnswerIsSentAgain() {
        ask(0xf2);

        assertThat(ask(0xfe)).isEqualTo("fa 00");
    }

    // Packets

    @Test
    void movementsAreReportedOnceTheGuestHasEnabledThat() {
        move(5, -3, NONE);
        assertThat(poll()).isEmpty();

        ask(0xf4);

        assertThat(poll()).isEqualTo("28 05 fd");
        assertThat(poll()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "1, 2, LEFT, 09 01 02",
        "-1, 0, RIGHT, 1a ff 00",
        "0, -255, MIDDLE, 2c 00 01",
        "255, 255, LEFT, 09 ff ff",
        "256, 0, LEFT, 09 ff 00 09 01 00",
        "-600, 300, LEFT, 19 01 ff 19 01 2d 19 a6 00",
        "0, 0, LEFT, 09 00 00"
    })
    void packetHasButtonsSignsAndCounts(int dx, int dy, MouseButton held, String packets) {
        ask(0xf4);
        move(dx, dy, Set.of(held));

        assertThat(poll()).isEqualTo(packets);
    }

    @Test
    void clickIsAPressAndARelease() {
        ask(0xf4);
        moves.add(MouseMove.click(Set.of(MouseButton.LEFT)));

        assertThat(poll()).isEqualTo("09 00 00 08 00 00");
    }

    @Test
    void wheelIsReportedToWhoKnocksForIt() {
        assertThat(ask(0xf3, 200, 0xf3, 100, 0xf3, 80, 0xf2)).isEqualTo("fa fa fa fa fa fa fa 03");
        ask(0xf4);
        moves.add(MouseMove.of(0, 0, -1, NONE));
        moves.add(MouseMove.of(1, 0, 9, NONE));

        assertThat(poll()).isEqualTo("08 00 00 ff 08 01 00 07 08 00 00 02");

        ask(0xff, 0xf4);
        moves.add(MouseMove.of(2, 0, 0, NONE));
        assertThat(poll()).isEqualTo("08 02 00");
    }

    @Test
    void otherSampleRatesAreNoKnock() {
        assertThat(ask(0xf3, 200, 0xf3, 80, 0xf3, 100, 0xf2)).endsWith("fa 00");
    }

    @ParameterizedTest
    @CsvSource({"1, 2, 08 01 01", "3, -4, 28 03 fa", "5, 6, 08 09 0c", "127, 128, 88 fe ff", "-200, 0, 58 01 00"})
    void scalingOf2To1DoublesWhatIsFast(int dx, int dy, String packet) {
        ask(0xe7, 0xf4);
        move(dx, dy, NONE);

        assertThat(poll()).isEqualTo(packet);
    }

    @Test
    void remoteModeReportsOnRequestOnly() {
        ask(0xf4, 0xf0);
        move(7, 0, NONE);
        assertThat(poll()).isEmpty();

        assertThat(ask(0xeb)).isEqualTo("fa 08 07 00");
        assertThat(ask(0xeb)).isEqualTo("fa 08 00 00");

        move(8, 0, NONE);
        ask(0xea);
        assertThat(poll()).isEqualTo("08 08 00");
    }

    @Test
    void commandEndsThePacketThatIsUnderWay() {
        ask(0xf4);
        move(1, 1, NONE);
        move(2, 2, NONE);
        status();
        status();
        time += Ps2Port.DELAY;
        assertThat(controller.readByte(DATA)).isEqualTo(0x08);

        assertThat(ask(0xe6)).isEqualTo("fa");
        assertThat(poll()).isEqualTo("08 02 02");
    }

    @Test
    void portThatIsOffReportsNothing() {
        ask(0xf4);
        move(1, 0, NONE);
        command(0xa7);
        assertThat(poll()).isEmpty();

        command(0xa8);
        assertThat(poll()).isEqualTo("08 01 00");
    }

    @Test
    void byteForTheMouseTurnsItsPortOn() {
        command(0xa7);

        assertThat(ask(0xf2)).isEqualTo("fa 00");
        command(0x20);
        assertThat(controller.readByte(DATA)).isEqualTo(0x45);
    }

    @Test
    void interfaceTestPasses() {
        command(0xa9);

        assertThat(status() & AUXILIARY).isZero();
        assertThat(controller.readByte(DATA)).isZero();
    }

    // Interrupt

    /** Halts, and reads a byte at each interrupt until none will come. */
    private String handleInterrupts() {
        List<Integer> read = new ArrayList<>();
        while (true) {
            while (!irq12) {
                long next = port.nextEvent();
                if (next == TimedDevice.NEVER) {
                    return hex(read);
                }
                time = Math.max(time, next);
                port.advanceTo(time);
            }
            read.add(controller.readByte(DATA));
        }
    }

    @Test
    void packetsComeByInterruptByteByByte() {
        irq = IrqState.OPEN;
        configure(0x47);
        ask(0xf4);
        rises = 0;
        move(1, 2, NONE);

        assertThat(handleInterrupts()).isEqualTo("08 01 02");
        assertThat(rises).isEqualTo(3);
        assertThat(irq1).isFalse();
    }

    @Test
    void answersInterruptToo() {
        configure(0x47);
        command(0xd4);
        controller.writeByte(DATA, 0xf2);

        assertThat(irq12).isTrue();
        controller.readByte(DATA);
        controller.readByte(DATA);
        assertThat(irq12).isFalse();
        assertThat(rises).isEqualTo(2);
    }

    @Test
    void nothingInterruptsWhileTheConfigurationForbidsIt() {
        irq = IrqState.OPEN;
        configure(0x45);
        ask(0xf4);
        move(1, 2, NONE);

        assertThat(handleInterrupts()).isEmpty();
        assertThat(poll()).isEqualTo("08 01 02");
        assertThat(rises).isZero();
    }

    @Test
    void byteCanBePutIntoTheBufferAsIfTheMouseHadSentIt() {
        configure(0x47);
        command(0xd3);
        controller.writeByte(DATA, 0x5a);

        assertThat(irq12).isTrue();
        assertThat(hex(readMouse())).isEqualTo("5a");
        assertThat(irq12).isFalse();
    }

    @ParameterizedTest
    @CsvSource({"0x47, true, true", "0x45, true, false", "0x67, true, false", "0x47, false, false"})
    void mayReceiveIfAMovementWouldInterrupt(String configuration, boolean enabled, boolean expected) {
        if (enabled) {
            ask(0xf4);
        }
        configure(Integer.decode(configuration));

        assertThat(port.mayReceive()).isEqualTo(expected);
    }

    @Test
    void byteInTheBufferStaysWhoseItIsWhenTheOtherDeviceHasOneToo() {
        ask(0xf4);
        move(1, 2, NONE);
        status();
        status();
        time += Ps2Port.DELAY;
        assertThat(status() & AUXILIARY).isEqualTo(AUXILIARY);

        typed.add(List.of(Keystroke.of(Key.A)));

        assertThat(status() & AUXILIARY).isEqualTo(AUXILIARY);
        assertThat(controller.readByte(DATA)).isEqualTo(0x08);
        assertThat(status() & (AUXILIARY | OUTPUT_FULL)).isEqualTo(OUTPUT_FULL);
        assertThat(controller.readByte(DATA)).isEqualTo(0x1e);
    }

    // Movements

    @Test
    void movementThatNobodyMeansIsRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> MouseMove.of(0, -32_768, 0, NONE))
                .withMessage("mouse movement dy = -32768 is not between -32767 and 32767");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> MouseMove.click(NONE))
                .withMessage("a click needs at least one button");
    }
}
