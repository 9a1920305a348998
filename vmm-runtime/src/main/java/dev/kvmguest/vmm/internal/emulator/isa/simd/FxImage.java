package dev.kvmguest.vmm.internal.emulator.isa.simd;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.FpuState;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.engine.XsaveArea;
import java.util.Arrays;

/**
 * FXSAVE's image in a guest's memory, which is the beginning of XSAVE's area too (Intel SDM volume 1, 10.5.1 and
 * 13.4.1). With 16-bit addresses each part wraps at 64 KiB for itself.
 */
final class FxImage {

    private final Cpu cpu;
    private final int segment;
    private final long at;
    private final long mask;
    /** Whether pointers are 64-bit offsets without selectors: with REX.W (volume 1, table 10-2). */
    private final boolean widePointers;
    /** Twice the number of XMM registers in the image: outside 64-bit mode it has no XMM8 to XMM15. */
    private final int xmmHalves;

    /** Takes the image that an instruction has as its operand. */
    FxImage(Cpu cpu, Instruction i) {
        this.cpu = cpu;
        this.segment = i.op0.segment;
        this.at = i.op0.offset(cpu);
        this.mask = i.op0.addressMask;
        this.widePointers = i.operandSize == Long.BYTES;
        this.xmmHalves = cpu.mode().is64() ? 2 * FpuState.XMM_REGISTERS : FpuState.XMM_REGISTERS;
    }

    /** Throws the fault of a write to the first bytes. */
    void checkWritable(int size) {
        for (int part = 0; part < size; part += partSize(size)) {
            cpu.memory.checkWritable(segment, at + part & mask, partSize(size));
        }
    }

    /** Throws the fault of a read of the first bytes. */
    void checkReadable(int size) {
        for (int part = 0; part < size; part += partSize(size)) {
            cpu.memory.checkReadable(segment, at + part & mask, partSize(size));
        }
    }

    private int partSize(int size) {
        return at + size - 1 > mask ? XsaveArea.SLOT : size;
    }

    long read64(int offset) {
        return cpu.memory.read64(segment, at + offset & mask);
    }

    void write64(int offset, long value) {
        cpu.memory.write64(segment, at + offset & mask, value);
    }

    private void write32(int offset, long value) {
        cpu.memory.write32(segment, at + offset & mask, value);
    }

    /** Writes the x87 registers. */
    void writeX87() {
        FpuState fpu = cpu.fpu;
        cpu.memory.write16(segment, at, fpu.control());
        cpu.memory.write16(segment, at + XsaveArea.FSW & mask, fpu.status());
        // The opcode field after the tags is 0: no opcode is kept.
        write32(XsaveArea.FTW, fpu.used());
        if (widePointers) {
            write64(XsaveArea.FIP, fpu.instructionOffset());
            write64(XsaveArea.FDP, fpu.dataOffset());
        } else {
            write32(XsaveArea.FIP, fpu.instructionOffset());
            write32(XsaveArea.FCS, fpu.instructionSelector());
            write32(XsaveArea.FDP, fpu.dataOffset());
            write32(XsaveArea.FDS, fpu.dataSelector());
        }
        for (int n = 0; n < FpuState.X87_REGISTERS; n++) {
            int slot = XsaveArea.ST0 + XsaveArea.SLOT * n;
            write64(slot, fpu.significand(n));
            write64(slot + 8, fpu.signExponent(n));
        }
    }

    /** Writes MXCSR, and which of its bits there are. */
    void writeMxcsr() {
        write32(XsaveArea.MXCSR, cpu.fpu.mxcsr());
        write32(XsaveArea.MXCSR_MASK, FpuState.MXCSR_MASK);
    }

    /** Writes the XMM registers. */
    void writeXmm() {
        for (int n = 0; n < xmmHalves; n++) {
            write64(XsaveArea.XMM0 + Long.BYTES * n, cpu.fpu.xmm[n]);
        }
    }

    /** Reads it for what follows, up to the last XMM register: the rest is reserved. */
    long[] read() {
        long[] image = new long[XsaveArea.XMM0 / Long.BYTES + xmmHalves];
        for (int n = 0; n < image.length; n++) {
            image[n] = read64(Long.BYTES * n);
        }
        return image;
    }

    /** Sets the x87 registers from an image. */
    void restoreX87(long[] image) {
        FpuState fpu = cpu.fpu;
        fpu.setControl((int) field(image, XsaveArea.FCW));
        fpu.setStatus((int) field(image, XsaveArea.FSW) & 0xffff);
        fpu.setUsed((int) field(image, XsaveArea.FTW));
        if (widePointers) {
            fpu.setInstructionPointer(0, image[XsaveArea.FIP / Long.BYTES]);
            fpu.setDataPointer(0, image[XsaveArea.FDP / Long.BYTES]);
        } else {
            fpu.setInstructionPointer((int) field(image, XsaveArea.FCS) & 0xffff, field(image, XsaveArea.FIP));
            fpu.setDataPointer((int) field(image, XsaveArea.FDS) & 0xffff, field(image, XsaveArea.FDP));
        }
        for (int n = 0; n < FpuState.X87_REGISTERS; n++) {
            int slot = (XsaveArea.ST0 + XsaveArea.SLOT * n) / Long.BYTES;
            fpu.restoreRegister(n, (int) image[slot + 1], image[slot]);
        }
    }

    /** Sets the XMM registers from an image. */
    void restoreXmm(long[] image) {
        System.arraycopy(image, XsaveArea.XMM0 / Long.BYTES, cpu.fpu.xmm, 0, xmmHalves);
    }

    /** Makes those XMM registers zero that the image has. */
    void clearXmm() {
        Arrays.fill(cpu.fpu.xmm, 0, xmmHalves, 0);
    }

    /** Returns MXCSR of an image. */
    static long mxcsr(long[] image) {
        return field(image, XsaveArea.MXCSR);
    }

    /** Returns the 32 bits at an offset, as far as they are within the same 8 bytes. */
    private static long field(long[] image, int offset) {
        return image[offset / Long.BYTES] >>> 8 * (offset % Long.BYTES) & 0xffff_ffffL;
    }
}
