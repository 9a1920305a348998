package dev.kvmguest.vmm.internal.boot;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.image.GuestImage;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.stream.IntStream;

/** Multiboot kernels for tests: a header, with or without addresses, and the code behind it. */
public final class MultibootKernel {

    public static final int MAGIC = 0x1BAD_B002;
    /** Where {@link #flat} is loaded; its code is 0x20 behind. */
    public static final int LOAD = 0x10_0000;

    private MultibootKernel() {}

    /** Returns the twelve bytes of a header with these flags, and what else belongs to it. */
    public static byte[] header(int flags, int... rest) {
        return words(IntStream.concat(IntStream.of(MAGIC, flags, -(MAGIC + flags)), IntStream.of(rest))
                .toArray());
    }

    /** Returns a flat kernel at 1 MiB that its header's addresses place there, entered at the code behind the header. */
    public static VcpuConfig flat(byte[] code) {
        return kernel(join(header(0x1_0003, LOAD, LOAD, 0, 0, LOAD + 0x20), code));
    }

    /** Returns such a kernel that asks for a framebuffer of this size, its code 0x30 behind where it is loaded. */
    public static VcpuConfig graphics(int width, int height, byte[] code) {
        return video(0, width, height, 32, code);
    }

    /** Returns such a kernel that asks for a video mode. */
    public static VcpuConfig video(int type, int width, int height, int depth, byte[] code) {
        return kernel(join(header(0x1_0004, LOAD, LOAD, 0, 0, LOAD + 0x30, type, width, height, depth), code));
    }

    /** Returns the configuration that boots these bytes. */
    public static VcpuConfig kernel(byte[] file) {
        return VcpuConfig.of(GuestImage.of("kernel", file)).withBoot(BootMode.MULTIBOOT);
    }

    /** Returns numbers as little-endian doublewords. */
    public static byte[] words(int... words) {
        ByteBuffer buffer = ByteBuffer.allocate(4 * words.length).order(ByteOrder.LITTLE_ENDIAN);
        buffer.asIntBuffer().put(words);
        return buffer.array();
    }

    /** Returns bytes one behind the other. */
    public static byte[] join(byte[]... parts) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        List.of(parts).forEach(bytes::writeBytes);
        return bytes.toByteArray();
    }
}
