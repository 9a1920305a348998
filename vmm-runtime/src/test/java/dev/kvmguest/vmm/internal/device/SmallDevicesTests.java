package dev.kvmguest.vmm.internal.device;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.outcome.Ending;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The devices of one register. */
class SmallDevicesTests {

    private final List<Ending> ends = new ArrayList<>();
    private final List<Integer> values = new ArrayList<>();

    @Nested
    class ResetControlTests {

        private final ResetControl control = new ResetControl(ends::add);

        @Test
        void risingResetBitResets() {
            control.writeByte(0, 0x02);
            assertThat(ends).isEmpty();

            control.writeByte(0, 0x06);
            assertThat(ends)
                    .containsExactly(new Ending.Reset("0x06 to the reset control register asked for a hard reset"));
        }

        @Test
        void resetBitAloneIsASoftReset() {
            control.writeByte(0, 0x04);

            assertThat(ends)
                    .containsExactly(new Ending.Reset("0x04 to the reset control register asked for a soft reset"));
        }

        @Test
        void resetBitThatStaysSetIsNoEdge() {
            control.writeByte(0, 0x04);
            control.writeByte(0, 0x06);
            assertThat(ends).hasSize(1);

            control.writeByte(0, 0x00);
            control.writeByte(0, 0x06);
            assertThat(ends).hasSize(2);
        }

        @Test
        void valueReadsBack() {
            assertThat(control.readByte(0)).isZero();

            control.writeByte(0, 0x0a);

            assertThat(control.readByte(0)).isEqualTo(0x0a);
            assertThat(ends).isEmpty();
        }
    }

    @Nested
    class SystemControlPortATests {

        private final SystemControlPortA port = new SystemControlPortA(ends::add);

        @Test
        void a20IsOpenAndReadsBack() {
            assertThat(port.readByte(0)).isEqualTo(0x02);

            port.writeByte(0, 0x00);
            assertThat(port.readByte(0)).isZero();

            port.writeByte(0, 0x02);
            assertThat(port.readByte(0)).isEqualTo(0x02);
            assertThat(ends).isEmpty();
        }

        @Test
        void bit0Resets() {
            port.writeByte(0, 0x03);

            assertThat(ends).containsExactly(new Ending.Reset("bit 0 of system control port A was set"));
            assertThat(port.readByte(0)).isEqualTo(0x02);
        }
    }

    @Nested
    class DebugExitTests {

        private final DebugExit port = new DebugExit(ends::add);

        @Test
        void byteIsUnsigned() {
            port.write(0, 1, 0xff);

            assertThat(ends).containsExactly(new Ending.DebugExit(0xff));
        }

        @ParameterizedTest
        @CsvSource({"2, 0xffff, 65535", "4, 0x12345678, 305419896", "4, 0xffffffff, -1"})
        void widerValuesAreTakenWhole(int width, String value, int code) {
            assertThat(port.takesBeyondItsEnd(width)).isTrue();

            port.write(0, width, Long.decode(value));

            assertThat(ends).containsExactly(new Ending.DebugExit(code));
        }

        @Test
        void readsAllOnes() {
            assertThat(port.read(0, 1)).isEqualTo(0xff);
            assertThat(ends).isEmpty();
        }
    }

    @Nested
    class DebugConsoleTests {

        private final DebugConsole console = new DebugConsole(values::add);

        @Test
        void bytesAreOutput() {
            console.writeByte(0, 'H');
            console.writeByte(0, 0xff);

            assertThat(values).containsExactly((int) 'H', 0xff);
        }

        @Test
        void readsItsPortNumberToShowThatItIsThere() {
            assertThat(console.readByte(0)).isEqualTo(0xe9);
        }
    }

    @Nested
    class PostCodeTests {

        @Test
        void lastCodeReadsBack() {
            PostCode port = new PostCode();
            assertThat(port.readByte(0)).isZero();

            port.writeByte(0, 0x11);
            port.writeByte(0, 0xaa);

            assertThat(port.readByte(0)).isEqualTo(0xaa);
        }
    }
}
