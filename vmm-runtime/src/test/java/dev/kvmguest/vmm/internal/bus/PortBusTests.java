package dev.kvmguest.vmm.internal.bus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PortBusTests {

    private final PortBus bus = new PortBus();

    /** Writes down what reaches it, and answers each offset with 0x10 + offset. */
    private static class Recorder implements ByteDevice {

        final List<String> seen = new ArrayList<>();

        @Override
        public int readByte(int offset) {
            seen.add("in " + offset);
            return 0x10 + offset;
        }

        @Override
        public void writeByte(int offset, int value) {
            seen.add(String.format("out %d %x", offset, value));
        }
    }

    /** Writes down accesses as they reach it, and takes those of four bytes for its own. */
    private static final class WideRecorder implements IoDevice {

        final List<String> seen = new ArrayList<>();

        @Override
        public long read(int offset, int width) {
            seen.add(String.format("in%d %d", width, offset));
            return 0x8765_4321L & (1L << 8 * width) - 1;
        }

        @Override
        public void write(int offset, int width, long value) {
            seen.add(String.format("out%d %d %x", width, offset, value));
        }

        @Override
        public boolean takesBeyondItsEnd(int width) {
            return width == 4;
        }
    }

    @Test
    void deviceSeesOffsets() {
        Recorder device = map(0x3f8, 8);

        bus.write(0x3fb, 1, 0x80);

        assertThat(bus.read(0x3ff, 1)).isEqualTo(0x17);
        assertThat(device.seen).containsExactly("out 3 80", "in 7");
        assertThat(bus.unclaimed()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({"1, 0x10", "2, 0x1110", "4, 0x13121110"})
    void wideInIsMadeOfBytesTheLowestFirst(int width, String value) {
        map(0x100, 8);

        assertThat(bus.read(0x100, width)).isEqualTo(Long.decode(value));
    }

    @Test
    void wideOutIsSplitIntoBytesTheLowestFirst() {
        Recorder device = map(0x100, 8);

        bus.write(0x102, 4, 0xfedc_ba98L);
        bus.write(0x100, 2, 0x1234);

        assertThat(device.seen).containsExactly("out 2 98", "out 3 ba", "out 4 dc", "out 5 fe", "out 0 34", "out 1 12");
    }

    @ParameterizedTest
    @CsvSource({"1, 0x21", "2, 0x4321", "4, 0x87654321"})
    void deviceIsHandedEachAccessWhole(int width, String value) {
        WideRecorder device = new WideRecorder();
        bus.map(0x100, 8, device);

        bus.write(0x104, width, Long.decode(value));

        assertThat(bus.read(0x102, width)).isEqualTo(Long.decode(value));
        assertThat(device.seen).containsExactly("out" + width + " 4 " + value.substring(2), "in" + width + " 2");
    }

    @Test
    void deviceMayTakeAnAccessForItsOwnThatRunsBeyondItsEnd() {
        WideRecorder device = new WideRecorder();
        bus.map(0x100, 1, device);

        bus.write(0x100, 4, 0xfedc_ba98L);
        bus.write(0x100, 1, 0x12);

        assertThat(bus.read(0x100, 4)).isEqualTo(0x8765_4321L);
        assertThat(device.seen).containsExactly("out4 0 fedcba98", "out1 0 12", "in4 0");
        assertThat(bus.unclaimed()).isEmpty();
    }

    @Test
    void deviceThatTakesNoneBeyondItsEndGetsItsBytesOneByOne() {
        WideRecorder device = new WideRecorder();
        bus.map(0x100, 1, device);

        bus.write(0x100, 2, 0x1234);

        assertThat(bus.read(0x100, 2)).isEqualTo(0xff21);
        assertThat(device.seen).containsExactly("out1 0 34", "in1 0");
        assertThat(bus.unclaimed()).containsExactly(0x101);
    }

    @Test
    void deviceCanBeTakenAwayAndComeAgainElsewhereWhileTheGuestRuns() {
        Recorder device = map(0x100, 2);
        bus.write(0x101, 1, 1);

        bus.unmap(0x100);
        bus.write(0x101, 1, 2);
        bus.map(0x200, 2, device);
        bus.write(0x201, 1, 3);

        assertThat(bus.read(0x100, 1)).isEqualTo(0xff);
        assertThat(device.seen).containsExactly("out 1 1", "out 1 3");
        assertThat(bus.unclaimed()).containsExactly(0x100, 0x101);
        assertThat(bus.written().get(0x101)).containsExactly(1, 2);
    }

    @ParameterizedTest
    @CsvSource({"0x101, 0x101", "0x102, 0x102", "-1, 0xffffffffffffffff", "0x10000, 0x10000"})
    void deviceIsTakenAwayByItsFirstPort(String port, String named) {
        map(0x100, 2);

        assertThatIllegalArgumentException()
                .isThrownBy(() -> bus.unmap(Integer.decode(port)))
                .withMessage("no device begins at port " + named);
    }

    @Test
    void accessBeyondTheDeviceIsUnclaimedThere() {
        Recorder device = map(0x100, 2);

        bus.write(0x101, 4, 0xfedc_ba98L);

        assertThat(bus.read(0x101, 2)).isEqualTo(0xff11);
        assertThat(device.seen).containsExactly("out 1 98", "in 1");
        assertThat(bus.unclaimed()).containsExactly(0x102, 0x103, 0x104);
    }

    @Test
    void accessIsNotSharedWithTheNeighbour() {
        map(0x100, 1);
        Recorder neighbour = map(0x101, 1);

        bus.write(0x100, 2, 0x1234);

        assertThat(bus.read(0x100, 2)).isEqualTo(0xff10);
        assertThat(neighbour.seen).isEmpty();
        assertThat(bus.unclaimed()).isEmpty();
    }

    @Test
    void accessToThePciAddressDoesNotReachTheResetRegister() {
        Recorder resetControl = map(0xcf9, 1);

        bus.write(0xcf8, 4, 0x8000_0600L);
        bus.write(0xcf8, 2, 0x0600);
        assertThat(bus.read(0xcf8, 4)).isEqualTo(0xffff_ffffL);
        assertThat(resetControl.seen).isEmpty();

        bus.write(0xcf9, 1, 0x06);
        assertThat(resetControl.seen).containsExactly("out 0 6");
    }

    @ParameterizedTest
    @CsvSource({"1, 0xff", "2, 0xffff", "4, 0xffffffff"})
    void portWithoutADeviceReadsAllOnes(int width, String value) {
        assertThat(bus.read(0x510, width)).isEqualTo(Long.decode(value));
        assertThat(bus.unclaimed()).hasSize(width).contains(0x510, 0x510 + width - 1);
    }

    @Test
    void outWithoutADeviceIsRecordedAndDropped() {
        bus.write(0x512, 1, 1);
        bus.write(0x510, 1, 2);

        assertThat(bus.unclaimed()).containsExactly(0x510, 0x512);
        assertThat(bus.written().get(0x510)).containsExactly(2);
    }

    @Test
    void allPortsTogetherAreRecordedUpToALimit() {
        for (int port = 0; port < 20; port++) {
            for (int i = 0; i < 1 << 18; i++) {
                bus.write(port, 4, 0);
            }
        }

        assertThat(bus.written().values().stream()
                        .mapToInt(bytes -> bytes.length)
                        .sum())
                .isEqualTo(16 << 20);
    }

    @Test
    void portsWrapAfterTheLast() {
        bus.read(0xffff, 2);

        assertThat(bus.unclaimed()).containsExactly(0, 0xffff);
    }

    @Test
    void whatWasWrittenIsKeptByItsFirstPortAsLittleEndianBytes() {
        map(0x100, 8);

        bus.write(0x102, 1, 0xaa);
        bus.write(0x100, 4, 0xfedc_ba98L);
        bus.write(0x102, 2, 0x1234);

        assertThat(bus.written()).containsOnlyKeys(0x100, 0x102);
        assertThat(bus.written().get(0x100)).containsExactly(0x98, 0xba, 0xdc, 0xfe);
        assertThat(bus.written().get(0x102)).containsExactly(0xaa, 0x34, 0x12);
    }

    @Test
    void readingIsNoWriting() {
        map(0x100, 8);

        bus.read(0x100, 1);

        assertThat(bus.written()).isEmpty();
    }

    @Test
    void firstMegabyteOfAPortIsKept() {
        Recorder device = new Recorder() {
            @Override
            public void writeByte(int offset, int value) {
                // Too many to write down.
            }
        };
        bus.map(0xe9, 1, device);

        for (int i = 0; i < (1 << 20) + 1; i++) {
            bus.write(0xe9, 1, i == 1 << 20 ? 'b' : 'a');
        }

        assertThat(bus.written().get(0xe9)).hasSize(1 << 20).endsWith('a');
    }

    @Test
    void portHasOneDevice() {
        map(0x100, 8);

        assertThatIllegalArgumentException()
                .isThrownBy(() -> map(0xff, 2))
                .withMessage("port 0x100 has a device already");
    }

    @ParameterizedTest
    @CsvSource({"-1, 1, 0xffffffffffffffff", "0x10000, 1, 0x10000", "0xffff, 2, 0xffff", "0x100, 0, 0x100"})
    void devicesStayWithinThePorts(String port, int count, String named) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> map(Integer.decode(port), count))
                .withMessage("ports " + named + " + " + count + " are outside 0 to 0xffff");
    }

    @Test
    void lastPortCanHaveADevice() {
        map(0xffff, 1);

        assertThat(bus.read(0xffff, 1)).isEqualTo(0x10);
    }

    private Recorder map(int port, int count) {
        Recorder device = new Recorder();
        bus.map(port, count, device);
        return device;
    }
}
