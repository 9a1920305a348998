package dev.kvmguest.vmm.internal.emulator.isa.x87;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.x86.Cr0;
import dev.kvmguest.vmm.internal.x86.Vector;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class X87ControlTests {

    private static final int IMAGE = FpuCpu.DATA + 0x100;
    private static final String FLD1 = "d9 e8";
    private static final String FLDZ = "d9 ee";
    /** fld dword [ebx] */
    private static final String LOAD = "d9 03";

    private final FpuCpu guest = new FpuCpu();

    @Test
    void registersStartAsFninitLeavesThem() {
        assertThat(guest.fpu.control()).isEqualTo(0x37f);
        assertThat(guest.fpu.status()).isZero();
        assertThat(guest.fpu.tags()).isEqualTo(0xffff);
        assertThat(guest.fpu.mxcsr()).isEqualTo(0x1f80);
    }

    @Test
    void fninitForgetsAllButTheRegisters() {
        guest.fpu.setControl(0x360);
        guest.run(FLD1 + "d9 c9 db e3"); // fxch st1 underflows

        assertThat(guest.fpu.control()).isEqualTo(0x37f);
        assertThat(guest.fpu.status()).isZero();
        assertThat(guest.fpu.tags()).isEqualTo(0xffff);
        assertThat(guest.fpu.instructionOffset()).isZero();
        assertThat(guest.fpu.signExponent(7)).isEqualTo(0x3fff);
    }

    @Test
    void fnclexClearsExceptionsAndKeepsTheRest() {
        guest.run(FLDZ + "d8 f0"); // fdiv st0, st0: invalid
        assertThat(guest.fpu.status()).isEqualTo(0x3801);

        guest.run("db e2");
        assertThat(guest.fpu.status()).isEqualTo(0x3800);
    }

    @Test
    void statusSaysThatAnUnmaskedExceptionIsPending() {
        guest.fpu.setControl(0x37b);
        guest.run(FLDZ + FLD1 + "d8 f1 df e0"); // fdiv st0, st1; fnstsw ax

        assertThat(guest.cpu.registers.gpr[0]).isEqualTo(0xb084);
        assertThat(guest.fpu.significand(0)).as("the dividend stays").isEqualTo(Long.MIN_VALUE);
        guest.assertFault("9b", Vector.MF);
        // Masking it makes it pending no longer, as the flag's summary follows.
        guest.fpu.setControl(0x37f);
        guest.run("9b df e0");
        assertThat(guest.cpu.registers.gpr[0]).isEqualTo(0x3004);
    }

    @ParameterizedTest
    @CsvSource({"0, 0x40", "0xffff, 0x1f7f", "0x27f, 0x27f"})
    void controlWordHasFixedBits(String loaded, String stored) {
        guest.ram.putShort(FpuCpu.DATA, Integer.decode(loaded).shortValue());
        guest.run("d9 2b d9 7b 04"); // fldcw [ebx], fnstcw [ebx+4]

        assertThat(guest.ram.getShort(FpuCpu.DATA + 4))
                .isEqualTo(Integer.decode(stored).shortValue());
    }

    @Test
    void environmentIn32BitProtectedMode() {
        guest.run(FLDZ + LOAD + "d9 b3 00 01 00 00"); // fnstenv [ebx+0x100]

        assertImage32(0xffff_037f, 0xffff_3000, 0xffff_5fff, FpuCpu.EIP, 8, FpuCpu.DATA, 0xffff_0010);
    }

    @Test
    void environmentIn16BitProtectedMode() {
        guest.run(FLDZ + LOAD + "66 d9 b3 00 01 00 00");

        assertImage16(0x37f, 0x3000, 0x5fff, FpuCpu.EIP, 8, FpuCpu.DATA, 0x10);
    }

    @Test
    void environmentIn32BitRealModeHasLinearAddresses() {
        realMode();
        guest.run(FLDZ + LOAD + "d9 b3 00 01 00 00");

        // CS 0x2345 and EIP 0x1234; DS 0 as loaded and EBX.
        assertImage32(0xffff_037f, 0xffff_3000, 0xffff_5fff, 0xffff_4684, 0x2000, 0xffff_0000 | FpuCpu.DATA, 0);
    }

    @Test
    void environmentIn16BitRealModeHasLinearAddresses() {
        realMode();
        guest.run(FLDZ + LOAD + "66 d9 b3 00 01 00 00");

        assertImage16(0x37f, 0x3000, 0x5fff, 0x4684, 0x2000, FpuCpu.DATA, 0);
    }

    @Test
    void storingTheEnvironmentMasksAllExceptions() {
        guest.fpu.setControl(0x340);
        guest.run("d9 b3 00 01 00 00");

        assertThat(guest.fpu.control()).isEqualTo(0x37f);
        assertThat(guest.ram.getShort(IMAGE)).isEqualTo((short) 0x340);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "66"})
    void environmentIsLoadedAsItWasStored(String prefix) {
        guest.run(FLDZ + LOAD + FLD1 + prefix + "d9 b3 00 01 00 00 db e3" + prefix + "d9 a3 00 01 00 00");

        assertThat(guest.fpu.control()).isEqualTo(0x37f);
        assertThat(guest.fpu.top()).isEqualTo(5);
        assertThat(guest.fpu.tags()).isEqualTo(0x53ff);
        assertThat(guest.fpu.instructionOffset()).isEqualTo(FpuCpu.EIP);
        assertThat(guest.fpu.instructionSelector()).isEqualTo(8);
        assertThat(guest.fpu.dataOffset()).isEqualTo(FpuCpu.DATA);
        assertThat(guest.fpu.dataSelector()).isEqualTo(0x10);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "66"})
    void stateIsRestoredAsItWasSaved(String prefix) {
        guest.run(FLDZ + "d9 eb" + FLD1 + prefix + "dd b3 00 01 00 00"); // fldpi; fnsave
        assertThat(guest.fpu.tags()).as("saving initializes").isEqualTo(0xffff);
        int registers = IMAGE + (prefix.isEmpty() ? 28 : 14);
        assertThat(guest.ram.getShort(registers + 8)).isEqualTo((short) 0x3fff);
        assertThat(guest.ram.getLong(registers + 10)).isEqualTo(0xc90f_daa2_2168_c235L);

        guest.run("d9 e8 d9 e8" + prefix + "dd a3 00 01 00 00");

        assertThat(guest.fpu.top()).isEqualTo(5);
        assertThat(guest.fpu.tags()).isEqualTo(0x43ff);
        assertThat(guest.fpu.significand(1)).isEqualTo(0xc90f_daa2_2168_c235L);
        assertThat(guest.fpu.signExponent(2)).isZero();
    }

    @Test
    void tagsSayWhatRegistersHold() {
        guest.ram.putInt(FpuCpu.DATA, 0x7f800000).putInt(FpuCpu.DATA + 4, 1);
        guest.run(FLD1 + FLDZ + LOAD + "d9 43 04"); // infinity; a denormal, which is none in extended format

        assertThat(guest.fpu.tags()).isEqualTo(0b00_01_10_00_11_11_11_11);
    }

    @ParameterizedTest
    @ValueSource(strings = {"dd b3 00 01 00 00", "d9 b3 00 01 00 00", "dd a3 00 01 00 00", "d9 a3 00 01 00 00"})
    void imageBeyondTheLimitChangesNothing(String code) {
        guest.run(FLD1).cpu.loadSegment(Cpu.DS, new SegmentState(0x10, 0, IMAGE + 20, 0x4093));
        guest.ram.putShort(IMAGE, (short) 0x1234);

        guest.assertFault(code, Vector.GP);

        assertThat(guest.ram.getShort(IMAGE)).isEqualTo((short) 0x1234);
        assertThat(guest.fpu.top()).isEqualTo(7);
        assertThat(guest.fpu.control()).isEqualTo(0x37f);
    }

    @ParameterizedTest
    @ValueSource(strings = {"dd 1b", "db 3b", "df 1b", "d9 1b", "df 3b"})
    void storeThatFaultsDoesNotPop(String code) {
        guest.run(FLD1).cpu.loadSegment(Cpu.DS, new SegmentState(0x10, 0, FpuCpu.DATA, 0x4093));

        guest.assertFault(code, Vector.GP);

        assertThat(guest.fpu.top()).isEqualTo(7);
        assertThat(guest.fpu.isEmpty(0)).isFalse();
    }

    @Test
    void lastTwoOfTenBytesWrapWithA16BitAddress() {
        guest.cpu.registers.gpr[3] = 0xfff8;
        guest.run("d9 eb 67 db 3f"); // fldpi; fstp tword [bx]

        assertThat(guest.ram.getLong(0xfff8)).isEqualTo(0xc90f_daa2_2168_c235L);
        assertThat(guest.ram.getShort(0)).isEqualTo((short) 0x4000);

        guest.run("67 db 2f"); // fld tword [bx]
        assertThat(guest.fpu.significand(0)).isEqualTo(0xc90f_daa2_2168_c235L);
        assertThat(guest.fpu.signExponent(0)).isEqualTo(0x4000);
    }

    @Test
    void firstEightOfTenBytesDoNotWrap() {
        guest.cpu.registers.gpr[3] = 0xfff9;
        guest.cpu.loadSegment(Cpu.DS, new SegmentState(0x10, 0, 0xffff, 0x4093));

        guest.assertFault("67 db 2f", Vector.GP);
        guest.run(FLD1).assertFault("67 db 3f", Vector.GP);
        assertThat(guest.fpu.top()).isEqualTo(7);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "66"})
    void fieldsOfImagesWrapWithA16BitAddress(String prefix) {
        guest.cpu.registers.gpr[3] = 0xfff8;
        guest.cpu.loadSegment(Cpu.DS, new SegmentState(0x10, 0, 0xffff, 0x4093));
        guest.run("d9 eb 67" + prefix + "dd 37"); // fldpi; fnsave [bx]

        int size = prefix.isEmpty() ? 4 : 2;
        assertThat(guest.ram.getShort(0xfff8)).isEqualTo((short) 0x37f);
        assertThat(guest.ram.getShort(0xfff8 + 2 * size & 0xffff)).as("tags").isEqualTo((short) 0x3fff);
        assertThat(guest.ram.getLong(7 * size - 8)).isEqualTo(0xc90f_daa2_2168_c235L);

        guest.run("67" + prefix + "dd 27"); // frstor [bx]
        assertThat(guest.fpu.top()).isEqualTo(7);
        assertThat(guest.fpu.significand(0)).isEqualTo(0xc90f_daa2_2168_c235L);
    }

    @Test
    void tenBytesAreCopiedAsTheyAre() {
        guest.ram.putLong(FpuCpu.DATA, 0x1122_3344_5566_7788L).putShort(FpuCpu.DATA + 8, (short) 0x9abc);
        guest.run("db 2b db 7b 10"); // fld tword [ebx], fstp tword [ebx+16]

        assertThat(guest.ram.getLong(FpuCpu.DATA + 16)).isEqualTo(0x1122_3344_5566_7788L);
        assertThat(guest.ram.getShort(FpuCpu.DATA + 24)).isEqualTo((short) 0x9abc);
        assertThat(guest.fpu.status()).isZero();
    }

    private void realMode() {
        guest.cpu.loadSegment(Cpu.CS, new SegmentState(0x2345, 0x23450, 0xffff_ffffL, 0xc09b));
        guest.cpu.loadSegment(Cpu.DS, new SegmentState(0, 0, 0xffff_ffffL, 0xc093));
        guest.cr0(Cr0.PE, false);
    }

    private void assertImage32(int... fields) {
        for (int i = 0; i < fields.length; i++) {
            assertThat(guest.ram.getInt(IMAGE + 4 * i)).as("field %d", i).isEqualTo(fields[i]);
        }
    }

    private void assertImage16(int... fields) {
        for (int i = 0; i < fields.length; i++) {
            assertThat(guest.ram.getShort(IMAGE + 2 * i)).as("field %d", i).isEqualTo((short) fields[i]);
        }
    }
}
