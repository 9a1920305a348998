package dev.kvmguest.vmm.internal.advice.hang;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.internal.boot.firmware.LowMemory;
import dev.kvmguest.vmm.internal.inspection.InterruptGate;
import dev.kvmguest.vmm.internal.inspection.LinearMemory;
import dev.kvmguest.vmm.internal.x86.InterruptTable;
import java.util.Optional;

/**
 * What the guest has set as the handler of a vector: a gate of the IDT, or a pointer of the interrupt vector table.
 *
 * @param vector 0 to 255
 * @param offset where it leads to, in its code segment
 * @param linear the same as a linear address, for code segments with base 0 and in real mode
 */
record LineHandler(int vector, long offset, long linear) {

    /** The segment of a PC's firmware, whose handlers are nobody's choice. */
    private static final long FIRMWARE = 0xf000;
    /** As many zeros in a row are no code. */
    private static final int ZEROS = 16;

    /** Returns the handler of a vector; empty if there is none, or only the firmware's. */
    static Optional<LineHandler> of(int vector, CpuState registers, LinearMemory memory) {
        return registers.protectedMode() ? gate(vector, registers, memory) : pointer(vector, registers, memory);
    }

    private static Optional<LineHandler> gate(int vector, CpuState registers, LinearMemory memory) {
        return InterruptGate.of(registers, memory, vector)
                .filter(InterruptGate::leadsToHandler)
                .map(gate -> new LineHandler(vector, gate.offset(), gate.offset()));
    }

    private static Optional<LineHandler> pointer(int vector, CpuState registers, LinearMemory memory) {
        return memory.readInt(registers.idt().base() + (long) vector * InterruptTable.POINTER_BYTES).stream()
                .filter(pointer -> pointer != 0 && pointer >>> 16 < FIRMWARE)
                .mapToObj(pointer ->
                        new LineHandler(vector, pointer & 0xffff, (pointer >>> 16 << 4) + (pointer & 0xffff)))
                .findFirst();
    }

    /** Returns whether there may be code: RAM above the firmware's tables that is not all zero. */
    boolean isCode(LinearMemory memory) {
        return Long.compareUnsigned(linear, LowMemory.END) >= 0
                && memory.read(linear, ZEROS)
                        .filter(bytes -> {
                            for (byte octet : bytes) {
                                if (octet != 0) {
                                    return true;
                                }
                            }
                            return false;
                        })
                        .isPresent();
    }

    /** Returns its name, such as {@code timer_handler} or {@code 0x1040}. */
    String name(GuestImage image) {
        return image.symbolWithOffset(offset).orElse(hex(offset));
    }
}
