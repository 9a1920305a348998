package dev.kvmguest.maven.boot;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.outcome.Screen;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

class LiveScreenTests {

    private final ByteArrayOutputStream terminal = new ByteArrayOutputStream();
    private final LiveConsole console = new LiveConsole(terminal);
    private volatile Screen screen = Screen.BLANK;
    private final LiveScreen live = new LiveScreen(() -> screen, console);

    @Test
    void screenIsDrawnWhenItHasChangedAndNotBefore() {
        live.look();
        assertThat(shown()).isEmpty();
        assertThat(live.isShown()).isFalse();

        screen = showing("login:");
        live.look();
        live.look();
        assertThat(shown()).isEqualTo("login:\n");
        assertThat(live.isShown()).isTrue();
    }

    @Test
    void laterScreenIsDrawnOverTheEarlierOne() {
        screen = showing("one", "", "three");
        live.look();
        screen = showing("four");
        live.look();
        screen = showing("five");
        live.look();

        assertThat(shown()).isEqualTo("one\n\nthree\n" + "\u001b[3A\u001b[Jfour\n" + "\u001b[1A\u001b[Jfive\n");
    }

    @Test
    void consoleHasTheTerminalOnceSomethingComes() {
        screen = showing("drawn");
        live.look();
        console.accept('!');
        screen = showing("not drawn");
        live.look();

        assertThat(shown()).isEqualTo("drawn\n!");
        assertThat(live.isShown()).isFalse();
    }

    @Test
    void screenIsDrawnInTheTerminalsCharactersWhateverItsCodes() {
        Screen codes = Screen.of(new byte[] {0x1b, 7, 'a', 7, (byte) 0xc9, 7}, OptionalInt.empty());
        screen = codes;

        live.look();

        assertThat(shown()).isEqualTo("←a╔\n");
    }

    @Test
    void lastScreenIsDrawnAtTheEnd() {
        live.start();
        screen = showing("panic");
        live.close();

        assertThat(shown()).isEqualTo("panic\n");
        assertThat(live.isShown()).isTrue();
    }

    @Test
    void screenThatNobodyReadsIsNotShown() {
        LiveConsole gone = new LiveConsole(new OutputStream() {
            @Override
            public void write(int octet) throws IOException {
                throw new IOException("Broken pipe");
            }
        });
        LiveScreen unseen = new LiveScreen(() -> showing("text"), gone);

        unseen.look();

        assertThat(unseen.isShown()).isFalse();
    }

    private String shown() {
        return terminal.toString(StandardCharsets.UTF_8);
    }

    private static Screen showing(String... lines) {
        byte[] cells = new byte[2 * Screen.COLUMNS * Screen.ROWS];
        for (int row = 0; row < lines.length; row++) {
            byte[] text = lines[row].getBytes(StandardCharsets.US_ASCII);
            for (int column = 0; column < text.length; column++) {
                cells[2 * (row * Screen.COLUMNS + column)] = text[column];
            }
        }
        return Screen.of(cells, OptionalInt.empty());
    }
}
