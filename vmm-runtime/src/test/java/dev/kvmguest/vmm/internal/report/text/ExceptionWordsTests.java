package dev.kvmguest.vmm.internal.report.text;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.diagnosis.Fault.Event;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ExceptionWordsTests {

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "13 | 0x33   | IDT entry 6, raised while delivering another event",
                "13 | 0x1040 | GDT selector 0x1040",
                "11 | 0x0c   | LDT selector 0x8",
                "14 | 0x0    | a read by supervisor code; the page is not present",
                "14 | 0x2    | a write by supervisor code; the page is not present",
                "14 | 0x7    | a write by user code; the page's rights forbid it",
                "14 | 0x14   | an instruction fetch by user code; the page is not present",
                "14 | 0x9    | a read by supervisor code; a reserved bit is set in an entry"
            })
    void errorCodeIsSaidInWords(int vector, String code, String words) {
        assertThat(ExceptionWords.errorCode(event(vector, OptionalInt.of(Integer.decode(code)), false)))
                .hasValue(words);
    }

    @Test
    void codeThatSaysNothingHasNoWords() {
        assertThat(ExceptionWords.errorCode(event(13, OptionalInt.of(0), false)))
                .isEmpty();
        assertThat(ExceptionWords.errorCode(event(8, OptionalInt.of(0), false))).isEmpty();
        assertThat(ExceptionWords.errorCode(event(6, OptionalInt.empty(), false)))
                .isEmpty();
    }

    @Test
    void exceptionsHaveNamesAndInterruptsHaveNot() {
        assertThat(ExceptionWords.name(event(6, OptionalInt.empty(), false))).hasValue("invalid opcode");
        assertThat(ExceptionWords.name(event(15, OptionalInt.empty(), false))).isEmpty();
        assertThat(ExceptionWords.name(event(200, OptionalInt.empty(), false))).isEmpty();
        assertThat(ExceptionWords.name(event(8, OptionalInt.empty(), true))).isEmpty();
    }

    private static Event event(int vector, OptionalInt code, boolean interrupt) {
        return new Event(vector, code, OptionalLong.empty(), Optional.empty(), interrupt);
    }
}
