package dev.kvmguest.vmm.internal.emulator.differential;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import java.util.List;

/**
 * A random program: steps, with a HLT behind them, and the registers with which it starts.
 *
 * @param registers EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI; in 64-bit code RAX to RDI and R8 to R15
 * @param dataSeed from which the bytes of its data and stack follow
 */
record Program(Mode mode, List<Step> steps, long[] registers, long flags, long dataSeed) {

    private static final int HLT = 0xf4;

    private static final Register[] GENERAL = {
        Register.RAX, Register.RCX, Register.RDX, Register.RBX, Register.RSP, Register.RBP, Register.RSI, Register.RDI,
        Register.R8, Register.R9, Register.R10, Register.R11, Register.R12, Register.R13, Register.R14, Register.R15
    };

    Program with(List<Step> otherSteps) {
        return new Program(mode, otherSteps, registers, flags, dataSeed);
    }

    /** Returns its bytes. */
    byte[] code() {
        ByteArrayOutputStream code = new ByteArrayOutputStream();
        for (int i = 0; i < steps.size(); i++) {
            code.writeBytes(bytes(i));
        }
        code.write(HLT);
        if (code.size() > Mode.CODE_END - Mode.CODE) {
            throw new IllegalStateException("the program is too long: " + code.size() + " bytes");
        }
        return code.toByteArray();
    }

    private byte[] bytes(int index) {
        Step step = steps.get(index);
        byte[] bytes = Arrays.copyOf(step.bytes(), step.length());
        int distance = 0;
        for (int i = index + 1; i <= index + step.skip() && i < steps.size(); i++) {
            distance += steps.get(i).length();
        }
        for (int i = 0; i < step.displacementWidth(); i++) {
            bytes[step.bytes().length + i] = (byte) (distance >> 8 * i);
        }
        return bytes;
    }

    CpuState start() {
        CpuState.Builder state = mode.state().set(Register.RFLAGS, flags);
        for (int i = 0; i < registers.length; i++) {
            state.set(GENERAL[i], mode.is64() ? registers[i] : registers[i] & 0xffff_ffffL);
        }
        return state.build();
    }

    /** Returns where the stack starts: ESP at first. */
    static int stackPointer(Mode mode) {
        return Mode.STACK_TOP - mode.base(SegmentRegister.SS);
    }
}
