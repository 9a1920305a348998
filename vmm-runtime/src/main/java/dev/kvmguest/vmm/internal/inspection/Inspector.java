package dev.kvmguest.vmm.internal.inspection;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.diagnosis.Inspection;
import dev.kvmguest.vmm.diagnosis.Inspection.PointerTarget;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.internal.boot.firmware.FirmwareRom;
import dev.kvmguest.vmm.internal.x86.CpuMode;
import dev.kvmguest.vmm.internal.x86.Cr0;
import dev.kvmguest.vmm.memory.GuestMemory;
import dev.kvmguest.vmm.memory.MemoryLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalLong;

/** Looks at what a dead or stuck guest has in its registers and its memory. */
public final class Inspector {

    private Inspector() {}

    /**
     * Returns what can be seen.
     *
     * @param registers those at its end or, of one that triple-faulted, at the first exception
     * @param chain the exceptions that led to a triple fault, the first one first; empty if there was none
     * @param memory the guest's RAM as its end left it
     * @param layout what lay where when the guest started; what it doesn't know is no code
     * @param image the guest's symbols and source lines
     */
    public static Inspection inspect(
            CpuState registers, List<Fault.Event> chain, GuestMemory memory, MemoryLayout layout, GuestImage image) {
        LinearMemory linear = new LinearMemory(memory, registers);
        return new Inspection(
                CallChain.of(registers, linear, layout, image),
                PageWalks.of(registers, memory, chain),
                TableViews.of(registers, linear, image, FirmwareRom.in(layout)),
                places(registers, linear));
    }

    private static List<PointerTarget> places(CpuState registers, LinearMemory memory) {
        List<PointerTarget> places = new ArrayList<>();
        places.add(place(name(registers, Register.RIP), registers.instructionAddress(), memory));
        places.add(place(name(registers, Register.RSP), CpuMode.stackTop(registers), memory));
        if (registers.protectedMode()) {
            places.add(place("GDTR", registers.gdt().base(), memory));
        }
        places.add(place("IDTR", registers.idt().base(), memory));
        if ((registers.get(Register.CR0) & Cr0.PG) != 0) {
            places.add(new PointerTarget("CR3", memory.directory(), OptionalLong.of(memory.directory())));
        }
        return places;
    }

    private static String name(CpuState registers, Register register) {
        return registers.nameOf(register).toUpperCase(Locale.ROOT);
    }

    private static PointerTarget place(String register, long linear, LinearMemory memory) {
        return new PointerTarget(register, linear, memory.physical(linear));
    }
}
