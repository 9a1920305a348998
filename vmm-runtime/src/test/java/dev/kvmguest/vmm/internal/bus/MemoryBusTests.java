package dev.kvmguest.vmm.internal.bus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.kvmguest.vmm.internal.device.Rom;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class MemoryBusTests {

    private static final long HPET = 0xfed0_0000L;

    private final MemoryBus bus = new MemoryBus();

    /** Writes down what reaches it, and reads as the bytes 0x11, 0x22 and so on. */
    private static final class Recorder implements IoDevice {

        final List<String> seen = new ArrayList<>();

        @Override
        public long read(int offset, int width) {
            seen.add("read" + width + " " + offset);
            return 0x8877_6655_4433_2211L & ones(width);
        }

        @Override
        public void write(int offset, int width, long value) {
            seen.add(String.format("write%d %d %x", width, offset, value));
        }
    }

    private static long ones(int width) {
        return -1L >>> 64 - 8 * width;
    }

    private Recorder map(long address, int size) {
        Recorder device = new Recorder();
        bus.map(address, size, device);
        return device;
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 4, 8})
    void deviceIsHandedEachAccessWhole(int width) {
        Recorder device = map(HPET, 0x400);

        bus.write(HPET + 0x10, width, 5);

        assertThat(bus.read(HPET + 0x3f8, width)).isEqualTo(0x8877_6655_4433_2211L & ones(width));
        assertThat(device.seen).containsExactly("write" + width + " 16 5", "read" + width + " 1016");
        assertThat(bus.unclaimed()).isEmpty();
    }

    @Test
    void accessOfAnOddWidthReachesTheDeviceAsBytes() {
        Recorder device = map(HPET, 0x400);

        bus.write(HPET, 3, 0x030201);

        assertThat(bus.read(HPET, 3)).isEqualTo(0x111111);
        assertThat(device.seen)
                .containsExactly("write1 0 1", "write1 1 2", "write1 2 3", "read1 0", "read1 1", "read1 2");
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 7, 8})
    void memoryWithoutADeviceReadsAllOnes(int width) {
        map(HPET, 0x400);

        assertThat(bus.read(HPET + 0x400, width)).isEqualTo(ones(width));
        assertThat(bus.unclaimed()).containsExactly(HPET + 0x400);
    }

    @Test
    void writeWithoutADeviceIsRecordedAndDropped() {
        Recorder device = map(HPET, 0x400);

        bus.write(HPET - 4, 4, 1);

        assertThat(device.seen).isEmpty();
        assertThat(bus.unclaimed()).containsExactly(HPET - 4);
    }

    @Test
    void firstAddressesWithoutADeviceAreRecorded() {
        for (int i = 0; i < 100; i++) {
            bus.read(HPET + 8 * i, 8);
        }

        assertThat(bus.unclaimed()).hasSize(64).contains(HPET, HPET + 8 * 63);
    }

    @Test
    void accessBeyondTheDeviceIsUnclaimedThere() {
        Recorder device = map(HPET, 2);
        Recorder neighbour = map(HPET + 4, 4);

        bus.write(HPET + 1, 4, 0xfedc_ba98L);

        assertThat(bus.read(HPET + 1, 4)).isEqualTo(0xffff_ff11L);
        assertThat(device.seen).containsExactly("write1 1 98", "read1 1");
        assertThat(neighbour.seen).isEmpty();
        assertThat(bus.unclaimed()).containsExactly(HPET + 2);
    }

    @Test
    void romReadsItsBytesAndDropsWrites() {
        bus.map(0xf_fff0, 4, new Rom(new byte[] {(byte) 0xea, 0x5b, (byte) 0xe0, 0x00}));

        bus.write(0xf_fff0, 4, 0);

        assertThat(bus.read(0xf_fff0, 4)).isEqualTo(0x00e0_5beaL);
        assertThat(bus.read(0xf_fff1, 2)).isEqualTo(0xe05b);
        assertThat(bus.unclaimed()).isEmpty();
    }

    @Test
    void deviceCanBeTakenAwayAndComeAgainElsewhereWhileTheGuestRuns() {
        Recorder device = map(HPET, 8);
        bus.write(HPET, 1, 1);

        bus.unmap(HPET);
        bus.write(HPET, 1, 2);
        bus.map(HPET + 0x1000, 8, device);
        bus.write(HPET + 0x1000, 1, 3);

        assertThat(device.seen).containsExactly("write1 0 1", "write1 0 3");
        assertThat(bus.unclaimed()).containsExactly(HPET);
    }

    @Test
    void deviceIsTakenAwayByItsFirstAddress() {
        map(HPET, 8);

        assertThatIllegalArgumentException()
                .isThrownBy(() -> bus.unmap(HPET + 1))
                .withMessage("no device begins at memory 0xfed00001");
    }

    @ParameterizedTest
    @CsvSource({"0xfed003ff, 1, 0xfed003ff", "0xfecffff8, 9, 0xfed00000", "0xfecffff8, 0x1000, 0xfed00000"})
    void addressHasOneDevice(String first, String size, String named) {
        map(HPET, 0x400);

        assertThatIllegalArgumentException()
                .isThrownBy(() -> map(Long.decode(first), Integer.decode(size)))
                .withMessage("memory at " + named + " has a device already");
    }

    @Test
    void devicesMayBeNextToEachOther() {
        map(HPET, 0x400);
        map(HPET - 8, 8);
        Recorder last = map(HPET + 0x400, 8);

        bus.write(HPET + 0x400, 1, 1);

        assertThat(last.seen).containsExactly("write1 0 1");
    }

    @ParameterizedTest
    @CsvSource({"-1, 1", "0, 0", "0, -1", "0x7fffffffffffffff, 1"})
    void rangeMustBeOne(String first, int size) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> map(Long.decode(first), size))
                .withMessageEndingWith(" is no range of addresses");
    }
}
