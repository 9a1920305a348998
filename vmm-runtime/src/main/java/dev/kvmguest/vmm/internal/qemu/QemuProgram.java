package dev.kvmguest.vmm.internal.qemu;

import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.internal.host.ProgramPath;
import java.nio.file.Path;
import java.util.Map;

/**
 * An installed program that is a PC.
 *
 * @param file the program
 */
record QemuProgram(Path file) {

    /** The one whose processor has long mode. */
    private static final String WIDE = "qemu-system-x86_64";

    private static final String PACKAGES = "install it (Debian, Ubuntu: package qemu-system-x86; Fedora:"
            + " qemu-system-x86-core; Homebrew: qemu), or choose another engine";

    /**
     * Finds the program for a guest in the folders of {@code PATH}.
     *
     * @throws VmmException if it isn't there, or the one that is has no long mode and the guest needs it
     */
    static QemuProgram find(Map<String, String> environment, VcpuConfig guest) {
        ProgramPath path = new ProgramPath(environment);
        QemuProgram found = ProgramPath.QEMU.stream()
                .flatMap(name -> path.find(name).stream())
                .findFirst()
                .map(QemuProgram::new)
                .orElseThrow(() -> new VmmException("engine qemu needs " + String.join(" or ", ProgramPath.QEMU)
                        + ", and neither is in a folder of PATH; " + PACKAGES));
        if (!found.isWide() && has64BitCode(guest)) {
            throw new VmmException("engine qemu needs " + WIDE + " for the 64-bit code of image "
                    + guest.image().name() + ", and only " + found.name() + " is in a folder of PATH; " + PACKAGES);
        }
        return found;
    }

    private static boolean has64BitCode(VcpuConfig guest) {
        return guest.boot().longMode() || guest.image().format() == GuestImage.Format.ELF64;
    }

    /** Returns whether its processor has long mode. */
    boolean isWide() {
        return name().startsWith(WIDE);
    }

    /** Returns the name without folder and ending. */
    String name() {
        return file.getFileName().toString();
    }
}
