package dev.kvmguest.vmm.internal.emulator.core;

import static dev.kvmguest.vmm.internal.engine.XsaveArea.FCS;
import static dev.kvmguest.vmm.internal.engine.XsaveArea.FCW;
import static dev.kvmguest.vmm.internal.engine.XsaveArea.FDP;
import static dev.kvmguest.vmm.internal.engine.XsaveArea.FDS;
import static dev.kvmguest.vmm.internal.engine.XsaveArea.FIP;
import static dev.kvmguest.vmm.internal.engine.XsaveArea.FSW;
import static dev.kvmguest.vmm.internal.engine.XsaveArea.FTW;
import static dev.kvmguest.vmm.internal.engine.XsaveArea.MXCSR;
import static dev.kvmguest.vmm.internal.engine.XsaveArea.SLOT;
import static dev.kvmguest.vmm.internal.engine.XsaveArea.ST0;
import static dev.kvmguest.vmm.internal.engine.XsaveArea.XMM0;

import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.internal.engine.XsaveArea;
import dev.kvmguest.vmm.text.Notation;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Puts the x87, MMX and SSE registers into an {@link XsaveArea} and takes them from one. */
public final class FpuImage {

    private static final int REGISTERS = 8;
    private static final int SIGN_EXPONENT = 8;

    // Where the selectors are that XsaveArea has no places for: in the last of the bytes that are software's. Linux has
    // its own at the first of these, and zeros here.
    private static final int FCS = XsaveArea.XSTATE_BV - 2 * Short.BYTES;
    private static final int FDS = XsaveArea.XSTATE_BV - Short.BYTES;

    private FpuImage() {}

    /** Returns all registers. */
    public static XsaveArea save(FpuState fpu) {
        ByteBuffer area = ByteBuffer.allocate(XsaveArea.MINIMUM_SIZE).order(ByteOrder.LITTLE_ENDIAN);
        area.putShort(FCW, (short) fpu.control())
                .putShort(FSW, (short) fpu.status())
                .put(FTW, (byte) fpu.used())
                .putLong(FIP, fpu.instructionOffset())
                .putLong(FDP, fpu.dataOffset())
                .putInt(MXCSR, fpu.mxcsr())
                .putInt(XsaveArea.MXCSR_MASK, FpuState.MXCSR_MASK)
                .putLong(XsaveArea.XSTATE_BV, XsaveArea.X87 | XsaveArea.SSE);
        area.putShort(FCS, (short) fpu.instructionSelector()).putShort(FDS, (short) fpu.dataSelector());
        for (int n = 0; n < REGISTERS; n++) {
            area.putLong(ST0 + SLOT * n, fpu.significand(n))
                    .putShort(ST0 + SLOT * n + SIGN_EXPONENT, (short) fpu.signExponent(n));
        }
        for (int n = 0; n < fpu.xmm.length; n++) {
            area.putLong(XMM0 + Long.BYTES * n, fpu.xmm[n]);
        }
        return new XsaveArea(area);
    }

    /**
     * Sets all registers.
     *
     * @throws VmmException if the area has components that aren't here, such as those of AVX
     */
    public static void restore(FpuState fpu, XsaveArea saved) {
        long components = saved.components();
        if ((components & ~(XsaveArea.X87 | XsaveArea.SSE)) != 0) {
            throw new VmmException("the emulator can't go on from this state: it lacks some of the registers of"
                    + " XSTATE_BV=" + Notation.hex(components));
        }
        ByteBuffer area = saved.bytes();
        fpu.setMxcsr(area.getInt(MXCSR));
        fpu.initialize();
        if ((components & XsaveArea.X87) != 0) {
            restoreX87(fpu, area);
        }
        for (int n = 0; n < fpu.xmm.length; n++) {
            fpu.xmm[n] = (components & XsaveArea.SSE) != 0 ? area.getLong(XMM0 + Long.BYTES * n) : 0;
        }
    }

    private static void restoreX87(FpuState fpu, ByteBuffer area) {
        fpu.setControl(Short.toUnsignedInt(area.getShort(FCW)));
        fpu.setStatus(Short.toUnsignedInt(area.getShort(FSW)));
        fpu.setUsed(area.get(FTW));
        fpu.setInstructionPointer(Short.toUnsignedInt(area.getShort(FCS)), area.getLong(FIP));
        fpu.setDataPointer(Short.toUnsignedInt(area.getShort(FDS)), area.getLong(FDP));
        for (int n = 0; n < REGISTERS; n++) {
            fpu.restoreRegister(n, area.getShort(ST0 + SLOT * n + SIGN_EXPONENT), area.getLong(ST0 + SLOT * n));
        }
    }
}
