package dev.kvmguest.vmm.internal.boot;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.image.GuestImage.Segment;
import dev.kvmguest.vmm.memory.GuestMemory;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;

/** Images and RAM for the tests of the boot loader. Every byte of an image is 0xf4, HLT. */
final class Guests {

    private Guests() {}

    static GuestMemory memory(int size) {
        return new GuestMemory(ByteBuffer.allocate(size), () -> {});
    }

    static GuestMemory memory() {
        return memory(2 << 20);
    }

    static VcpuConfig flat(int size) {
        return flat("hello", size);
    }

    static VcpuConfig flat(String name, int size) {
        return VcpuConfig.of(GuestImage.flat(name, code(size)));
    }

    static VcpuConfig elf(long entry, Segment... segments) {
        return VcpuConfig.of(new GuestImage(
                "kernel", GuestImage.Format.ELF32, List.of(segments), OptionalLong.of(entry), List.of()));
    }

    static Segment segment(long physical, long virtual, int size) {
        return new Segment(physical, virtual, code(size), size);
    }

    static byte[] code(int size) {
        byte[] bytes = new byte[size];
        Arrays.fill(bytes, (byte) 0xf4);
        return bytes;
    }

    /** Returns the loader of a machine with these guests, and as much RAM in bytes. */
    static BootLoader loader(long memorySize, VcpuConfig... guests) {
        MachineConfig.Builder machine = MachineConfig.builder().memory(memorySize);
        List.of(guests).forEach(machine::vcpu);
        return new BootLoader(machine.build());
    }

    static CpuState load(VcpuConfig guest) {
        return load(memory(), guest);
    }

    static CpuState load(GuestMemory memory, VcpuConfig guest) {
        return BootLoader.load(memory, List.of(guest)).get(0);
    }

    static void assertZero(GuestMemory memory) {
        int size = (int) memory.size();
        // As a whole: looking at two million bytes one by one takes a second.
        assertThat(memory.read(0, size)).isEqualTo(new byte[size]);
    }
}
