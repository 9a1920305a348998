package dev.kvmguest.vmm.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class EntryPointTests {

    @Test
    void addressAloneIsLinear() {
        EntryPoint entry = EntryPoint.parse("0x80001000");

        assertThat(entry).isEqualTo(EntryPoint.linear(0x8000_1000L));
        assertThat(entry.segment()).isEmpty();
        assertThat(entry.linearAddress()).isEqualTo(0x8000_1000L);
    }

    @Test
    void colonSeparatesSegmentAndOffset() {
        EntryPoint entry = EntryPoint.parse(" 0x1000 : 16 ");

        assertThat(entry).isEqualTo(EntryPoint.segmented(0x1000, 0x10));
        assertThat(entry.linearAddress()).isEqualTo(0x1_0010);
    }

    @ParameterizedTest
    @CsvSource({"F000:0045, 0xf000, 0x45", "1000:10, 0x1000, 0x10", "'7c0 : 0', 0x7c0, 0", "0x1000:16, 0x1000, 16"})
    void segmentAndOffsetWithout0xAreHexadecimal(String text, String segment, String offset) {
        assertThat(EntryPoint.parse(text))
                .isEqualTo(EntryPoint.segmented(Integer.decode(segment), Integer.decode(offset)));
    }

    @Test
    void segmentsReachPastTheFirstMegabyte() {
        assertThat(EntryPoint.segmented(0xffff, 0xffff).linearAddress()).isEqualTo(0x10_ffef);
    }

    @ParameterizedTest
    @ValueSource(strings = {"0x0", "0x7c00", "0xffffffff", "0x0:0x7c00", "0x1000:0x0", "0xffff:0xffff"})
    void textIsWhatParseReads(String text) {
        assertThat(EntryPoint.parse(text)).hasToString(text);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "start          | entry \"start\" is not a number; write it as 0x1000 or 4096",
                "0x10000000000000000 | entry \"0x10000000000000000\" does not fit in 64 bits",
                "F00G:0         | entry segment \"F00G\" is not a number; write it as 0x1000 or 4096",
                "x:0            | entry segment \"x\" is not a number; write it as 0x1000 or 4096",
                "0x1000:        | entry offset \"\" is not a number; write it as 0x1000 or 4096",
                ":0x0           | entry segment \"\" is not a number; write it as 0x1000 or 4096",
                "1:2:3          | entry offset \"2:3\" is not a number; write it as 0x1000 or 4096",
                "0x10000:0x0    | entry \"0x10000:0x0\": segment 0x10000 is not between 0 and 0xffff",
                "0xffffffff:0x0 | entry \"0xffffffff:0x0\": segment 0xffffffff is not between 0 and 0xffff",
                "0x0:0x10000    | entry offset 0x10000 is not between 0 and 0xffff"
            })
    void malformedTextIsNamedByItsPart(String text, String message) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> EntryPoint.parse(text))
                .withMessage(message);
    }

    @Test
    void partsAreCheckedWithoutParsingToo() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> EntryPoint.segmented(0x10000, 0))
                .withMessage("entry segment 0x10000 is not between 0 and 0xffff");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> EntryPoint.segmented(0, -1))
                .withMessage("entry offset 0xffffffffffffffff is not between 0 and 0xffff");
    }

    @ParameterizedTest
    @CsvSource({
        // entry, image's first byte, entry in real mode
        "0x10000, 0x10000, 0x1000:0x0",
        "0x12349, 0x12345, 0x1234:0x9",
        "0x20004, 0x1ff00, 0x1ff0:0x104",
        "0xfffff, 0xfffff, 0xffff:0xf",
        "0x1fffe, 0x1000f, 0x1000:0xfffe",
        "0x20000, 0x10000, ",
        "0x10000, 0x10001, ",
        "0x100000, 0xfffff, ",
        "0x100010, 0x100010, ",
    })
    void realModeReachesAnImagesFirst64KiBBelow1MiB(String address, String load, String expected) {
        assertThat(EntryPoint.reaching(Long.decode(address), Long.decode(load)).map(EntryPoint::toString))
                .isEqualTo(Optional.ofNullable(expected));
    }
}
