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

        assertThat(guest.get(Register.RAX)).isEqualTo(0xd);
        assertThat(text(Register.RBX, Register.RDX, Register.RCX)).isEqualTo("GenuineIntel");
    }

    @Test
    void processorIsOfFamily6AndModel92() {
        cpuid(1);

        assertThat(guest.get(Register.RAX)).isEqualTo(0x506c9);
    }

    @Test
    void brandIsOurOwn() {
        StringBuilder brand = new StringBuilder();
        for (long leaf = 0x8000_0002L; leaf <= 0x8000_0004L; leaf++) {
            cpuid(leaf);
            brand.append(text(Register.RAX, Register.RBX, Register.RCX, Register.RDX));
        }

        assertThat(brand.toString().replace("\0", "")).isEqualTo("kvmguest emulated x86-64-v2 processor");
        cpuid(0x8000_0000L);
        assertThat(guest.get(Register.RAX)).isEqualTo(0x8000_0008L);
    }

    @ParameterizedTest
    @ValueSource(longs = {0xe, 0x15, 0x3fff_ffffL, 0x5000_0000L, 0x8000_0009L, 0xffff_ffffL})
    void leavesThatDoNotExistAreTheHighestBasicOne(long leaf) {
        cpuid(leaf);

        assertThat(guest.get(Register.RAX)).isEqualTo(3);
        assertThat(guest.get(Register.RBX)).isEqualTo(576);
    }

    @ParameterizedTest
    @ValueSource(longs = {0x4000_0000L, 0x4000_0001L, 0x4fff_ffffL})
    void noHypervisorIsAnnounced(long leaf) {
        cpuid(leaf);

        assertThat(guest.get(Register.RAX)).isZero();
        assertThat(guest.get(Register.RBX)).isZero();
        assertThat(guest.get(Register.RCX)).isZero();
        assertThat(guest.get(Register.RDX)).isZero();
    }

    @ParameterizedTest
    @ValueSource(longs = {3, 5, 6, 8, 9, 0xa, 0xb, 0xc, 0x8000_0005L, 0x8000_0006L, 0x8000_0007L})
    void leavesBetweenAreEmpty(long leaf) {
        cpuid(leaf);

        assertThat(guest.get(Register.RAX)).isZero();
        assertThat(guest.get(Register.RBX)).isZero();
        assertThat(guest.get(Register.RCX)).isZero();
        assertThat(guest.get(Register.RDX)).isZero();
    }

    /** The part of leaf 4, type and level, and the size in KiB. */
    @ParameterizedTest
    @CsvSource({"0, 1, 1, 32", "1, 2, 1, 32", "2, 3, 2, 2048"})
    void cachesAreTheSameInBothLeaves(long part, int type, int level, int size) {
        cpuid(4, part);

        assertThat(guest.get(Register.RAX) & 0x1f).isEqualTo(type);
        assertThat(guest.get(Register.RAX) >> 5 & 7).isEqualTo(level);
        long line = (guest.get(Register.RBX) & 0xfff) + 1;
        long ways = (guest.get(Register.RBX) >> 22) + 1;
        assertThat(line * ways * (guest.get(Register.RCX) + 1)).isEqualTo(1024L * size);
        cpuid(4, 3);
        assertThat(guest.get(Register.RAX)).as("no more").isZero();
        cpuid(2);
        assertThat(guest.get(Register.RDX)).isEqualTo(0x7d302c);
    }

    @Test
    void leafOfXsaveHasComponentsAndSizes() {
        cpuid(0xd);
        assertThat(guest.get(Register.RAX)).as("x87 and SSE").isEqualTo(3);
        assertThat(guest.get(Register.RBX)).as("turned on").isEqualTo(576);
        assertThat(guest.get(Register.RCX)).as("all").isEqualTo(576);
        assertThat(guest.get(Register.RDX)).isZero();
        for (long part = 1; part < 4; part++) {
            cpuid(0xd, part);
            assertThat(guest.get(Register.RAX))
                    .as("no variants, no further components")
                    .isZero();
            assertThat(guest.get(Register.RBX)).isZero();
        }
    }

    @Test
    void bitSaysWhetherTheSystemHasTurnedOnXsave() {
        guest.set(Register.CR4, 1 << 18);
        cpuid(1);

        assertThat(guest.get(Register.RCX)).isEqualTo(0x4cd8_2201L);
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
        "9, 0f 38 1c c1, 0", // SSSE3: pabsb
        "19, 66 0f 38 29 c1, 0x200", // SSE4.1: pcmpeqq
        "19, 66 0f 3a 08 c1 00, 0x200", // SSE4.1: roundps
        "20, 66 0f 3a 63 c1 00, 0x200", // SSE4.2: pcmpistri
        "20, f2 0f 38 f1 c1, 0", // SSE4.2: crc32
        "22, 0f 38 f0 05 00900000, 0", // MOVBE
        "23, f3 0f b8 c1, 0", // POPCNT
        "26, 31 c9 0f 01 d0, 0x40000", // XSAVE: xor ecx,ecx; xgetbv
        "26, 0f ae 25 00900000, 0x40000", // XSAVE: xsave
        "30, 0f c7 f0, 0" // RDRAND
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
        assertThat(guest.get(Register.RCX))
                .as("SSE3, SSSE3, CMPXCHG16B, SSE4.1, SSE4.2, MOVBE, POPCNT, XSAVE and RDRAND")
                .isEqualTo(0x44d8_2201L);
        cpuid(7);
        assertThat(guest.get(Register.RBX)).as("FSGSBASE, SMEP and SMAP").isEqualTo(1 | 1 << 7 | 1 << 20);
        assertThat(guest.get(Register.RCX)).as("UMIP").isEqualTo(1 << 2);
        cpuid(0x8000_0001L);
        assertThat(guest.get(Register.RDX))
                .as("SYSCALL, no-execute pages, pages of 1 GiB, RDTSCP and long mode")
                .isEqualTo(1 << 11 | 1 << 20 | 1 << 26 | 1 << 27 | 1 << 29);
        assertThat(guest.get(Register.RCX)).as("LAHF in 64-bit code").isEqualTo(1);
        cpuid(0x8000_0008L);
        assertThat(guest.get(Register.RAX)).as("bits of addresses").isEqualTo(36 | 48 << 8);
    }

    private void cpuid(long leaf) {
        cpuid(leaf, 0);
    }

    private void cpuid(long leaf, long part) {
        guest.change(state -> state.set(Register.RIP, EmulatedGuest.CODE)
                        .set(Register.RAX, leaf)
                        .set(Register.RCX, part))
                .run(CPUID);
    }

    private String text(Register... registers) {
        ByteBuffer bytes = ByteBuffer.allocate(4 * registers.length).order(ByteOrder.LITTLE_ENDIAN);
        for (Register register : registers) {
            bytes.putInt((int) guest.get(register));
        }
        return new String(bytes.array(), StandardCharsets.US_ASCII);
    }
}
