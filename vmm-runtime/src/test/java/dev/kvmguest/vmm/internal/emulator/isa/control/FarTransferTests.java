package dev.kvmguest.vmm.internal.emulator.isa.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.internal.emulator.exec.Descriptors;
import dev.kvmguest.vmm.internal.emulator.exec.EmulatedGuest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** JMP and CALL to other code segments, without gates. */
class FarTransferTests {

    private static final int CODE = EmulatedGuest.CODE;
    private static final int STACK = EmulatedGuest.STACK;
    private static final int DATA = EmulatedGuest.DATA;
    private static final int FREE = Descriptors.FREE;
    private static final String TARGET = "00 50 00 00";

    @ParameterizedTest(name = "ring {0}, selector {1}, access {2}: {3}({4})")
    @CsvSource({
        // ring, selector, access byte of descriptor 0x60, vector or -1, error code
        "0, 0x60, 0x9b, -1, 0",
        "0, 0x60, 0x99, -1, 0", // execute-only
        "3, 0x63, 0xfb, -1, 0",
        "3, 0x60, 0xfb, -1, 0", // a lower RPL is no matter
        "3, 0x63, 0x9f, -1, 0", // conforming
        "3, 0x60, 0x9f, -1, 0",
        "0, 0x63, 0x9f, -1, 0", // RPL of conforming code doesn't count
        "2, 0x60, 0xbf, -1, 0",
        "0, 0, 0x9b, 13, 0",
        "0, 3, 0x9b, 13, 0",
        "0, 0x70, 0x9b, 13, 0x70",
        "0, 0x64, 0x9b, 13, 0x64",
        "0, 0x60, 0x93, 13, 0x60",
        "0, 0x60, 0x82, 13, 0x60",
        "0, 0x60, 0x8e, 13, 0x60",
        "0, 0x60, 0x8f, 13, 0x60",
        "0, 0x60, 0x80, 13, 0x60",
        "0, 0x61, 0x9b, 13, 0x60",
        "0, 0x60, 0xfb, 13, 0x60",
        "3, 0x63, 0x9b, 13, 0x60",
        "0, 0x60, 0xff, 13, 0x60", // conforming, DPL above CPL
        "2, 0x62, 0xff, 13, 0x60",
        "0, 0x60, 0x1b, 11, 0x60",
        "0, 0x60, 0x1f, 11, 0x60",
        "3, 0x63, 0x1b, 13, 0x60", // privilege comes before presence
        "0, 0x60, 0x8b, 13, 0x60", // busy TSS
        "3, 0x63, 0x89, 13, 0x60", // TSS, DPL below CPL
        "0, 0x63, 0x89, 13, 0x60", // TSS, DPL below RPL
        "0, 0x60, 0x09, 11, 0x60",
        "3, 0x63, 0x85, 13, 0x60", // task gate
        "0, 0x60, 0x05, 11, 0x60",
    })
    void jumpAndCallCheckTheSegment(int ring, String selector, String access, int vector, String errorCode) {
        for (String opcode : new String[] {"ea", "9a"}) {
            try (EmulatedGuest guest = EmulatedGuest.flat(ring)) {
                Descriptors.put(guest, FREE, Descriptors.segment(Integer.decode(access), 0x100, 0x5000));
                guest.put(CODE, opcode + TARGET + hex16(Integer.decode(selector)));
                guest.step();
                if (vector >= 0) {
                    guest.run();
                    assertFault(guest, ring, vector, Long.decode(errorCode));
                } else {
                    assertThat(guest.get(Register.RIP)).isEqualTo(0x5000);
                    assertThat(guest.vcpu().state().segment(SegmentRegister.CS))
                            .isEqualTo(new SegmentState(FREE | ring, 0x100, 0x5000, 0x4000 | Integer.decode(access)));
                    assertThat(guest.get(Register.RSP)).isEqualTo(opcode.equals("9a") ? STACK - 8 : STACK);
                }
            }
        }
    }

    private static void assertFault(EmulatedGuest guest, int ring, int vector, long errorCode) {
        assertThat(guest.vector()).isEqualTo(vector);
        assertThat(guest.stack(0)).isEqualTo(errorCode);
        assertThat(guest.stack(1)).isEqualTo(CODE);
        assertThat(guest.stack(2)).isEqualTo(8 + 16 * ring | ring);
        if (ring > 0) {
            assertThat(guest.stack(4)).isEqualTo(STACK);
        } else {
            assertThat(guest.get(Register.RSP)).isEqualTo(STACK - 16);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"ea", "9a"})
    void targetBeyondTheLimitIsGeneralProtectionZero(String opcode) {
        try (EmulatedGuest guest = EmulatedGuest.flat(0)) {
            Descriptors.put(guest, FREE, Descriptors.segment(0x9a, 0, 0x4fff));
            guest.run(opcode + TARGET + "60 00");
            assertThat(guest.vector()).isEqualTo(13);
            assertThat(guest.stack(0)).isZero();
            assertThat(guest.stack(1)).isEqualTo(CODE);
            assertThat(Descriptors.get(guest, FREE)).as("not accessed").isEqualTo(Descriptors.segment(0x9a, 0, 0x4fff));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"ea", "9a"})
    void codeBecomesAccessed(String opcode) {
        try (EmulatedGuest guest = EmulatedGuest.flat(0)) {
            Descriptors.put(guest, FREE, Descriptors.flat(0x9a));
            guest.put(CODE, opcode + TARGET + "60 00").step();
            assertThat(guest.get(Register.RIP)).isEqualTo(0x5000);
            assertThat(Descriptors.get(guest, FREE)).isEqualTo(Descriptors.flat(0x9b));
        }
    }

    @Test
    void callPushesSegmentAndReturnAddress() {
        try (EmulatedGuest guest = EmulatedGuest.flat(0)) {
            guest.put(0x5000, "f4").run("9a" + TARGET + "08 00");
            assertThat(guest.get(Register.RIP)).isEqualTo(0x5001);
            assertThat(guest.get(Register.RSP)).isEqualTo(STACK - 8);
            assertThat(guest.stack(0)).isEqualTo(CODE + 7);
            assertThat(guest.stack(1)).isEqualTo(8);
        }
    }

    @Test
    void sixteenBitCallPushesWords() {
        try (EmulatedGuest guest = EmulatedGuest.flat(0)) {
            guest.put(0x5000, "f4").run("66 9a 00 50 08 00");
            assertThat(guest.get(Register.RIP)).isEqualTo(0x5001);
            assertThat(guest.get(Register.RSP)).isEqualTo(STACK - 4);
            assertThat(guest.stack(0)).isEqualTo(0x0008_0000L | CODE + 6);
        }
    }

    @Test
    void pointerMayBeInMemory() {
        try (EmulatedGuest guest = EmulatedGuest.flat(0)) {
            guest.put(0x5000, "f4").put(DATA, TARGET + "08 00").run("ff 1d 00 90 00 00");
            assertThat(guest.get(Register.RIP)).isEqualTo(0x5001);
            assertThat(guest.stack(0)).isEqualTo(CODE + 6);
        }
        try (EmulatedGuest guest = EmulatedGuest.flat(0)) {
            guest.put(0x5000, "f4").put(DATA, "00 50 08 00").run("66 ff 2d 00 90 00 00");
            assertThat(guest.get(Register.RIP)).isEqualTo(0x5001);
            assertThat(guest.get(Register.RSP)).isEqualTo(STACK);
        }
    }

    @Test
    void callWithoutRoomIsStackFaultZero() {
        try (EmulatedGuest guest = EmulatedGuest.flat(3)) {
            Descriptors.limit(guest, SegmentRegister.SS, 0xffff);
            guest.set(Register.RSP, 4).run("9a" + TARGET + "3b 00");
            assertThat(guest.vector()).isEqualTo(12);
            assertThat(guest.stack(0)).isZero();
            assertThat(guest.stack(4)).isEqualTo(4);
        }
    }

    @Test
    void callToAMissingStackPageChangesNothing() {
        try (EmulatedGuest guest = EmulatedGuest.paged(3)) {
            guest.page(0x7000, 0).set(Register.RSP, 0x8004).memory().writeInt(0x8000, 0x1111);
            guest.run("9a" + TARGET + "3b 00");
            assertThat(guest.vector()).isEqualTo(14);
            assertThat(guest.stack(0)).isEqualTo(6);
            assertThat(guest.stack(1)).isEqualTo(CODE);
            assertThat(guest.stack(4)).isEqualTo(0x8004);
            assertThat(guest.get(Register.CR2)).isEqualTo(0x7ffc);
            assertThat(guest.memory().readInt(0x8000)).isEqualTo(0x1111);
        }
    }

    @Test
    void jumpIntoSixteenBitCodeCountsBytesAsSuch() {
        try (EmulatedGuest guest = EmulatedGuest.flat(0)) {
            Descriptors.put(guest, FREE, Descriptors.segment16(0x9b, 0, 0xffff));
            // 16-bit: jmp 0x08:0x6000. As 32-bit code it would be longer.
            guest.put(0x5000, "ea 00 60 08 00").put(0x6000, "f4").run("ea" + TARGET + "60 00");
            assertThat(guest.get(Register.RIP)).isEqualTo(0x6001);
        }
    }

    @Test
    void realModeJumpLoadsSelectorAndBase() {
        try (EmulatedGuest guest = EmulatedGuest.real()) {
            guest.put(0x5010, "f4").run("ea 10 00 00 05");
            assertThat(guest.get(Register.RIP)).isEqualTo(0x11);
            assertThat(guest.vcpu().state().segment(SegmentRegister.CS))
                    .isEqualTo(new SegmentState(0x500, 0x5000, 0xffff, 0x93));
        }
    }

    @Test
    void realModeCallPushesCsAndIp() {
        try (EmulatedGuest guest = EmulatedGuest.real()) {
            guest.put(0x5010, "f4").run("9a 10 00 00 05");
            assertThat(guest.get(Register.RIP)).isEqualTo(0x11);
            assertThat(guest.get(Register.RSP)).isEqualTo(STACK - 4);
            assertThat(guest.memory().readShort(STACK - 4)).isEqualTo(CODE + 5);
            assertThat(guest.memory().readShort(STACK - 2)).isZero();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"66 ea 00 00 01 00 00 05", "66 9a 00 00 01 00 00 05"})
    void realModeTargetBeyond64KiBIsGeneralProtection(String code) {
        try (EmulatedGuest guest = EmulatedGuest.real()) {
            guest.run(code);
            assertThat(guest.vector()).isEqualTo(13);
            assertThat(guest.get(Register.RSP)).isEqualTo(STACK - 6);
            assertThat(guest.memory().readShort(STACK - 6)).isEqualTo(CODE);
        }
    }

    private static String hex16(int value) {
        return "%02x %02x".formatted(value & 0xff, value >> 8);
    }
}
