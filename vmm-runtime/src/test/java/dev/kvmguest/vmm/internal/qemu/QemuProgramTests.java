package dev.kvmguest.vmm.internal.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kvmguest.vmm.config.VmmException;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class QemuProgramTests {

    @TempDir
    Path folder;

    private Path install(String name) throws IOException {
        Path program = Files.createFile(folder.resolve(name));
        assertThat(program.toFile().setExecutable(true)).isTrue();
        return program;
    }

    @Test
    void narrowProgramIsPreferredWhereverItIs() throws IOException {
        install("qemu-system-x86_64");
        Map<String, String> path = Map.of("PATH", "/nowhere" + File.pathSeparator + folder);

        assertThat(QemuProgram.find(path).name()).isEqualTo("qemu-system-x86_64");

        Path narrow = install("qemu-system-i386");
        assertThat(QemuProgram.find(path).file()).isEqualTo(narrow);
    }

    @Test
    void missingProgramIsNamedWithItsPackage() {
        assertThatThrownBy(() -> QemuProgram.find(Map.of("PATH", folder.toString())))
                .isInstanceOf(VmmException.class)
                .hasMessage(
                        "engine qemu needs qemu-system-i386 or qemu-system-x86_64, and neither is in a folder of PATH;"
                                + " install it (Debian, Ubuntu: package qemu-system-x86; Fedora: qemu-system-x86-core; Homebrew:"
                                + " qemu), or choose another engine");
    }
}
