package dev.kvmguest.vmm.internal.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.image.GuestImage;
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

    private static VcpuConfig guest(BootMode boot) {
        return VcpuConfig.of(GuestImage.flat("kernel.bin", new byte[] {(byte) 0xf4}))
                .withBoot(boot);
    }

    @Test
    void programWithLongModeIsPreferredWhereverItIs() throws IOException {
        install("qemu-system-i386");
        Map<String, String> path = Map.of("PATH", "/nowhere" + File.pathSeparator + folder);

        assertThat(QemuProgram.find(path, guest(BootMode.PROTECTED)).isWide()).isFalse();

        Path wide = install("qemu-system-x86_64");
        assertThat(QemuProgram.find(path, guest(BootMode.PROTECTED)).file()).isEqualTo(wide);
        assertThat(QemuProgram.find(path, guest(BootMode.LONG)).isWide()).isTrue();
    }

    @Test
    void programWithoutLongModeIsRefusedForAGuestThatNeedsIt() throws IOException {
        install("qemu-system-i386");
        Map<String, String> path = Map.of("PATH", folder.toString());

        assertThatThrownBy(() -> QemuProgram.find(path, guest(BootMode.LONG)))
                .isInstanceOf(VmmException.class)
                .hasMessage("engine qemu needs qemu-system-x86_64 for the 64-bit code of image kernel.bin, and only"
                        + " qemu-system-i386 is in a folder of PATH; install it (Debian, Ubuntu: package"
                        + " qemu-system-x86; Fedora: qemu-system-x86-core; Homebrew: qemu), or choose another engine");
    }

    @Test
    void missingProgramIsNamedWithItsPackage() {
        Map<String, String> path = Map.of("PATH", folder.toString());

        assertThatThrownBy(() -> QemuProgram.find(path, guest(BootMode.REAL)))
                .isInstanceOf(VmmException.class)
                .hasMessage(
                        "engine qemu needs qemu-system-x86_64 or qemu-system-i386, and neither is in a folder of PATH;"
                                + " install it (Debian, Ubuntu: package qemu-system-x86; Fedora: qemu-system-x86-core; Homebrew:"
                                + " qemu), or choose another engine");
    }
}
