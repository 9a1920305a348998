package dev.kvmguest.vmm.internal.qemu;

import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.internal.host.ProgramPath;
import java.nio.file.Path;
import java.util.Map;

/**
 * An installed program that is a PC.
 *
 * @param file the program
 */
record QemuProgram(Path file) {

    /**
     * Finds the program in the folders of {@code PATH}.
     *
     * @throws VmmException if it isn't there
     */
    static QemuProgram find(Map<String, String> environment) {
        ProgramPath path = new ProgramPath(environment);
        return ProgramPath.QEMU.stream()
                .flatMap(name -> path.find(name).stream())
                .findFirst()
                .map(QemuProgram::new)
                .orElseThrow(() -> new VmmException("engine qemu needs " + String.join(" or ", ProgramPath.QEMU)
                        + ", and neither is in a folder of PATH; install it (Debian, Ubuntu: package qemu-system-x86;"
                        + " Fedora: qemu-system-x86-core; Homebrew: qemu), or choose another engine"));
    }

    /** Returns the name without folder and ending. */
    String name() {
        return file.getFileName().toString();
    }
}
