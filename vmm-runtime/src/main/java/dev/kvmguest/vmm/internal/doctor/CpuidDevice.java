package dev.kvmguest.vmm.internal.doctor;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.StandardOpenOption;
import java.util.Optional;

/**
 * CPUID of the first processor through /dev/cpu/0/cpuid, which the module cpuid makes and root may read. A read of 16
 * bytes at a position executes it with EAX from the position's lower half and ECX from its upper half; see cpuid(4).
 */
final class CpuidDevice implements CpuidReader {

    static final String PATH = "/dev/cpu/0/cpuid";

    private final HostFiles files;

    CpuidDevice(HostFiles files) {
        this.files = files;
    }

    @Override
    public Optional<int[]> read(int function, int index) {
        ByteBuffer registers = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
        long position = (long) index << 32 | Integer.toUnsignedLong(function);
        try (FileChannel device = FileChannel.open(files.path(PATH), StandardOpenOption.READ)) {
            if (device.read(registers, position) != registers.capacity()) {
                return Optional.empty();
            }
        } catch (IOException e) {
            return Optional.empty();
        }
        int[] values = new int[4];
        registers.flip().asIntBuffer().get(values);
        return Optional.of(values);
    }
}
