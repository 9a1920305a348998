package dev.kvmguest.vmm.internal.boot;

import static dev.kvmguest.vmm.internal.boot.MultibootKernel.join;
import static dev.kvmguest.vmm.internal.boot.MultibootKernel.words;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.image.GuestImage;
import java.util.Arrays;

/** Multiboot 2 kernels for tests: a header with tags, and the code after it. */
public final class Multiboot2Kernel {

    public static final int MAGIC = 0xE852_50D6;
    /** Where {@link #flat} is loaded; its code is {@link #CODE} after. */
    public static final int LOAD = 0x10_0000;

    public static final int CODE = 0x40;

    /** The flags of a tag that may be ignored. */
    public static final int OPTIONAL = 1;

    private static final byte[] END = words(0, 8);

    private Multiboot2Kernel() {}

    /** Returns a header for i386 with these tags and the end tag. */
    public static byte[] header(byte[]... tags) {
        byte[] all = join(tags);
        int length = 16 + all.length + END.length;
        return join(words(MAGIC, 0, length, -(MAGIC + length)), all, END);
    }

    /** Returns a tag with doublewords after its type, flags and size, and what is left free up to the next one. */
    public static byte[] tag(int type, int flags, int... content) {
        byte[] bytes = join(words(type | flags << 16, 8 + 4 * content.length), words(content));
        return Arrays.copyOf(bytes, bytes.length + 7 & -8);
    }

    /** Returns the tags that place a file's bytes at an address, and enter it {@code entry} after. */
    public static byte[] addresses(int load, int entry) {
        return join(tag(2, 0, load, load, 0, 0), tag(3, 0, load + entry));
    }

    /** Returns a flat kernel at 1 MiB that its header places there, entered at the code after the header. */
    public static VcpuConfig flat(byte[] code) {
        return kernel(join(header(addresses(LOAD, CODE)), code));
    }

    /** Returns the configuration that boots these bytes. */
    public static VcpuConfig kernel(byte[] file) {
        return VcpuConfig.of(GuestImage.of("kernel", file)).withBoot(BootMode.MULTIBOOT2);
    }
}
