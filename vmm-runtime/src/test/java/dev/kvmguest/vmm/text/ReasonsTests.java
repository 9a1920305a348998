package dev.kvmguest.vmm.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.MalformedInputException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class ReasonsTests {

    static Stream<Arguments> reasons() {
        return Stream.of(
                Arguments.of(new NoSuchFileException("a/b"), "a/b: there is no such file"),
                Arguments.of(new AccessDeniedException("a/b"), "a/b: permission denied"),
                Arguments.of(new FileAlreadyExistsException("a/b"), "a/b: a file of this name is there already"),
                Arguments.of(new FileSystemException("a/b", null, "Is a directory"), "a/b: Is a directory"),
                Arguments.of(new IOException("No space left on device"), "No space left on device"),
                Arguments.of(new MalformedInputException(1), "it is not text in UTF-8"),
                Arguments.of(new EOFException(), "it ends too early"),
                Arguments.of(new IllegalArgumentException("bad path: x"), "bad path: x"),
                Arguments.of(new NullPointerException(), "NullPointerException"),
                Arguments.of(new NoClassDefFoundError("a/B"), "NoClassDefFoundError: a/B"));
    }

    @ParameterizedTest
    @MethodSource("reasons")
    void reasonIsInWordsAndNamesNoClassWhereTheyAreEnough(Throwable e, String reason) {
        assertThat(Reasons.of(e)).isEqualTo(reason);
    }

    @ParameterizedTest
    @MethodSource("reasons")
    void whatOnlyWrapsAnotherIsNotNamed(Throwable e, String reason) {
        assertThat(Reasons.of(new IOException(e))).isEqualTo(reason);
        assertThat(Reasons.of(new UncheckedIOException(new IOException(new RuntimeException(e)))))
                .isEqualTo(reason);
    }

    @Test
    void fileIsNamedOnce(@TempDir Path folder) {
        Path file = folder.resolve("nowhere");

        IOException missing = catchThrowableOfType(IOException.class, () -> Files.readAllBytes(file));

        assertThat(Reasons.of(file, missing)).isEqualTo(file + ": there is no such file");
        assertThat(Reasons.of(file, new IOException(missing))).isEqualTo(file + ": there is no such file");
        assertThat(Reasons.of(file, new IOException("Stream closed"))).isEqualTo(file + ": Stream closed");
    }
}
