package dev.kvmguest.maven;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ExportPlaceTests {

    private static final Path HERE = Path.of("").toAbsolutePath();

    @Test
    void withoutAnOutputItIsAFileInTheCurrentFolderCalledAfterTheGuest() {
        assertThat(ExportPlace.of(Optional.empty(), "kernel.elf")).isEqualTo(new ExportPlace(HERE, "kernel"));
        assertThat(ExportPlace.of(Optional.empty(), "kernel")).isEqualTo(new ExportPlace(HERE, "kernel"));
        assertThat(ExportPlace.of(Optional.empty(), "v1.2.c")).isEqualTo(new ExportPlace(HERE, "v1.2.c"));
    }

    @Test
    void outputThatEndsInCNamesTheFile() {
        assertThat(ExportPlace.of(Optional.of(Path.of("out/death.c")), "kernel.elf"))
                .isEqualTo(new ExportPlace(HERE.resolve("out"), "death"));
        assertThat(ExportPlace.of(Optional.of(Path.of("death.c")), "kernel.elf"))
                .isEqualTo(new ExportPlace(HERE, "death"));
    }

    @Test
    void otherOutputIsAFolder() {
        assertThat(ExportPlace.of(Optional.of(Path.of("out")), "kernel.bin"))
                .isEqualTo(new ExportPlace(HERE.resolve("out"), "kernel"));
    }

    @Test
    void bundleIsCalledAfterTheGuestUnlessAZipFileIsNamed() {
        assertThat(ExportPlace.bundle(Optional.empty(), "kernel.elf")).isEqualTo(HERE.resolve("kernel.bundle.zip"));
        assertThat(ExportPlace.bundle(Optional.of(Path.of("out")), "my kernel.bin"))
                .isEqualTo(HERE.resolve("out/my_kernel.bundle.zip"));
        assertThat(ExportPlace.bundle(Optional.of(Path.of("out/death.zip")), "kernel.elf"))
                .isEqualTo(HERE.resolve("out/death.zip"));
    }

    @Test
    void charactersThatAShellWouldTakeForItselfAreReplaced() {
        assertThat(ExportPlace.of(Optional.empty(), "my kernel;.bin").name()).isEqualTo("my_kernel_");
    }
}
