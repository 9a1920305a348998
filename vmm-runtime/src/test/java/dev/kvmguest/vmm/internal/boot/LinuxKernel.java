package dev.kvmguest.vmm.internal.boot;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.image.GuestImage;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Builds bzImages and zImages for tests: a boot sector and one sector of setup code with the header of protocol 2.15,
 * and code behind them.
 */
public final class LinuxKernel {

    /** Where the code is in the file. */
    public static final int SETUP = 0x400;

    /** Where a kernel prefers to run here. */
    public static final int PREFERRED = 0x20_0000;

    private final byte[] code;
    private final ByteBuffer setup = ByteBuffer.allocate(SETUP).order(ByteOrder.LITTLE_ENDIAN);

    /** Creates a relocatable bzImage without a 64-bit entry point, whose code starts with these bytes. */
    public LinuxKernel(byte[] code) {
        this.code = code.clone();
        setup.put(0x1f1, (byte) 1)
                .putShort(0x1fe, (short) 0xaa55)
                .put(0x200, (byte) 0xeb)
                .put(0x201, (byte) 0x6a)
                .putInt(0x202, 0x5372_6448)
                .putShort(0x206, (short) 0x20f)
                .put(0x211, (byte) 1)
                .putInt(0x214, 0x10_0000)
                .putInt(0x22c, 0x7fff_ffff)
                .putInt(0x230, 0x10_0000)
                .put(0x234, (byte) 1)
                .putInt(0x238, 255)
                .putLong(0x258, PREFERRED)
                .putInt(0x260, 0x8_0000)
                .putInt(0x264, 0x190);
    }

    /** Returns a bzImage with a 64-bit entry point, where it has these bytes. */
    public static LinuxKernel of64(byte[] code) {
        byte[] both = new byte[0x200 + code.length];
        System.arraycopy(code, 0, both, 0x200, code.length);
        return new LinuxKernel(both).field(0x236, 2, 1);
    }

    /** Sets a field of the header by its offset in the file. */
    public LinuxKernel field(int offset, int bytes, long value) {
        for (int i = 0; i < bytes; i++) {
            setup.put(offset + i, (byte) (value >>> 8 * i));
        }
        return this;
    }

    /** Puts bytes into the boot sector and the setup code, by their offset in the file. */
    public LinuxKernel setup(int offset, byte[] bytes) {
        setup.put(offset, bytes);
        return this;
    }

    public LinuxKernel version(int version) {
        return field(0x206, 2, version);
    }

    /** Returns the file. */
    public byte[] file() {
        return MultibootKernel.join(setup.array(), code);
    }

    public GuestImage image() {
        return GuestImage.of("vmlinuz", file());
    }

    /** Returns the configuration that boots it. */
    public VcpuConfig guest() {
        return VcpuConfig.of(image()).withBoot(BootMode.LINUX);
    }
}
