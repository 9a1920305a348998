package dev.kvmguest.vmm.internal.emulator.isa.system;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.internal.emulator.exec.EmulatedGuest;
import dev.kvmguest.vmm.internal.engine.VmExit;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CpuidTests {

    private static final String CPUID = "0f a2";

    private final EmulatedGuest guest = EmulatedGuest.flat(0);

    @AfterEach
    void close() {
        guest.close();
    }

    @Test
    void vendorAndHighestLeafComeFirst() {
        cpuid(0);

        assertThat(guest.get(Register.RAX)).isEqualTo(2);
        assertThat(text(Register.RBX, Register.RDX, Register.RCX)).isEqualTo("GenuineIntel");
    }

    @Test
    void processorIsAP6() {
        cpuid(1);

        assertThat(guest.get(Register.RAX) >> 8 & 0xf).isEqualTo(6);
    }

    @Test
    void brandIsOurOwn() {
        StringBuilder brand = new StringBuilder();
        for (long leaf = 0x8000_0002L; leaf <= 0x8000_0004L; leaf++) {
            cpuid(leaf);
            brand.append(text(Register.RAX, Register.RBX, Register.RCX, Register.RDX));
        }

        assertThat(brand.toString().replace("\0", "")).isEqualTo("kvmguest emulated P6 processor");
        cpuid(0x8000_0000L);
        assertThat(guest.get(Register.RAX)).isEqualTo(0x8000_0004L);
    }

    @ParameterizedTest
    @ValueSource(longs = {3, 7, 0x4000_0000L, 0x8000_0005L, 0xffff_ffffL})
    void leavesThatDoNotExistAreTheHighestBasicOne(long leaf) {
        cpuid(2);
        long caches = guest.get(Register.RDX);
        cpuid(leaf);

        assertThat(guest.get(Register.RAX) & 0xff).isEqualTo(1);
        assertThat(guest.get(Register.RDX)).isEqualTo(caches);
    }

    /** A feature's bit in EDX of leaf 1, and an instruction, with what it needs in CR4 and ECX. */
    @ParameterizedTest
    @CsvSource({
        "0, d9 e8, 0, 0", // FPU: fld1
        "0, d8 c1 d9 fa d8 f1 d9 c0, 0, 0",
        "4, 0f 31, 0, 0", // TSC: rdtsc
        "5, 0f 32, 0, 0x10", // MSR: rdmsr
        "8, 0f c7 0d 00900000, 0, 0", // CX8: cmpxchg8b
        "11, 0f 32, 0, 0x176", // SEP: the MSR
        "12, 0f 32, 0, 0xfe", // MTRR: the MSR
        "15, 0f 44 c1, 0, 0", // CMOV
        "15, da c1, 0, 0", // CMOV: fcmovb
        "16, 0f 32, 0, 0x277", // PAT: the MSR
        "19, 0f ae 3d 00900000, 0, 0", // CLFSH
        "23, 0f fe c1, 0, 0", // MMX: paddd
        "24, 0f ae 05 00900000, 0, 0", // FXSR
        "25, 0f 57 c1, 0x200, 0", // SSE: xorps
        "25, 0f 58 c1, 0x200, 0", // SSE: addps
        "26, 66 0f ef c1, 0x200, 0", // SSE2: pxor
        "26, f2 0f 5e c1, 0x200, 0", // SSE2: divsd
        "2, 0f 20 e0, 0x8, 0", // DE, PSE, PAE and PGE: CR4 takes their bits
        "3, 0f 22 e1, 0, 0x10",
        "6, 0f 22 e1, 0, 0x20",
        "13, 0f 22 e1, 0, 0x80"
    })
    void whatIsOfferedIsThere(int feature, String code, String cr4, String ecx) {
        cpuid(1);
        assertThat(guest.get(Register.RDX) >> feature & 1).isEqualTo(1);

        guest.change(state -> state.set(Register.RIP, EmulatedGuest.CODE)
                .set(Register.CR4, Long.decode(cr4))
                .set(Register.RCX, Long.decode(ecx)));
        assertThat(guest.run(code)).isInstanceOf(VmExit.Halt.class);
        assertThat(guest.vector()).isEqualTo(-1);
    }

    @ParameterizedTest
    @CsvSource({
        "0, f2 0f 7c c1, 0x200", // SSE3: haddps
        "0, df 0d 00900000, 0", // SSE3: fisttp
        "23, f3 0f b8 c1, 0" // POPCNT
    })
    void whatIsOfferedInEcxIsThere(int feature, String code, String cr4) {
        cpuid(1);
        assertThat(guest.get(Register.RCX) >> feature & 1).isEqualTo(1);

        guest.change(state -> state.set(Register.RIP, EmulatedGuest.CODE).set(Register.CR4, Long.decode(cr4)));
        assertThat(guest.run(code)).isInstanceOf(VmExit.Halt.class);
        assertThat(guest.vector()).isEqualTo(-1);
    }

    /** Their bit of CPUID is clear. */
    @ParameterizedTest
    @ValueSource(strings = {"0f 01 c8", "0f 01 c9", "0f b8 c1"})
    void monitorAndMwaitAreUndefined(String code) {
        guest.run(code);

        assertThat(guest.vector()).isEqualTo(6);
    }

    @Test
    void nothingElseIsOffered() {
        cpuid(1);

        assertThat(guest.get(Register.RDX)).isEqualTo(0x078b_b97fL);
        assertThat(guest.get(Register.RCX)).as("SSE3 and POPCNT").isEqualTo(0x80_0001L);
        cpuid(0x8000_0001L);
        assertThat(guest.get(Register.RDX)).as("no-execute pages only").isEqualTo(1 << 20);
        assertThat(guest.get(Register.RCX)).isZero();
    }

    private void cpuid(long leaf) {
        guest.set(Register.RIP, EmulatedGuest.CODE).set(Register.RAX, leaf).run(CPUID);
    }

    private String text(Register... registers) {
        ByteBuffer bytes = ByteBuffer.allocate(4 * registers.length).order(ByteOrder.LITTLE_ENDIAN);
        for (Register register : registers) {
            bytes.putInt((int) guest.get(register));
        }
        return new String(bytes.array(), StandardCharsets.US_ASCII);
    }
}
