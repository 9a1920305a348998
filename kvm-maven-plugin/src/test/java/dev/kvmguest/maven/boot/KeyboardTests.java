package dev.kvmguest.maven.boot;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import org.junit.jupiter.api.Test;

class KeyboardTests {

    private final ByteArrayOutputStream typed = new ByteArrayOutputStream();
    private int escapes;

    @Test
    void keysAreHandedOnAsTheyAre() {
        byte[] keys = {'a', 3, 0x1b, '[', 'A', (byte) 0xc3, (byte) 0xbc, '\n'};
        Keyboard keyboard = keyboard(new ByteArrayInputStream(keys));

        assertThat(keyboard.handOn()).isTrue();
        assertThat(typed.toByteArray()).isEqualTo(keys);
        assertThat(escapes).isZero();
    }

    @Test
    void readWithoutAKeyGoesOn() {
        Keyboard keyboard = keyboard(InputStream.nullInputStream());

        assertThat(keyboard.handOn()).isTrue();
        assertThat(typed.size()).isZero();
        assertThat(escapes).isZero();
    }

    @Test
    void escapeKeyEndsTheRunAfterTheKeysBeforeIt() {
        Keyboard keyboard = keyboard(new ByteArrayInputStream(new byte[] {'x', 'y', 0x1d, 'z'}));

        assertThat(keyboard.handOn()).isFalse();
        assertThat(typed).hasToString("xy");
        assertThat(escapes).isEqualTo(1);
    }

    @Test
    void terminalThatIsGoneEndsTheRun() {
        Keyboard keyboard = keyboard(new InputStream() {
            @Override
            public int read() throws IOException {
                throw new IOException("Input/output error");
            }
        });

        assertThat(keyboard.handOn()).isFalse();
        assertThat(escapes).isEqualTo(1);
    }

    private Keyboard keyboard(InputStream in) {
        return new Keyboard(in, typed::writeBytes, () -> escapes++);
    }
}
