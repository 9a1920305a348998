package dev.kvmguest.vmm.internal.boot;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.image.ElfBuilder;
import dev.kvmguest.vmm.image.GuestImage;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** PVH kernels for tests: ELF files with Xen's note. */
public final class PvhKernel {

    /** Where {@link #of} is loaded and entered. */
    public static final int LOAD = 0x10_0000;

    private PvhKernel() {}

    /** Returns a kernel of 32 bits that is entered at the first byte of its code. */
    public static VcpuConfig of(byte[] code) {
        return kernel(code(new ElfBuilder(), code).notes(entry(4, LOAD)));
    }

    /** Returns a builder with code at 1 MiB. */
    public static ElfBuilder code(ElfBuilder builder, byte[] code) {
        int[] data = new int[code.length];
        for (int i = 0; i < code.length; i++) {
            data[i] = code[i];
        }
        return builder.entry(LOAD).load(LOAD, LOAD, code.length, data);
    }

    /** Returns the configuration that boots a file. */
    public static VcpuConfig kernel(ElfBuilder builder) {
        return VcpuConfig.of(GuestImage.of("kernel", builder.build())).withBoot(BootMode.PVH);
    }

    /** Returns the note of an entry point. */
    public static byte[] entry(int size, long address) {
        return note(
                "Xen", 18, ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(address), size);
    }

    /** Returns a note with the first bytes of a descriptor. */
    public static byte[] note(String name, int type, ByteBuffer descriptor, int size) {
        int nameEnd = 12 + (name.length() + 1 + 3 & -4);
        ByteBuffer note = ByteBuffer.allocate(nameEnd + (size + 3 & -4)).order(ByteOrder.LITTLE_ENDIAN);
        note.putInt(name.length() + 1).putInt(size).putInt(type);
        for (char letter : name.toCharArray()) {
            note.put((byte) letter);
        }
        note.position(nameEnd);
        for (int i = 0; i < Math.min(size, descriptor.capacity()); i++) {
            note.put(descriptor.get(i));
        }
        return note.array();
    }
}
