package dev.kvmguest.vmm.internal.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.LocalDateTime;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Registers and updates of the MC146818A, against its data sheet, and what firmware puts into its memory. */
class CmosClockTests extends CmosClockFixture {

    @Nested
    class Registers {

        @Test
        void startAsFirmwareLeavesThem() {
            assertThat(read(A)).isEqualTo(0x26);
            assertThat(read(B)).isEqualTo(0x02);
            assertThat(read(C)).isZero();
            assertThat(read(D)).isEqualTo(0x80);
        }

        @Test
        void indexPortReadsAsNothing() {
            assertThat(cmos.readByte(0)).isEqualTo(0xff);
        }

        @Test
        void bit7OfTheIndexDoesNotSelect() {
            assertThat(read(0x80 | D)).isEqualTo(0x80);
        }

        @Test
        void indexStaysUntilItIsChanged() {
            cmos.writeByte(0, 0x40);
            cmos.writeByte(1, 0x12);

            assertThat(cmos.readByte(1)).isEqualTo(0x12);
            assertThat(cmos.readByte(1)).isEqualTo(0x12);
        }

        @ParameterizedTest
        @ValueSource(ints = {C, D})
        void cAndDAreReadOnly(int register) {
            int before = read(register);
            write(register, 0x7f);

            assertThat(read(register)).isEqualTo(before);
        }

        @Test
        void updateInProgressIsReadOnly() {
            write(A, UIP | 0x26);

            assertThat(read(A)).isEqualTo(0x26);
        }

        @ParameterizedTest
        @ValueSource(ints = {0x0e, 0x0f, 0x33, 0x7f})
        void memoryIsTheGuests(int index) {
            write(index, 0xa5);
            pass(2 * SECOND);

            assertThat(read(index)).isEqualTo(0xa5);
        }
    }

    @Nested
    class Updates {

        @Test
        void updateInProgressIsSetFrom244MicrosecondsBeforeTheCycleOf1984() {
            pass(SECOND - 2229 * MICROSECOND);
            assertThat(read(A) & UIP).isZero();
            pass(MICROSECOND);
            assertThat(read(A) & UIP).isNotZero();
            pass(2228 * MICROSECOND - 1);
            assertThat(read(A) & UIP).isNotZero();
            assertThat(read(SECONDS)).isEqualTo(0x58);

            pass(1);

            assertThat(read(A) & UIP).isZero();
            assertThat(read(SECONDS)).isEqualTo(0x59);
        }

        @Test
        void setStopsUpdatesAndClearsUpdateInProgress() {
            pass(SECOND - 1);
            write(B, SET | HOURS_24);
            assertThat(read(A) & UIP).isZero();
            pass(10 * SECOND);
            assertThat(dateAndTime()).isEqualTo("2024-02-28 13:59:58");
            assertThat(read(C) & UPDATE_ENDED).isZero();

            write(B, HOURS_24);
            pass(SECOND);

            assertThat(read(SECONDS)).isEqualTo(0x59);
        }

        @Test
        void setGoingHighClearsUpdateEndedEnable() {
            write(B, SET | UPDATE_ENDED | HOURS_24);
            assertThat(read(B)).isEqualTo(SET | HOURS_24);

            write(B, SET | UPDATE_ENDED | HOURS_24);

            assertThat(read(B)).isEqualTo(SET | UPDATE_ENDED | HOURS_24);
            assertThat(cmos.nextEvent()).as("without updates").isEqualTo(CmosClock.NEVER);
        }

        @ParameterizedTest
        @ValueSource(ints = {0x00, 0x10, 0x30, 0x40, 0x50, 0x60, 0x70})
        void clockStandsWithAnotherDividerSetting(int divider) {
            write(A, divider | 0x06);
            pass(10 * SECOND - 1);

            assertThat(read(SECONDS)).isEqualTo(0x58);
            assertThat(read(A) & UIP).isZero();
            assertThat(read(C)).isZero();
        }

        @Test
        void firstUpdateIsHalfASecondAfterTheDividerIsLetGo() {
            pass(SECOND / 3);
            write(A, 0x76);
            pass(SECOND / 3);
            write(A, 0x26);
            pass(SECOND / 2 - 1);
            assertThat(read(SECONDS)).isEqualTo(0x58);

            pass(1);

            assertThat(read(SECONDS)).isEqualTo(0x59);
        }

        @Test
        void changeOfTheRateLeavesTheDividerAlone() {
            pass(SECOND - 1);
            write(A, 0x2f);
            pass(1);

            assertThat(read(SECONDS)).isEqualTo(0x59);
        }
    }

    @Nested
    class FirmwareMemory {

        @ParameterizedTest
        @CsvSource({
            "0x00080000, 512, 0, 0",
            "0x000a0000, 640, 0, 0",
            "0x00100000, 640, 0, 0",
            "0x00400000, 640, 3072, 0",
            "0x01000000, 640, 15360, 0",
            "0x01100000, 640, 16384, 16",
            "0x04000000, 640, 64512, 768",
            "0x08000000, 640, 65535, 1792",
            "0xc0000000, 640, 65535, 48896",
            "0x100000000, 640, 65535, 48896",
            "0x400000000, 640, 65535, 48896"
        })
        void tellsTheSizeOfRam(String ram, int base, int extended, int above16Mib) {
            cmos = new CmosClock(() -> 0, irq::add, LocalDateTime.parse("2024-01-01T00:00:00"), Long.decode(ram));

            assertThat(word(0x15)).as("KiB of base memory").isEqualTo(base);
            assertThat(word(0x17)).as("KiB above 1 MiB").isEqualTo(extended);
            assertThat(word(0x30)).as("KiB above 1 MiB").isEqualTo(extended);
            assertThat(word(0x34)).as("64 KiB above 16 MiB").isEqualTo(above16Mib);
            long above4Gib = Math.max(0, Long.decode(ram) - 0xc000_0000L) >> 16;
            assertThat(word(0x5b) | read(0x5d) << 16).as("64 KiB above 4 GiB").isEqualTo((int) above4Gib);
        }

        @Test
        void hasTheChecksumOfItsBytes() {
            int sum = 0;
            for (int i = 0x10; i <= 0x2d; i++) {
                sum += read(i);
            }

            assertThat(read(0x2e) << 8 | read(0x2f)).isEqualTo(sum);
            // 640 KiB is 0x0280, 63 MiB are 0xfc00 KiB.
            assertThat(sum).isEqualTo(0x80 + 0x02 + 0x00 + 0xfc);
        }

        @Test
        void negativeSizeIsRefused() {
            assertThatThrownBy(() -> new CmosClock(() -> 0, irq::add, LocalDateTime.parse("2024-01-01T00:00:00"), -1))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("RAM of -1 bytes can't be; give the size in bytes");
        }

        private int word(int index) {
            return read(index) | read(index + 1) << 8;
        }
    }
}
