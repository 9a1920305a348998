package dev.kvmguest.vmm.internal.boot.linux;

import dev.kvmguest.vmm.config.BootModule;
import java.io.ByteArrayOutputStream;
import java.util.List;

/** The initial RAM disk: a kernel takes one, and unpacks archives that follow one another in it. */
public final class InitialRamDisk {

    /** Between archives there may be zeros, up to a multiple of this, as GRUB has them. */
    private static final int ALIGNMENT = 4;

    private InitialRamDisk() {}

    /** Returns the files one behind the other. */
    public static byte[] of(List<BootModule> modules) {
        if (modules.size() == 1) {
            return modules.get(0).bytes();
        }
        ByteArrayOutputStream disk = new ByteArrayOutputStream();
        for (BootModule module : modules) {
            disk.writeBytes(new byte[-disk.size() & ALIGNMENT - 1]);
            disk.writeBytes(module.bytes());
        }
        return disk.toByteArray();
    }
}
