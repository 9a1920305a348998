package dev.kvmguest.vmm.internal.trial;

import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.DescriptorTable;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.internal.emulator.EmulatedVirtualCpu;
import dev.kvmguest.vmm.internal.engine.VcpuState;
import dev.kvmguest.vmm.internal.inspection.LinearMemory;
import dev.kvmguest.vmm.internal.x86.CpuMode;
import dev.kvmguest.vmm.memory.GuestMemory;
import java.util.List;
import java.util.OptionalLong;
import java.util.stream.LongStream;

/**
 * Calls constructors on a vCPU at any time. Afterwards it has the registers that it had; what the constructors have
 * written to memory stays.
 */
final class ConstructorCalls {

    /** One that executes more is left where it is. */
    private static final int MOST_INSTRUCTIONS = 100_000;

    /** The highest address: nothing returns there by itself. */
    private static final long RETURN = 0xffff_ffffL;

    private static final int ROOM = 64;
    /** At a call, before the return address (System V ABI for i386, 2.2.2). */
    private static final int ALIGNMENT = 16;

    private static final int POINTER = 4;

    private final EmulatedVirtualCpu cpu;
    private final GuestMemory memory;
    private final MachineConfig machine;
    private final CpuState registers;

    /**
     * Prepares calls.
     *
     * @param cpu the vCPU, between two instructions
     * @param memory its RAM
     * @param machine the machine
     */
    ConstructorCalls(EmulatedVirtualCpu cpu, GuestMemory memory, MachineConfig machine) {
        this.cpu = cpu;
        this.memory = memory;
        this.machine = machine;
        this.registers = cpu.state();
    }

    /**
     * Calls constructors, each after the other, wherever the one before has ended. Does nothing outside 32-bit
     * protected mode, and without a stack.
     *
     * @param laterStack the guest's ESP at another time, in case that it has no stack yet
     */
    void make(List<Long> constructors, long laterStack) {
        if (CpuMode.of(registers) == CpuMode.PROTECTED32) {
            LongStream.of(registers.get(Register.RSP), laterStack)
                    .map(stack -> (stack - ROOM & -ALIGNMENT) - POINTER & RETURN)
                    .filter(stack -> physical(stack).isPresent())
                    .limit(1)
                    .forEach(stack -> makeAt(stack, constructors));
        }
    }

    private OptionalLong physical(long stack) {
        return new LinearMemory(memory, registers)
                .physical(registers.linear(SegmentRegister.SS, stack)).stream()
                        .filter(top -> memory.map().contains(top, POINTER))
                        .findFirst();
    }

    private void makeAt(long stack, List<Long> constructors) {
        long top = physical(stack).orElseThrow();
        VcpuState before = cpu.save();
        for (long constructor : constructors) {
            memory.writeInt(top, (int) RETURN);
            cpu.setState(registers.with(state -> state.set(Register.RIP, constructor)
                    .set(Register.RSP, stack)
                    .set(Register.RFLAGS, CpuState.EFLAGS_FIXED)
                    // So that an exception shuts the vCPU down, and no handler runs.
                    .idt(new DescriptorTable(registers.idt().base(), 0))));
            FreeRun call = new FreeRun(cpu, machine);
            int left = MOST_INSTRUCTIONS;
            while (left > 0 && cpu.register(Register.RIP) != RETURN && call.step()) {
                left--;
            }
        }
        cpu.restore(before);
    }
}
