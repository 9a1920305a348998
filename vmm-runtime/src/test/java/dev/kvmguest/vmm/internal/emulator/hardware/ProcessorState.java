package dev.kvmguest.vmm.internal.emulator.hardware;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.FpuState;
import dev.kvmguest.vmm.internal.x86.CpuMode;
import dev.kvmguest.vmm.internal.x86.Vector;
import java.nio.ByteBuffer;
import java.util.Arrays;

/** All registers of user mode, and how the last step ended. Reused from step to step. */
final class ProcessorState {

    static final int GENERAL = 16;
    private static final int X87_REGISTERS = FpuState.X87_REGISTERS;
    private static final int XMM_HALVES = 2 * FpuState.XMM_REGISTERS;
    private static final int SLOT = 16;

    final long[] general = new long[GENERAL];
    /** By the number of the segment register. */
    final int[] selectors = new int[Cpu.GS + 1];

    final long[] significands = new long[X87_REGISTERS];
    final int[] signExponents = new int[X87_REGISTERS];
    final long[] xmm = new long[XMM_HALVES];
    /** The bases of FS and GS; 0 unless the code is 64-bit code. */
    long fsBase;

    long gsBase;
    long eip;
    int eflags;
    int vector;
    int errorCode;
    long cr2;
    int fpuControl;
    int fpuStatus;
    int fpuUsed;
    int mxcsr;

    /** Returns how many general registers code of a mode has. */
    static int generalOf(CpuMode mode) {
        return mode.is64() ? GENERAL : GENERAL / 2;
    }

    void copy(ProcessorState other) {
        System.arraycopy(other.general, 0, general, 0, GENERAL);
        System.arraycopy(other.selectors, 0, selectors, 0, selectors.length);
        System.arraycopy(other.significands, 0, significands, 0, X87_REGISTERS);
        System.arraycopy(other.signExponents, 0, signExponents, 0, X87_REGISTERS);
        System.arraycopy(other.xmm, 0, xmm, 0, XMM_HALVES);
        fsBase = other.fsBase;
        gsBase = other.gsBase;
        eip = other.eip;
        eflags = other.eflags;
        vector = other.vector;
        errorCode = other.errorCode;
        cr2 = other.cr2;
        fpuControl = other.fpuControl;
        fpuStatus = other.fpuStatus;
        fpuUsed = other.fpuUsed;
        mxcsr = other.mxcsr;
    }

    /** Reads a {@code struct result} of {@code processor.c} up to what it says of memory. */
    void read(ByteBuffer from) {
        for (int i = 0; i < GENERAL; i++) {
            general[i] = from.getLong();
        }
        fsBase = from.getLong();
        gsBase = from.getLong();
        eip = from.getLong();
        cr2 = from.getLong();
        eflags = from.getInt();
        vector = from.getInt();
        errorCode = from.getInt();
        readSelectors(from);
        readFpu(from);
    }

    /** Reads CS, SS, DS, ES, FS and GS. */
    void readSelectors(ByteBuffer from) {
        selectors[Cpu.CS] = Short.toUnsignedInt(from.getShort());
        selectors[Cpu.SS] = Short.toUnsignedInt(from.getShort());
        selectors[Cpu.DS] = Short.toUnsignedInt(from.getShort());
        selectors[Cpu.ES] = Short.toUnsignedInt(from.getShort());
        selectors[Cpu.FS] = Short.toUnsignedInt(from.getShort());
        selectors[Cpu.GS] = Short.toUnsignedInt(from.getShort());
    }

    void writeSelectors(ByteBuffer to) {
        to.putShort((short) selectors[Cpu.CS])
                .putShort((short) selectors[Cpu.SS])
                .putShort((short) selectors[Cpu.DS])
                .putShort((short) selectors[Cpu.ES])
                .putShort((short) selectors[Cpu.FS])
                .putShort((short) selectors[Cpu.GS]);
    }

    /** Reads what FXSAVE64 stores, without what is reserved. */
    void readFpu(ByteBuffer from) {
        fpuControl = Short.toUnsignedInt(from.getShort());
        fpuStatus = Short.toUnsignedInt(from.getShort());
        fpuUsed = from.getShort() & 0xff;
        // FOP, FIP and FDP.
        from.position(from.position() + Short.BYTES + 2 * Long.BYTES);
        mxcsr = from.getInt();
        from.getInt();
        for (int i = 0; i < X87_REGISTERS; i++) {
            significands[i] = from.getLong();
            signExponents[i] = Short.toUnsignedInt(from.getShort());
            from.position(from.position() + SLOT - Long.BYTES - Short.BYTES);
        }
        for (int i = 0; i < XMM_HALVES; i++) {
            xmm[i] = from.getLong();
        }
    }

    /** Writes what {@link #readFpu} reads. */
    void writeFpu(ByteBuffer to) {
        to.putShort((short) fpuControl)
                .putShort((short) fpuStatus)
                .putShort((short) fpuUsed)
                .putShort((short) 0)
                .putLong(0)
                .putLong(0)
                .putInt(mxcsr)
                .putInt(FpuState.MXCSR_MASK);
        for (int i = 0; i < X87_REGISTERS; i++) {
            to.putLong(significands[i]).putLong(signExponents[i]);
        }
        for (long half : xmm) {
            to.putLong(half);
        }
    }

    /** Returns whether two states are the same, CR2 after a page fault included. */
    boolean agrees(ProcessorState other) {
        return eip == other.eip
                && fsBase == other.fsBase
                && gsBase == other.gsBase
                && eflags == other.eflags
                && vector == other.vector
                && errorCode == other.errorCode
                && (vector != Vector.PF.number() || cr2 == other.cr2)
                && fpuControl == other.fpuControl
                && fpuStatus == other.fpuStatus
                && fpuUsed == other.fpuUsed
                && mxcsr == other.mxcsr
                && Arrays.equals(general, other.general)
                && Arrays.equals(selectors, other.selectors)
                && Arrays.equals(significands, other.significands)
                && Arrays.equals(signExponents, other.signExponents)
                && Arrays.equals(xmm, other.xmm);
    }
}
