package dev.kvmguest.vmm.internal.inspection;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.image.GuestImage.Symbol;
import dev.kvmguest.vmm.internal.emulator.decode.CodeReader;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.x86.CpuMode;
import dev.kvmguest.vmm.memory.MemoryLayout;
import dev.kvmguest.vmm.memory.MemoryLayout.Kind;
import java.util.Optional;

/**
 * A guest's code as its code segment shows it. Addresses are offsets in that segment.
 *
 * @param base the linear address of the segment
 * @param mode what its bytes mean
 * @param memory the guest's memory, in which the code is as it was executed
 * @param layout where the images' bytes were put
 * @param image the symbols and lines
 */
public record Code(long base, CpuMode mode, LinearMemory memory, MemoryLayout layout, GuestImage image) {

    public Code(CpuState registers, LinearMemory memory, MemoryLayout layout, GuestImage image) {
        this(registers.linear(SegmentRegister.CS, 0), CpuMode.of(registers), memory, layout, image);
    }

    /** Returns the bytes of a near return address: 8 in 64-bit code, 4 in 32-bit code, 2 in 16-bit code. */
    int width() {
        return mode.stackOperandSize();
    }

    /** Returns whether an address is one of what an image's file holds. */
    boolean holds(long address) {
        return memory.physical(base + address).stream().anyMatch(physical -> layout.isIn(Kind.IMAGE, physical));
    }

    /** Returns bytes that start at an address; empty unless all of them are in RAM. */
    Optional<byte[]> read(long address, int length) {
        return memory.read(base + address, length);
    }

    /** Returns the instruction at an address; empty if it can't be read or is no instruction. */
    public Optional<Instruction> instruction(long address) {
        return CodeReader.decode(memory.code(base + address), address, mode);
    }

    /** Returns the function that an address is in; empty unless the image says where it begins and ends. */
    Optional<Symbol> function(long address) {
        return image.symbolAt(address).filter(symbol -> symbol.size() > 0);
    }
}
