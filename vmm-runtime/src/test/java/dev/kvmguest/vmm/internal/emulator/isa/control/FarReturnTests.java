package dev.kvmguest.vmm.internal.emulator.isa.control;

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

/** RETF, and what IRETD has in common with it. */
class FarReturnTests {

    private static final int CODE = EmulatedGuest.CODE;
    private static final int STACK = EmulatedGuest.STACK;
    private static final int TARGET = 0x5000;
    private static final int OUTER_STACK = 0xa000;
    private static final int FREE = Descriptors.FREE;
    private static final int FREE_2 = Descriptors.FREE_2;
    private static final String RETF = "cb";
    private static final String IRETD = "cf";

    @ParameterizedTest(name = "ring {0}, selector {1}, access {2}: {3}({4})")
    @CsvSource({
        // ring, selector, access byte of descriptor 0x60, vector or -1, error code
        "0, 0x60, 0x9b, -1, 0",
        "0, 0x60, 0x99, -1, 0",
        "3, 0x63, 0xfb, -1, 0",
        "3, 0x63, 0x9f, -1, 0", // conforming, DPL below RPL
        "3, 0x63, 0xff, -1, 0",
        "0, 0, 0x9b, 13, 0",
        "0, 3, 0x9b, 13, 0",
        "0, 0x70, 0x9b, 13, 0x70",
        "0, 0x64, 0x9b, 13, 0x64",
        "0, 0x60, 0x93, 13, 0x60",
        "0, 0x60, 0x8b, 13, 0x60",
        "0, 0x60, 0x8c, 13, 0x60",
        "3, 0x60, 0xfb, 13, 0x60", // RPL below CPL
        "3, 0x62, 0xdb, 13, 0x60",
        "3, 0x63, 0x9b, 13, 0x60", // DPL isn't RPL
        "0, 0x60, 0xfb, 13, 0x60",
        "0, 0x61, 0xfb, 13, 0x60",
        "2, 0x62, 0xff, 13, 0x60", // conforming, DPL above RPL
        "0, 0x60, 0x1b, 11, 0x60",
        "0, 0x63, 0x7b, 11, 0x60",
    })
    void codeSegmentIsChecked(int ring, String selector, String access, int vector, String errorCode) {
        for (String code : new String[] {RETF, IRETD}) {
            try (EmulatedGuest guest = EmulatedGuest.flat(ring)) {
                Descriptors.put(guest, FREE, Descriptors.segment(Integer.decode(access), 0x100, 0x5000));
                frame(guest, TARGET, Integer.decode(selector), Flag.FIXED, OUTER_STACK, 0x43);
                if (code.equals(RETF)) {
                    frame(guest, TARGET, Integer.decode(selector), OUTER_STACK, 0x43);
                }
                guest.put(CODE, code).step();
                if (vector >= 0) {
                    guest.run();
                    assertFault(guest, ring, vector, Long.decode(errorCode));
                } else {
                    assertThat(guest.get(Register.RIP)).isEqualTo(TARGET);
                    assertThat(guest.vcpu().state().segment(SegmentRegister.CS))
                            .isEqualTo(new SegmentState(
                                    Integer.decode(selector), 0x100, 0x5000, 0x4000 | Integer.decode(access)));
                    assertThat(guest.get(Register.RSP)).isEqualTo(code.equals(RETF) ? STACK + 8 : STACK + 12);
                }
            }
        }
    }

    @ParameterizedTest(name = "selector {0}, access {1}: {2}({3})")
    @CsvSource({
        // selector, access byte of descriptor 0x68, vector, error code
        "0, 0xf3, 13, 0",
        "3, 0xf3, 13, 0",
        "0x73, 0xf3, 13, 0x70",
        "0x67, 0xf3, 13, 0x64",
        "0x68, 0xf3, 13, 0x68",
        "0x6a, 0xf3, 13, 0x68",
        "0x6b, 0x93, 13, 0x68",
        "0x6b, 0xd3, 13, 0x68",
        "0x6b, 0xf1, 13, 0x68",
        "0x6b, 0xfb, 13, 0x68",
        "0x6b, 0xeb, 13, 0x68",
        "0x6b, 0x73, 12, 0x68",
    })
    void outerStackSegmentIsChecked(String selector, String access, int vector, String errorCode) {
        for (String code : new String[] {RETF, IRETD}) {
            try (EmulatedGuest guest = EmulatedGuest.flat(0)) {
                Descriptors.put(guest, FREE_2, Descriptors.flat(Integer.decode(access)));
                outerFrame(guest, code, 0x3b, Integer.decode(selector));
                guest.run(code);
                assertFault(guest, 0, vector, Long.decode(errorCode));
            }
        }
    }

    /** As AMD's processors have it; by the pseudocode of RET, CS is loaded before parameters are released. */
    @Test
    void parametersAreReleasedByTheStackOfTheModeThatIsReturnedTo() {
        try (EmulatedGuest guest = EmulatedGuest.long64(0)) {
            Descriptors.put(guest, FREE, Descriptors.flat(Descriptors.CODE));
            guest.change(state -> state.segment(SegmentRegister.SS, new SegmentState(0x10, 0, 0xffff, 0x0093)));
            frame(guest, TARGET, FREE);
            guest.put(CODE, "ca 00 f0").step(); // retf 0xf000

            assertThat(guest.get(Register.RIP)).isEqualTo(TARGET);
            assertThat(guest.get(Register.RSP)).isEqualTo(STACK + 8 + 0xf000 - 0x10000);
        }
    }

    private static void assertFault(EmulatedGuest guest, int ring, int vector, long errorCode) {
        assertThat(guest.vector()).isEqualTo(vector);
        assertThat(guest.stack(0)).isEqualTo(errorCode);
        assertThat(guest.stack(1)).isEqualTo(CODE);
        assertThat(guest.stack(2)).isEqualTo(8 + 16 * ring | ring);
        assertThat(ring == 0 ? guest.get(Register.RSP) + 16 : guest.stack(4)).isEqualTo(STACK);
    }

    private static void frame(EmulatedGuest guest, int... values) {
        for (int i = 0; i < values.length; i++) {
            guest.memory().writeInt(STACK + 4L * i, values[i]);
        }
    }

    private static void outerFrame(EmulatedGuest guest, String code, int codeSelector, int stackSelector) {
        if (code.equals(RETF)) {
            frame(guest, TARGET, codeSelector, OUTER_STACK, stackSelector);
        } else {
            frame(guest, TARGET, codeSelector, Flag.FIXED, OUTER_STACK, stackSelector);
        }
    }

    @ParameterizedTest
    @CsvSource({RETF, IRETD})
    void outerReturnLoadsTheStackAndDropsInnerData(String code) {
        try (EmulatedGuest guest = EmulatedGuest.flat(0)) {
            SegmentState conforming = new SegmentState(FREE, 0, 0xffff, 0x9f);
            guest.change(s -> s.segment(SegmentRegister.ES, SegmentState.flatData(0x43))
                    .segment(SegmentRegister.FS, conforming)
                    .segment(SegmentRegister.GS, new SegmentState(8, 0, 0xffff, 0x9b)));
            outerFrame(guest, code, 0x3b, 0x43);
            guest.put(CODE, code).step();

            assertThat(guest.get(Register.RIP)).isEqualTo(TARGET);
            assertThat(guest.get(Register.RSP)).isEqualTo(OUTER_STACK);
            assertThat(segment(guest, SegmentRegister.CS)).isEqualTo(SegmentState.flatCode(0x3b));
            assertThat(segment(guest, SegmentRegister.SS)).isEqualTo(SegmentState.flatData(0x43));
            assertThat(segment(guest, SegmentRegister.DS)).as("data of ring 0").isEqualTo(SegmentState.unusable());
            assertThat(segment(guest, SegmentRegister.ES)).as("data of ring 3").isEqualTo(SegmentState.flatData(0x43));
            assertThat(segment(guest, SegmentRegister.FS)).isEqualTo(conforming);
            assertThat(segment(guest, SegmentRegister.GS)).as("code of ring 0").isEqualTo(SegmentState.unusable());
        }
    }

    private static SegmentState segment(EmulatedGuest guest, SegmentRegister register) {
        return guest.vcpu().state().segment(register);
    }

    @ParameterizedTest
    @CsvSource({RETF, IRETD})
    void outerReturnReallyIsInRing3(String code) {
        try (EmulatedGuest guest = EmulatedGuest.flat(0)) {
            outerFrame(guest, code, 0x3b, 0x43);
            guest.put(TARGET, "f4").run(code);
            assertThat(guest.vector()).as("HLT is #GP there").isEqualTo(13);
            assertThat(guest.stack(1)).isEqualTo(TARGET);
            assertThat(guest.stack(4)).isEqualTo(OUTER_STACK);
        }
    }

    @ParameterizedTest
    @CsvSource({RETF, IRETD})
    void returnAddressBeyondTheLimitIsGeneralProtectionZero(String code) {
        for (int ring : new int[] {0, 3}) {
            try (EmulatedGuest guest = EmulatedGuest.flat(0)) {
                int access = Descriptors.dpl(0x9a, ring);
                Descriptors.put(guest, FREE, Descriptors.segment(access, 0, TARGET - 1));
                outerFrame(guest, code, FREE | ring, 0x43);
                guest.run(code);
                assertFault(guest, 0, 13, 0);
                assertThat(Descriptors.get(guest, FREE)).isEqualTo(Descriptors.segment(access, 0, TARGET - 1));
            }
        }
    }

    @ParameterizedTest(name = "{0} with {1} bytes")
    @CsvSource({"cb, 7", "cf, 11", "66cb, 3", "66cf, 5"})
    void stackThatEndsTooEarlyIsAStackFault(String code, int bytes) {
        try (EmulatedGuest guest = EmulatedGuest.flat(3)) {
            frame(guest, TARGET, 0x3b, Flag.FIXED);
            Descriptors.limit(guest, SegmentRegister.SS, STACK + bytes - 1);
            guest.run(code);
            assertFault(guest, 3, 12, 0);
        }
    }

    @ParameterizedTest(name = "{0} with {1} bytes")
    @CsvSource({"cb, 15", "cf, 19", "ca1000, 31"})
    void outerStackMustBeOnTheStack(String code, int bytes) {
        try (EmulatedGuest guest = EmulatedGuest.flat(1)) {
            outerFrame(guest, code.equals(IRETD) ? code : RETF, 0x3b, 0x43);
            Descriptors.limit(guest, SegmentRegister.SS, STACK + bytes - 1);
            guest.run(code);
            assertFault(guest, 1, 12, 0);
        }
    }

    @ParameterizedTest
    @CsvSource({"0, 0x9a, 0x92", "3, 0xfa, 0xf2"})
    void segmentsBecomeAccessed(int ring, String code, String stack) {
        try (EmulatedGuest guest = EmulatedGuest.flat(0)) {
            Descriptors.put(guest, FREE, Descriptors.flat(Integer.decode(code)));
            Descriptors.put(guest, FREE_2, Descriptors.flat(Integer.decode(stack)));
            outerFrame(guest, RETF, FREE | ring, FREE_2 | ring);
            guest.put(CODE, RETF).step();
            assertThat(guest.get(Register.RIP)).isEqualTo(TARGET);
            assertThat(Descriptors.get(guest, FREE)).isEqualTo(Descriptors.flat(Integer.decode(code) | 1));
            assertThat(Descriptors.get(guest, FREE_2))
                    .isEqualTo(Descriptors.flat(Integer.decode(stack) | (ring == 0 ? 0 : 1)));
        }
    }

    @Test
    void sixteenBitReturnPopsWords() {
        try (EmulatedGuest guest = EmulatedGuest.flat(0)) {
            frame(guest, 0x0008_0000 | TARGET);
            guest.put(CODE, "66 cb").step();
            assertThat(guest.get(Register.RIP)).isEqualTo(TARGET);
            assertThat(guest.get(Register.RSP)).isEqualTo(STACK + 4);
        }
    }

    @Test
    void sixteenBitOuterReturnPopsWords() {
        try (EmulatedGuest guest = EmulatedGuest.flat(0)) {
            frame(guest, 0x003b_0000 | TARGET, 0x0043_0000 | OUTER_STACK);
            guest.put(CODE, "66 cb").step();
            assertThat(guest.get(Register.RIP)).isEqualTo(TARGET);
            assertThat(guest.get(Register.RSP)).isEqualTo(OUTER_STACK);
            assertThat(segment(guest, SegmentRegister.SS).selector()).isEqualTo(0x43);
        }
    }

    @Test
    void sixteenBitOuterStackKeepsTheUpperHalfOfEsp() {
        try (EmulatedGuest guest = EmulatedGuest.flat(0)) {
            Descriptors.put(guest, FREE_2, Descriptors.segment16(0xf3, 0, 0xffff));
            guest.set(Register.RSP, 0x1_0000 | STACK).memory().writeInt(0x18000, TARGET);
            guest.memory().writeInt(0x18004, 0x3b);
            guest.memory().writeInt(0x18008, 0x7777_a000);
            guest.memory().writeInt(0x1800c, FREE_2 | 3);
            guest.put(CODE, RETF).step();
            assertThat(guest.get(Register.RSP)).isEqualTo(0x1_a000);
        }
    }

    @Test
    void releasesParametersOfBothStacks() {
        try (EmulatedGuest guest = EmulatedGuest.flat(0)) {
            frame(guest, TARGET, 0x3b, 0x1111, 0x2222, OUTER_STACK, 0x43);
            guest.put(CODE, "ca 08 00").step();
            assertThat(guest.get(Register.RIP)).isEqualTo(TARGET);
            assertThat(guest.get(Register.RSP)).isEqualTo(OUTER_STACK + 8);
        }
        try (EmulatedGuest guest = EmulatedGuest.flat(0)) {
            frame(guest, TARGET, 8);
            guest.put(CODE, "ca fe ff").step();
            assertThat(guest.get(Register.RSP)).isEqualTo(STACK + 8 + 0xfffe);
        }
    }

    @Test
    void realModeReturnPopsIpAndCs() {
        try (EmulatedGuest guest = EmulatedGuest.real()) {
            frame(guest, 0x0500_0010);
            guest.put(CODE, "ca 04 00").step();
            assertThat(guest.get(Register.RIP)).isEqualTo(0x10);
            assertThat(guest.get(Register.RSP)).isEqualTo(STACK + 8);
            assertThat(segment(guest, SegmentRegister.CS)).isEqualTo(new SegmentState(0x500, 0x5000, 0xffff, 0x93));
        }
    }

    @ParameterizedTest
    @CsvSource({"66cb", "66cf"})
    void realModeReturnBeyond64KiBIsGeneralProtection(String code) {
        try (EmulatedGuest guest = EmulatedGuest.real()) {
            frame(guest, 0x1_0000, 0, 0);
            guest.run(code);
            assertThat(guest.vector()).isEqualTo(13);
            assertThat(guest.memory().readShort(guest.get(Register.RSP))).isEqualTo(CODE);
        }
    }
}
