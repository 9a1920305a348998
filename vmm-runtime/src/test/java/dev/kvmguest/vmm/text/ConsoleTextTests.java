package dev.kvmguest.vmm.text;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ConsoleTextTests {

    @Test
    void quotedTextIsOneLineThatMovesNoCursor() {
        assertThat(ConsoleText.quoted("a\r\nb\u001b[2J\u009b")).isEqualTo("\"a\\r\\nb\\x1b[2J\\x9b\"");
    }

    @Test
    void onlyTheLast400CharactersAreTheTail() {
        assertThat(ConsoleText.tail("x".repeat(400))).isEqualTo("x".repeat(400));
        assertThat(ConsoleText.tail("a" + "x".repeat(400))).isEqualTo("..." + "x".repeat(400));
    }

    @Test
    void carriageReturnGoesOnlyBesideALineFeed() {
        assertThat(ConsoleText.withoutCarriageReturns("a\r\nb\rc")).isEqualTo("a\nb\rc");
        assertThat(ConsoleText.withoutCarriageReturns("a\n\rb\n\r\n\rc")).isEqualTo("a\nb\n\nc");
    }

    @Test
    void charactersThatMustNotBePrintedAreWrittenByTheirCodes() {
        assertThat(ConsoleText.escaped(0x1b)).isEqualTo("\\x1b");
        assertThat(ConsoleText.escaped(0x202e)).isEqualTo("\\u202e");
    }
}
