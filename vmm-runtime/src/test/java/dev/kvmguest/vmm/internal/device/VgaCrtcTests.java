package dev.kvmguest.vmm.internal.device;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class VgaCrtcTests {

    private static final long FRAME_NANOS = 449 * 31_777L;

    private long now;
    private final VgaCrtc crtc = new VgaCrtc(() -> now);

    private int read(int register) {
        crtc.writeByte(0, register);
        return crtc.readByte(1);
    }

    private void write(int register, int value) {
        crtc.writeByte(0, register);
        crtc.writeByte(1, value);
    }

    @Test
    void everyRegisterReadsBack() {
        for (int register = 0; register <= 0x18; register++) {
            write(register, 0xa0 + register);
        }
        for (int register = 0; register <= 0x18; register++) {
            assertThat(read(register)).isEqualTo(0xa0 + register);
            assertThat(crtc.readByte(0)).isEqualTo(register);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0x19, 0x7f, 0xff})
    void registersThatAreNotThereReadZeroAndTakeNothing(int register) {
        write(register, 0x55);

        assertThat(read(register)).isZero();
        assertThat(crtc.readByte(0)).isEqualTo(register);
    }

    @Test
    void firmwareLeavesTextMode3() {
        assertThat(read(0x01)).as("last column").isEqualTo(79);
        assertThat(read(0x09) & 0x1f).as("last scan line of a row").isEqualTo(15);
        assertThat(read(0x13)).as("half of the columns").isEqualTo(40);
        assertThat(read(0x0a)).isEqualTo(0x0d);
        assertThat(read(0x0b)).isEqualTo(0x0e);
        assertThat(crtc.startAddress()).isZero();
        assertThat(crtc.cursorAddress()).hasValue(0);
    }

    @Test
    void addressesAreHighByteAndLowByte() {
        write(0x0c, 0x12);
        write(0x0d, 0x34);
        write(0x0e, 0xfe);
        write(0x0f, 0xdc);

        assertThat(crtc.startAddress()).isEqualTo(0x1234);
        assertThat(crtc.cursorAddress()).hasValue(0xfedc);
    }

    @ParameterizedTest
    @CsvSource({
        "0x0d, 0x0e, true",
        "0x00, 0x0f, true",
        "0x0e, 0x0e, true",
        "0x2d, 0x0e, false",
        "0x0f, 0x0e, false",
        "0x10, 0x1f, false",
        "0x4d, 0x6e, true"
    })
    void cursorIsSeenUnlessItIsOffOrHasNoScanLine(String start, String end, boolean seen) {
        write(0x0a, Integer.decode(start));
        write(0x0b, Integer.decode(end));

        assertThat(crtc.cursorAddress().isPresent()).isEqualTo(seen);
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0, 0x00",
        "0, 25421, 0x00",
        "0, 25422, 0x01",
        "0, 31776, 0x01",
        "1, 0, 0x00",
        "399, 25421, 0x00",
        "400, 0, 0x01",
        "411, 31776, 0x01",
        "412, 0, 0x09",
        "413, 31776, 0x09",
        "414, 0, 0x01",
        "448, 31776, 0x01"
    })
    void inputStatusSaysWhereTheBeamIs(int line, int nanos, String status) {
        for (long frame : new long[] {0, 1, 1_000_000}) {
            now = frame * FRAME_NANOS + line * 31_777L + nanos;

            assertThat(crtc.readByte(6)).as("frame %d", frame).isEqualTo(Integer.decode(status));
        }
    }

    @Test
    void inputStatusTakesNoWrites() {
        crtc.writeByte(0, 0x0f);
        crtc.writeByte(6, 0x55);

        assertThat(crtc.readByte(0)).isEqualTo(0x0f);
        assertThat(crtc.readByte(1)).isZero();
        assertThat(crtc.readByte(6)).isZero();
    }
}
