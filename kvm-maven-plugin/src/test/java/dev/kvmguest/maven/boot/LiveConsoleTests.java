package dev.kvmguest.maven.boot;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import org.junit.jupiter.api.Test;

class LiveConsoleTests {

    private final ByteArrayOutputStream shown = new ByteArrayOutputStream();

    @Test
    void everyByteIsShownAtOnceAndAsItIs() {
        LiveConsole console = new LiveConsole(new BufferedOutputStream(shown));

        console.accept(0x1b);
        assertThat(shown.toByteArray()).containsExactly(0x1b);
        console.accept(0xff);
        assertThat(shown.toByteArray()).containsExactly(0x1b, 0xff);
    }

    @Test
    void openLineIsEndedAndNoOther() {
        LiveConsole console = new LiveConsole(shown);

        console.endLine();
        assertThat(shown.size()).isZero();
        "one\ntwo".chars().forEach(console);
        console.endLine();
        console.endLine();
        assertThat(shown).hasToString("one\ntwo\n");
    }

    @Test
    void readerThatIsGoneDoesNotDisturbTheGuest() {
        int[] writes = {0};
        LiveConsole console = new LiveConsole(new OutputStream() {
            @Override
            public void write(int octet) throws IOException {
                writes[0]++;
                throw new IOException("Broken pipe");
            }
        });

        console.accept('a');
        console.accept('b');
        console.endLine();

        assertThat(writes[0]).isEqualTo(1);
    }
}
