package dev.kvmguest.vmm.internal.emulator.isa.simd;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.internal.emulator.exec.EmulatedGuest;
import dev.kvmguest.vmm.internal.emulator.isa.x87.FpuCpu;
import dev.kvmguest.vmm.internal.engine.XsaveArea;
import dev.kvmguest.vmm.internal.x86.Cr4;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What 64-bit mode adds to SSE: XMM8 to XMM15, integers of 64 bits, and FXSAVE's wider image. */
class Simd64BitTests {

    private static final int XMM8 = XsaveArea.XMM0 + 8 * XsaveArea.SLOT;
    private static final int XMM15 = XsaveArea.XMM0 + 15 * XsaveArea.SLOT;
    /** The same RAM as from 0 up. */
    private static final long UPPER_HALF = 0xffff_ffff_c000_0000L;

    private final EmulatedGuest guest = EmulatedGuest.long64(0)
            .change(state -> state.set(Register.CR4, Cr4.PAE | Cr4.OSFXSR | Cr4.OSXMMEXCPT))
            .set(Register.RBX, EmulatedGuest.DATA);

    @AfterEach
    void close() {
        guest.close();
    }

    @Test
    void fxsave64StoresWidePointersAndAllXmmRegisters() {
        guest.set(Register.RAX, 0x1122_3344_5566_7788L).set(Register.RIP, UPPER_HALF + EmulatedGuest.CODE);
        guest.run(
                "66 4c 0f 6e f8" // movq xmm15,rax
                        + "d9 03" // fld dword [rbx]
                        + "48 0f ae 03"); // fxsave64 [rbx]
        assertThat(inData(XsaveArea.FIP)).isEqualTo(UPPER_HALF + EmulatedGuest.CODE + 5);
        assertThat(inData(XsaveArea.FDP)).isEqualTo(EmulatedGuest.DATA);
        assertThat(inData(XMM15)).isEqualTo(0x1122_3344_5566_7788L);
    }

    @Test
    void fxsaveOf64BitCodeStoresPointersWithSelectors() {
        guest.set(Register.RIP, UPPER_HALF + EmulatedGuest.CODE);
        guest.run(
                "d9 03" // fld dword [rbx]
                        + "0f ae 03"); // fxsave [rbx]
        assertThat(inData(XsaveArea.FIP)).isEqualTo(8L << 32 | 0xc000_0000L + EmulatedGuest.CODE);
        assertThat(inData(XsaveArea.FDP)).isEqualTo(0x10L << 32 | EmulatedGuest.DATA);
    }

    @Test
    void fxrstor64RestoresWhatFxsave64Stores() {
        guest.set(Register.RCX, EmulatedGuest.DATA + 0x400);
        guest.memory().writeShort(EmulatedGuest.DATA, 0x37f);
        guest.memory().writeLong(EmulatedGuest.DATA + XsaveArea.FIP, UPPER_HALF + 1);
        guest.memory().writeLong(EmulatedGuest.DATA + XsaveArea.FDP, UPPER_HALF + 2);
        guest.memory().writeInt(EmulatedGuest.DATA + XsaveArea.MXCSR, 0x1f80);
        guest.memory().writeLong(EmulatedGuest.DATA + XMM15, 15);
        guest.run(
                "48 0f ae 0b" // fxrstor64 [rbx]
                        + "66 4c 0f 7e f8" // movq rax,xmm15
                        + "48 0f ae 01"); // fxsave64 [rcx]
        assertThat(guest.get(Register.RAX)).isEqualTo(15);
        assertThat(inData(0x400 + XsaveArea.FIP)).isEqualTo(UPPER_HALF + 1);
        assertThat(inData(0x400 + XsaveArea.FDP)).isEqualTo(UPPER_HALF + 2);
        assertThat(inData(0x400 + XMM15)).isEqualTo(15);
    }

    @Test
    void outside64BitModeTheImageHasEightXmmRegisters() {
        FpuCpu outside = new FpuCpu().xmm(8, 88, 8);
        outside.ram.putLong(FpuCpu.DATA + XMM8, 77);
        outside.run("0f ae 03"); // fxsave [ebx]
        assertThat(outside.ram.getLong(FpuCpu.DATA + XMM8)).isEqualTo(77);
        outside.run("0f ae 0b"); // fxrstor [ebx]
        assertThat(outside.low(8)).isEqualTo(8);
        assertThat(outside.high(8)).isEqualTo(88);
    }

    @Test
    void integersOf64BitsAreConvertedWithRounding() {
        guest.set(Register.RAX, (1L << 53) + 1).set(Register.RCX, Long.MIN_VALUE);
        guest.run(
                "f2 48 0f 2a c0" // cvtsi2sd xmm0,rax
                        + "66 48 0f 7e c0" // movq rax,xmm0
                        + "f3 48 0f 2a c9" // cvtsi2ss xmm1,rcx
                        + "66 0f 7e c9"); // movd ecx,xmm1
        assertThat(Double.longBitsToDouble(guest.get(Register.RAX))).isEqualTo(0x1p53);
        assertThat(Float.intBitsToFloat((int) guest.get(Register.RCX))).isEqualTo(-0x1p63f);
    }

    @Test
    void numbersAreConvertedToIntegersOf64Bits() {
        guest.set(Register.RAX, Double.doubleToRawLongBits(-0x1p63))
                .set(Register.RCX, Double.doubleToRawLongBits(1e19));
        guest.run(
                "66 48 0f 6e c0" // movq xmm0,rax
                        + "f2 48 0f 2c c0" // cvttsd2si rax,xmm0
                        + "66 48 0f 6e c9" // movq xmm1,rcx
                        + "f2 48 0f 2d c9"); // cvtsd2si rcx,xmm1
        assertThat(guest.get(Register.RAX)).isEqualTo(Long.MIN_VALUE);
        // "Integer indefinite", for what is too large.
        assertThat(guest.get(Register.RCX)).isEqualTo(Long.MIN_VALUE);
    }

    private long inData(int offset) {
        return guest.memory().readLong(EmulatedGuest.DATA + offset);
    }
}
