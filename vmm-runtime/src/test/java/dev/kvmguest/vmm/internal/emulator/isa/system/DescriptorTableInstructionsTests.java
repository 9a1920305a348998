package dev.kvmguest.vmm.internal.emulator.isa.system;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.cpu.DescriptorTable;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.internal.emulator.exec.Descriptors;
import dev.kvmguest.vmm.internal.emulator.exec.EmulatedGuest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DescriptorTableInstructionsTests {

    private static final int CODE = EmulatedGuest.CODE;
    private static final int DATA = EmulatedGuest.DATA;
    private static final int FREE = Descriptors.FREE;
    private static final String LGDT = "0f 01 15 00 90 00 00";
    private static final String LIDT = "0f 01 1d 00 90 00 00";
    private static final String SGDT = "0f 01 05 00 90 00 00";
    private static final String SIDT = "0f 01 0d 00 90 00 00";
    private static final String LLDT_AX = "0f 00 d0";
    private static final String LTR_AX = "0f 00 d8";
    private static final String SLDT_EAX = "0f 00 c0";
    private static final String STR_EAX = "0f 00 c8";

    @Test
    void tablesAreLoadedWithBaseAndLimit() {
        try (EmulatedGuest guest = EmulatedGuest.flat(0)) {
            guest.put(DATA, "34 12 dd cc bb aa").put(CODE, LGDT + LIDT);
            guest.step();
            assertThat(guest.vcpu().state().gdt()).isEqualTo(new DescriptorTable(0xaabb_ccddL, 0x1234));
            guest.step();
            assertThat(guest.vcpu().state().idt()).isEqualTo(new DescriptorTable(0xaabb_ccddL, 0x1234));
        }
    }

    @Test
    void sixteenBitOperandLoads24BitsOfBase() {
        try (EmulatedGuest guest = EmulatedGuest.flat(0)) {
            guest.put(DATA, "34 12 dd cc bb aa").put(CODE, "66" + LGDT).step();
            assertThat(guest.vcpu().state().gdt()).isEqualTo(new DescriptorTable(0xbb_ccdd, 0x1234));
        }
    }

    @Test
    void tablesAreStoredInAnyRing() {
        try (EmulatedGuest guest = EmulatedGuest.flat(3)) {
            guest.change(s -> s.gdt(new DescriptorTable(0xaabb_ccddL, 0x1234)))
                    .put(CODE, SGDT)
                    .put(DATA, "00 00 00 00 00 00 99")
                    .step();
            assertThat(guest.memory().readLong(DATA)).isEqualTo(0x0099_aabb_ccdd_1234L);
        }
        try (EmulatedGuest guest = EmulatedGuest.real()) {
            guest.change(s -> s.idt(new DescriptorTable(0xaabb_ccddL, 0x1234)))
                    .put(CODE, "0f 01 0e 00 90")
                    .step();
            assertThat(guest.memory().readLong(DATA)).isEqualTo(0xaabb_ccdd_1234L);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {SGDT, SIDT})
    void storeIntoAMissingPageWritesNothing(String code) {
        try (EmulatedGuest guest = EmulatedGuest.paged(3)) {
            guest.page(0xa000, 0).run(code.replace("00 90", "fe 9f"));
            assertThat(guest.vector()).isEqualTo(14);
            assertThat(guest.stack(0)).isEqualTo(6);
            assertThat(guest.get(Register.CR2)).isEqualTo(0xa000);
            assertThat(guest.memory().readShort(0x9ffe)).isZero();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {LGDT, LIDT, LLDT_AX, LTR_AX})
    void loadsAreForRing0(String code) {
        try (EmulatedGuest guest = EmulatedGuest.flat(1)) {
            guest.run(code);
            assertThat(guest.vector()).isEqualTo(13);
            assertThat(guest.stack(0)).isZero();
            assertThat(guest.stack(1)).isEqualTo(CODE);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {LLDT_AX, LTR_AX, SLDT_EAX, STR_EAX})
    void segmentsDoNotExistInRealMode(String code) {
        try (EmulatedGuest guest = EmulatedGuest.real()) {
            guest.run(code);
            assertThat(guest.vector()).isEqualTo(6);
        }
    }

    @ParameterizedTest(name = "LLDT {0}, access {1}: {2}({3})")
    @CsvSource({
        "0x60, 0x82, -1, 0",
        "0x63, 0xe2, -1, 0",
        "0x60, 0x83, 13, 0x60",
        "0x60, 0x81, 13, 0x60",
        "0x60, 0x89, 13, 0x60",
        "0x60, 0x92, 13, 0x60",
        "0x60, 0x02, 11, 0x60",
        "0x70, 0x82, 13, 0x70",
        "0x04, 0x82, 13, 0x04",
    })
    void lldtChecks(String selector, String access, int vector, String errorCode) {
        check(LLDT_AX, SegmentRegister.LDTR, selector, access, access, vector, errorCode);
    }

    @ParameterizedTest(name = "LTR {0}, access {1}: {3}({4})")
    @CsvSource({
        "0x60, 0x89, 0x8b, -1, 0",
        "0x60, 0x81, 0x83, -1, 0",
        "0x63, 0xe9, 0xeb, -1, 0",
        "0x60, 0x8b, 0x8b, 13, 0x60", // busy
        "0x60, 0x83, 0x83, 13, 0x60",
        "0x60, 0x82, 0x82, 13, 0x60",
        "0x60, 0x99, 0x99, 13, 0x60",
        "0x60, 0x09, 0x09, 11, 0x60",
        "0, 0x89, 0x89, 13, 0",
        "3, 0x89, 0x89, 13, 0",
        "0x70, 0x89, 0x89, 13, 0x70",
        "0x64, 0x89, 0x89, 13, 0x64",
    })
    void ltrChecks(String selector, String access, String after, int vector, String errorCode) {
        check(LTR_AX, SegmentRegister.TR, selector, access, after, vector, errorCode);
    }

    private static void check(
            String code,
            SegmentRegister register,
            String selector,
            String access,
            String after,
            int vector,
            String errorCode) {
        try (EmulatedGuest guest = EmulatedGuest.flat(0)) {
            Descriptors.put(guest, FREE, Descriptors.segment16(Integer.decode(access), 0x12_3456, 0x67));
            Descriptors.local(guest, EmulatedGuest.DATA, 0xff);
            SegmentState before = guest.vcpu().state().segment(register);
            guest.set(Register.RAX, 0x7777_0000 | Integer.decode(selector)).put(CODE, code + "f4");
            guest.run();
            SegmentState segment = guest.vcpu().state().segment(register);
            assertThat(guest.vector()).isEqualTo(vector);
            if (vector >= 0) {
                assertThat(guest.stack(0)).isEqualTo(Long.decode(errorCode));
                assertThat(segment).isEqualTo(before);
            } else {
                assertThat(segment)
                        .isEqualTo(new SegmentState(Integer.decode(selector), 0x12_3456, 0x67, Integer.decode(after)));
            }
            assertThat(Descriptors.get(guest, FREE))
                    .isEqualTo(Descriptors.segment16(Integer.decode(after), 0x12_3456, 0x67));
        }
    }

    @Test
    void nullLdtIsUnusable() {
        try (EmulatedGuest guest = EmulatedGuest.flat(0)) {
            Descriptors.local(guest, EmulatedGuest.DATA, 0xff);
            guest.set(Register.RAX, 3).put(CODE, LLDT_AX).step();
            SegmentState ldtr = guest.vcpu().state().segment(SegmentRegister.LDTR);
            assertThat(ldtr.isUnusable()).isTrue();
            assertThat(ldtr.selector()).isEqualTo(3);
        }
    }

    @Test
    void selectorsAreStoredInAnyRing() {
        try (EmulatedGuest guest = EmulatedGuest.flat(3)) {
            Descriptors.local(guest, EmulatedGuest.DATA, 0xff);
            guest.set(Register.RAX, 0xffff_ffffL).put(CODE, STR_EAX + SLDT_EAX).step();
            assertThat(guest.get(Register.RAX)).isEqualTo(0x48);
            guest.step();
            assertThat(guest.get(Register.RAX)).isEqualTo(0x50);
        }
    }

    @Test
    void selectorsAreTwoBytesInMemory() {
        try (EmulatedGuest guest = EmulatedGuest.flat(3)) {
            guest.put(DATA, "ff ff ff ff").put(CODE, "0f 00 0d 00 90 00 00").step();
            assertThat(guest.memory().readInt(DATA)).isEqualTo(0xffff_0048);
        }
    }
}
