package dev.kvmguest.vmm.internal.emulator.isa.system;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.internal.emulator.exec.Descriptors;
import dev.kvmguest.vmm.internal.emulator.exec.EmulatedGuest;
import dev.kvmguest.vmm.internal.x86.Flag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SegmentChecksTests {

    private static final int CODE = EmulatedGuest.CODE;
    private static final int DATA = EmulatedGuest.DATA;
    private static final int FREE = Descriptors.FREE;
    private static final String VERR_CX = "0f 00 e1";
    private static final String VERW_CX = "0f 00 e9";
    private static final String LAR_EAX_ECX = "0f 02 c1";
    private static final String LSL_EAX_ECX = "0f 03 c1";
    private static final String ARPL_MEMORY_CX = "63 0d 00 90 00 00";
    private static final long UNTOUCHED = 0x5555_5555;

    @ParameterizedTest
    @ValueSource(strings = {"0f 00 e1", "0f 00 e9", "0f 02 c1", "0f 03 c1", "63 c8"})
    void doNotExistInRealMode(String code) {
        try (EmulatedGuest guest = EmulatedGuest.real()) {
            guest.run(code);
            assertThat(guest.vector()).isEqualTo(6);
        }
    }

    @ParameterizedTest(name = "ring {0}, selector {1}, access {2}")
    @CsvSource({
        // ring, selector, access byte of descriptor 0x60; whether VERR, VERW, LAR, LSL say yes
        "0, 0x60, 0x93, true, true, true, true",
        "0, 0x60, 0x91, true, false, true, true",
        "0, 0x60, 0x99, false, false, true, true",
        "0, 0x60, 0x9b, true, false, true, true",
        "0, 0x60, 0x13, true, true, true, true", // presence isn't looked at
        "3, 0x63, 0xf3, true, true, true, true",
        "3, 0x63, 0x93, false, false, false, false",
        "3, 0x60, 0xd3, false, false, false, false", // CPL
        "0, 0x63, 0xd3, false, false, false, false", // RPL
        "3, 0x63, 0x9f, true, false, true, true", // conforming
        "3, 0x63, 0x9d, false, false, true, true",
        "0, 0, 0x93, false, false, false, false",
        "0, 3, 0x93, false, false, false, false",
        "0, 0x70, 0x93, false, false, false, false",
        "0, 0x64, 0x93, false, false, false, false",
        "0, 0x60, 0x80, false, false, false, false",
        "0, 0x60, 0x81, false, false, true, true",
        "0, 0x60, 0x82, false, false, true, true",
        "0, 0x60, 0x83, false, false, true, true",
        "0, 0x60, 0x84, false, false, true, false",
        "0, 0x60, 0x85, false, false, true, false",
        "0, 0x60, 0x86, false, false, false, false",
        "0, 0x60, 0x87, false, false, false, false",
        "0, 0x60, 0x88, false, false, false, false",
        "0, 0x60, 0x89, false, false, true, true",
        "0, 0x60, 0x8a, false, false, false, false",
        "0, 0x60, 0x8b, false, false, true, true",
        "0, 0x60, 0x8c, false, false, true, false",
        "0, 0x60, 0x8d, false, false, false, false",
        "0, 0x60, 0x8e, false, false, false, false",
        "0, 0x60, 0x8f, false, false, false, false",
        "3, 0x63, 0x82, false, false, false, false",
        "3, 0x63, 0xe2, false, false, true, true",
    })
    void zeroFlagTells(
            int ring, String selector, String access, boolean read, boolean write, boolean rights, boolean limit) {
        assertThat(zero(VERR_CX, ring, selector, access)).as("VERR").isEqualTo(read);
        assertThat(zero(VERW_CX, ring, selector, access)).as("VERW").isEqualTo(write);
        assertThat(zero(LAR_EAX_ECX, ring, selector, access)).as("LAR").isEqualTo(rights);
        assertThat(zero(LSL_EAX_ECX, ring, selector, access)).as("LSL").isEqualTo(limit);
    }

    private static boolean zero(String code, int ring, String selector, String access) {
        try (EmulatedGuest guest = EmulatedGuest.flat(ring)) {
            Descriptors.put(guest, FREE, Descriptors.segment(Integer.decode(access), 0xffff_ffff, 0x1_2345));
            guest.set(Register.RCX, 0x7777_0000 | Integer.decode(selector)).set(Register.RAX, UNTOUCHED);
            int others = Flag.ARITHMETIC & ~Flag.ZF;
            guest.flags(others).put(CODE, code).step();
            assertThat(guest.get(Register.RIP)).isEqualTo(CODE + 3);
            boolean zero = (guest.get(Register.RFLAGS) & Flag.ZF) != 0;
            assertThat(guest.get(Register.RFLAGS) & others).isEqualTo(others);
            long expected = UNTOUCHED;
            if (zero && code.equals(LAR_EAX_ECX)) {
                expected = 0x41_0000 | Integer.decode(access) << 8;
            } else if (zero && code.equals(LSL_EAX_ECX)) {
                expected = 0x1_2345;
            }
            assertThat(guest.get(Register.RAX)).isEqualTo(expected);
            return zero;
        }
    }

    @Test
    void noClearsTheZeroFlag() {
        try (EmulatedGuest guest = EmulatedGuest.flat(0)) {
            guest.flags(Flag.ZF).set(Register.RCX, 0).put(CODE, VERR_CX).step();
            assertThat(guest.get(Register.RFLAGS)).isEqualTo(Flag.FIXED);
        }
    }

    @Test
    void limitIsInBytes() {
        try (EmulatedGuest guest = EmulatedGuest.flat(0)) {
            guest.set(Register.RCX, 0x10).put(CODE, LSL_EAX_ECX).step();
            assertThat(guest.get(Register.RAX)).isEqualTo(0xffff_ffffL);
        }
    }

    @Test
    void sixteenBitFormsWriteWords() {
        try (EmulatedGuest guest = EmulatedGuest.flat(0)) {
            guest.set(Register.RCX, 0x10)
                    .set(Register.RAX, UNTOUCHED)
                    .put(CODE, "66" + LAR_EAX_ECX + "66" + LSL_EAX_ECX);
            guest.step();
            assertThat(guest.get(Register.RAX)).isEqualTo(0x5555_9300);
            guest.step();
            assertThat(guest.get(Register.RAX)).isEqualTo(0x5555_ffff);
        }
    }

    @ParameterizedTest(name = "ARPL with RPL {0} where nothing can be written: vector {1}, error code {2}")
    @CsvSource({"0, -1, 0", "3, 14, 7"})
    void arplNeedsAPageThatCanBeWrittenOnlyIfItWrites(int rpl, int vector, int error) {
        try (EmulatedGuest guest = EmulatedGuest.paged(3)) {
            guest.page(DATA, DATA | 5)
                    .set(Register.RCX, rpl)
                    .put(CODE, ARPL_MEMORY_CX + "cd 99")
                    .run();
            assertThat(guest.vector()).isEqualTo(vector < 0 ? 0x99 : vector);
            if (vector >= 0) {
                assertThat(guest.stack(0)).isEqualTo(error);
                assertThat(guest.get(Register.CR2)).isEqualTo(DATA);
            }
        }
    }

    @Test
    void arplReadsAMissingPageFirst() {
        try (EmulatedGuest guest = EmulatedGuest.paged(3)) {
            guest.page(DATA, 0).set(Register.RCX, 3).run(ARPL_MEMORY_CX);
            assertThat(guest.vector()).isEqualTo(14);
            assertThat(guest.stack(0)).as("a read with user rights").isEqualTo(4);
        }
    }

    @ParameterizedTest
    @CsvSource({"0, 0x99", "3, 13"})
    void arplNeedsASegmentThatCanBeWrittenOnlyIfItWrites(int rpl, String vector) {
        try (EmulatedGuest guest = EmulatedGuest.flat(3)) {
            SegmentState readOnly = new SegmentState(0x43, 0, 0xffff_ffffL, 0xc0f1);
            guest.change(state -> state.segment(SegmentRegister.DS, readOnly))
                    .set(Register.RCX, rpl)
                    .put(CODE, ARPL_MEMORY_CX + "cd 99")
                    .run();
            assertThat(guest.vector()).isEqualTo((int) Integer.decode(vector));
        }
    }

    @ParameterizedTest(name = "ARPL {0}, {1}: {2}, ZF {3}")
    @CsvSource({
        "0x1230, 0x0003, 0x1233, true",
        "0x1231, 0x0002, 0x1232, true",
        "0x1233, 0x0003, 0x1233, false",
        "0x1233, 0x0000, 0x1233, false",
        "0x0000, 0xfffc, 0x0000, false",
    })
    void arplRaisesTheRpl(String destination, String source, String result, boolean zero) {
        try (EmulatedGuest guest = EmulatedGuest.flat(3)) {
            guest.memory().writeInt(DATA, 0x7777_0000 | Integer.decode(destination));
            guest.set(Register.RCX, Integer.decode(source)).flags(Flag.ARITHMETIC & ~(zero ? Flag.ZF : 0));
            guest.put(CODE, ARPL_MEMORY_CX).step();
            assertThat(guest.memory().readInt(DATA)).isEqualTo(0x7777_0000 | Integer.decode(result));
            int others = Flag.FIXED | Flag.ARITHMETIC & ~Flag.ZF;
            assertThat(guest.get(Register.RFLAGS)).isEqualTo(zero ? others | Flag.ZF : others);
        }
    }
}
