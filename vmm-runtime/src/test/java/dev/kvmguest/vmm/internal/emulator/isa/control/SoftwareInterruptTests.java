package dev.kvmguest.vmm.internal.emulator.isa.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.internal.emulator.exec.Descriptors;
import dev.kvmguest.vmm.internal.emulator.exec.EmulatedGuest;
import dev.kvmguest.vmm.internal.x86.Flag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What raises an event on purpose. */
class SoftwareInterruptTests {

    private static final int CODE = EmulatedGuest.CODE;
    private static final int DATA = EmulatedGuest.DATA;
    private static final int STACK = EmulatedGuest.STACK;

    @ParameterizedTest(name = "{0}: vector {1}, {2} behind the instruction's start")
    @CsvSource({"cd 00, 0, 2", "cd 0d, 13, 2", "cd ff, 255, 2", "cd 03, 3, 2", "cc, 3, 1", "f1, 1, 1"})
    void pushesTheNextAddressAndNoErrorCode(String code, int vector, int length) {
        try (EmulatedGuest guest = EmulatedGuest.flat(3)) {
            guest.run(code);
            assertThat(guest.vector()).isEqualTo(vector);
            assertThat(guest.stack(0)).isEqualTo(CODE + length);
            assertThat(guest.stack(1)).isEqualTo(0x3b);
            assertThat(guest.stack(2)).as("no RF").isEqualTo(Flag.FIXED);
        }
    }

    @Test
    void overflowIsAskedFor() {
        try (EmulatedGuest guest = EmulatedGuest.flat(3)) {
            guest.flags(Flag.OF).run("ce");
            assertThat(guest.vector()).isEqualTo(4);
            assertThat(guest.stack(0)).isEqualTo(CODE + 1);
        }
        try (EmulatedGuest guest = EmulatedGuest.flat(0)) {
            guest.flags(~Flag.OF & Flag.ARITHMETIC).run("ce");
            assertThat(guest.get(Register.RIP)).isEqualTo(CODE + 2);
            assertThat(guest.get(Register.RSP)).isEqualTo(STACK);
        }
    }

    @ParameterizedTest(name = "{0} with a gate of ring 0")
    @CsvSource({"cd 03, 0x1a", "cc, 0x1a", "ce, 0x22", "cd 01, 0x0a"})
    void gateOfRing0KeepsRing3Out(String code, String errorCode) {
        try (EmulatedGuest guest = EmulatedGuest.flat(3)) {
            closeGates(guest);
            guest.flags(Flag.OF).run(code);
            assertThat(guest.vector()).isEqualTo(13);
            assertThat(guest.stack(0)).isEqualTo(Long.decode(errorCode));
            assertThat(guest.stack(1)).isEqualTo(CODE);
        }
    }

    private static void closeGates(EmulatedGuest guest) {
        for (int vector = 0; vector < 32; vector++) {
            Descriptors.putGate(guest, vector, Descriptors.gate(0x8e, 8, 0x1000 + vector));
        }
    }

    @Test
    void int1PassesAnyGate() {
        try (EmulatedGuest guest = EmulatedGuest.flat(3)) {
            closeGates(guest);
            guest.run("f1");
            assertThat(guest.vector()).isEqualTo(1);
        }
    }

    @Test
    void int1CountsAsExternal() {
        try (EmulatedGuest guest = EmulatedGuest.flat(3)) {
            Descriptors.putGate(guest, 1, 0);
            guest.run("f1");
            assertThat(guest.vector()).isEqualTo(13);
            assertThat(guest.stack(0)).isEqualTo(0x0b);
            assertThat(guest.stack(1)).isEqualTo(CODE);
        }
    }

    @ParameterizedTest(name = "{0} in {1}..{2}: {3}")
    @CsvSource({
        "5, 5, 7, false",
        "7, 5, 7, false",
        "4, 5, 7, true",
        "8, 5, 7, true",
        "-1, -2, 1, false",
        "-3, -2, 1, true",
        "2147483647, -2147483648, 2147483647, false",
        "0, 1, -1, true",
    })
    void boundComparesSigned(int index, int lower, int upper, boolean outside) {
        try (EmulatedGuest guest = EmulatedGuest.flat(0)) {
            guest.memory().writeInt(DATA, lower);
            guest.memory().writeInt(DATA + 4, upper);
            guest.set(Register.RCX, index & 0xffff_ffffL).run("62 0d 00 90 00 00");
            assertThat(guest.vector()).isEqualTo(outside ? 5 : -1);
            if (outside) {
                assertThat(guest.stack(0)).as("a fault").isEqualTo(CODE);
                assertThat(guest.get(Register.RSP)).isEqualTo(STACK - 12);
            }
        }
    }

    @Test
    void sixteenBitBoundReadsWords() {
        try (EmulatedGuest guest = EmulatedGuest.real()) {
            guest.memory().writeShort(DATA, 0x8000);
            guest.memory().writeShort(DATA + 2, 0xffff);
            guest.set(Register.RCX, 0x1234_fffe).run("62 0e 00 90");
            assertThat(guest.vector()).isEqualTo(-1);
            guest.set(Register.RCX, 0x1234_0000).set(Register.RIP, CODE).run();
            assertThat(guest.vector()).isEqualTo(5);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"0f 0b", "0f b9 05 00 00 f0 ff", "0f ff 05 00 00 f0 ff", "0f 04", "0f aa", "f0 90"})
    void undefinedOpcodesAreInvalidAndReadNothing(String code) {
        try (EmulatedGuest guest = EmulatedGuest.flat(3)) {
            guest.run(code);
            assertThat(guest.vector()).isEqualTo(6);
            assertThat(guest.stack(0)).isEqualTo(CODE);
            assertThat(guest.stack(2)).isEqualTo(Flag.FIXED | Flag.RF);
        }
    }

    @Test
    void sixteenthByteIsGeneralProtection() {
        try (EmulatedGuest guest = EmulatedGuest.flat(3)) {
            guest.run("66 66 66 66 66 66 66 66 66 66 66 66 66 66 66 90");
            assertThat(guest.vector()).isEqualTo(13);
            assertThat(guest.stack(0)).isZero();
            assertThat(guest.stack(1)).isEqualTo(CODE);
        }
    }
}
