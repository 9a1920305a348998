package dev.kvmguest.vmm.internal.emulator.conformance;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.DescriptorTable;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.internal.emulator.EmulatorEngine;
import dev.kvmguest.vmm.internal.engine.VirtualCpu;
import dev.kvmguest.vmm.internal.engine.VirtualMachine;
import dev.kvmguest.vmm.internal.engine.VmExit;
import dev.kvmguest.vmm.memory.GuestMemory;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;

/** Executes conformance cases on the emulator in real mode, one after another in the same machine. */
final class ConformanceMachine implements AutoCloseable {

    /** All of memory that real mode reaches with A20 open. */
    private static final int MEMORY = 0x11_0000;

    private static final byte[] ZEROS = new byte[MEMORY];
    /** The 286 has no others in real mode; a 386 has IOPL and NT there. */
    private static final int FLAGS = 0xfff;

    private static final Map<String, Register> REGISTERS = Map.of(
            "ax", Register.RAX,
            "bx", Register.RBX,
            "cx", Register.RCX,
            "dx", Register.RDX,
            "sp", Register.RSP,
            "bp", Register.RBP,
            "si", Register.RSI,
            "di", Register.RDI,
            "ip", Register.RIP);

    private static final Map<String, SegmentRegister> SEGMENTS = Map.of(
            "cs", SegmentRegister.CS,
            "ds", SegmentRegister.DS,
            "es", SegmentRegister.ES,
            "ss", SegmentRegister.SS);

    private final VirtualMachine machine = EmulatorEngine.instance().createMachine(MEMORY, 1);
    private final VirtualCpu vcpu = machine.vcpu(0);
    private final GuestMemory memory = machine.memory();

    /**
     * What became of a case.
     *
     * @param end how it ended, if it wasn't by completing the instruction; else null
     * @param registers the registers, by the names and with the IP that the data has: behind a HLT
     * @param ram the bytes that the case names
     * @param frame the six bytes from SS:SP on, where an exception puts IP, CS and flags
     */
    record Result(String end, Map<String, Integer> registers, Map<Integer, Integer> ram, byte[] frame) {

        /** Returns where a byte of the frame is: 0 to 5. */
        int frameAddress(int index) {
            return registers.get("ss") * 16 + (registers.get("sp") + index & 0xffff);
        }

        /** Returns two bytes of the frame: 0 is IP, 1 CS, 2 the flags. */
        int pushed(int word) {
            return frame[2 * word] & 0xff | (frame[2 * word + 1] & 0xff) << 8;
        }
    }

    private static final int FRAME = 6;

    ConformanceMachine() {
        vcpu.debug().setSingleStep(true);
    }

    /** Executes the instruction of a case. Memory is all zero again afterwards, but for what the case doesn't name. */
    Result run(ConformanceCase test) {
        test.ram().forEach(memory::writeByte);
        vcpu.setState(state(test));
        VmExit exit = vcpu.run();
        while (exit instanceof VmExit.PortIn || exit instanceof VmExit.PortOut) {
            if (exit instanceof VmExit.PortIn in) {
                while (in.data().hasRemaining()) {
                    in.data().put((byte) 0xff);
                }
            }
            exit = vcpu.run();
        }
        boolean completed = exit instanceof VmExit.SingleStep || exit instanceof VmExit.Halt;
        Result result = new Result(
                completed ? null : exit.toString(),
                registers(exit instanceof VmExit.Halt),
                bytesNamedBy(test),
                new byte[FRAME]);
        for (int i = 0; i < FRAME; i++) {
            result.frame()[i] = (byte) memory.readByte(result.frameAddress(i));
        }
        result.ram().keySet().forEach(address -> memory.writeByte(address, 0));
        return result;
    }

    /** Clears what a case has written that ended otherwise than it says. */
    void clearAfter(Difference difference, Result result) {
        if (difference.isCompletion()) {
            clear();
        } else {
            for (int i = 0; i < FRAME; i++) {
                memory.writeByte(result.frameAddress(i), 0);
            }
        }
    }

    private CpuState state(ConformanceCase test) {
        CpuState.Builder state = CpuState.builder()
                .set(Register.CR0, CpuState.CR0_ET)
                .set(Register.RFLAGS, test.registers().get("flags") & FLAGS | CpuState.EFLAGS_FIXED)
                .segment(SegmentRegister.FS, SegmentState.real(0))
                .segment(SegmentRegister.GS, SegmentState.real(0))
                .segment(SegmentRegister.TR, SegmentState.resetTask())
                .idt(new DescriptorTable(0, 0x3ff));
        REGISTERS.forEach(
                (name, register) -> state.set(register, test.registers().get(name)));
        SEGMENTS.forEach((name, register) ->
                state.segment(register, SegmentState.real(test.registers().get(name))));
        return state.build();
    }

    private Map<String, Integer> registers(boolean halted) {
        CpuState state = vcpu.state();
        Map<String, Integer> registers = new LinkedHashMap<>();
        REGISTERS.forEach((name, register) -> registers.put(name, (int) state.get(register)));
        SEGMENTS.forEach(
                (name, register) -> registers.put(name, state.segment(register).selector()));
        registers.put("flags", (int) state.get(Register.RFLAGS) & FLAGS);
        if (!halted) {
            registers.merge("ip", 1, (ip, hlt) -> ip + hlt & 0xffff);
        }
        return registers;
    }

    private Map<Integer, Integer> bytesNamedBy(ConformanceCase test) {
        Map<Integer, Integer> ram = new TreeMap<>();
        test.ram().keySet().forEach(address -> ram.put(address, memory.readByte(address)));
        test.finalRam().keySet().forEach(address -> ram.put(address, memory.readByte(address)));
        return ram;
    }

    /** Returns the address of a byte that isn't zero, or -1. */
    int strayByte() {
        return Arrays.mismatch(memory.read(0, MEMORY), ZEROS);
    }

    /** Makes all memory zero. */
    void clear() {
        memory.write(0, ZEROS);
    }

    @Override
    public void close() {
        machine.close();
    }
}
