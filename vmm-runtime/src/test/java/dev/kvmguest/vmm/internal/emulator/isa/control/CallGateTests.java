package dev.kvmguest.vmm.internal.emulator.isa.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.internal.emulator.exec.Descriptors;
import dev.kvmguest.vmm.internal.emulator.exec.EmulatedGuest;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** JMP and CALL through call gates. The gate is descriptor 0x60. */
class CallGateTests {

    private static final int NP = 11;
    private static final int SS = 12;
    private static final int GP = 13;
    private static final int TS = 10;
    private static final int CODE = EmulatedGuest.CODE;
    private static final int STACK = EmulatedGuest.STACK;
    private static final int INNER_STACK = 0x3000;
    private static final int RING_1_STACK = 0xb000;
    private static final int TARGET = 0x5000;
    private static final int GATE = Descriptors.FREE;
    private static final int FREE = Descriptors.FREE_2;
    private static final int CALL_GATE = 0xec;
    private static final int CALL_GATE_16 = 0xe4;
    private static final int OF_RING_1 = 1 << 5;
    private static final String CALL = "9a 99 99 99 99 63 00";
    private static final String JUMP = "ea 99 99 99 99 63 00";
    private static final String CALL_RPL_0 = "9a 99 99 99 99 60 00";

    static Stream<Arguments> checks() {
        return Stream.of(
                gate("DPL below CPL", 0xcc, 8, GP, GATE),
                gate("not present", 0x6c, 8, NP, GATE),
                gate("null code segment", CALL_GATE, 0, GP, 0),
                gate("null code segment with RPL", CALL_GATE, 2, GP, 0),
                gate("code segment beyond the GDT", CALL_GATE, 0x72, GP, 0x70),
                gate("code segment in no LDT", CALL_GATE, 0x0c, GP, 0x0c),
                gate("to data", CALL_GATE, 0x10, GP, 0x10),
                gate("to a TSS", CALL_GATE, 0x48, GP, 0x48),
                gate("to itself", CALL_GATE, GATE, GP, GATE),
                code("not present", 0x1b | OF_RING_1, 0xf_ffff, NP, FREE),
                code("target beyond the limit", 0x9b | OF_RING_1, TARGET - 1, GP, 0),
                stack("TSS too short", guest -> Descriptors.taskLimit(guest, 16), TS, 0x48),
                stack("null", 1, 0, TS, 0),
                stack("beyond the GDT", 0x71, 0, TS, 0x70),
                stack("RPL", FREE, Descriptors.flat(0x93 | OF_RING_1), TS, FREE),
                stack("DPL", FREE | 1, Descriptors.flat(0xf3), TS, FREE),
                stack("read-only", FREE | 1, Descriptors.flat(0x91 | OF_RING_1), TS, FREE),
                stack("code", FREE | 1, Descriptors.flat(0x9b | OF_RING_1), TS, FREE),
                stack("not present", FREE | 1, Descriptors.flat(0x13 | OF_RING_1), SS, FREE),
                stack("no room", FREE | 1, Descriptors.segment(0x97 | OF_RING_1, 0, RING_1_STACK - 24), SS, FREE));
    }

    private static Arguments gate(String name, int access, int selector, int vector, int errorCode) {
        Consumer<EmulatedGuest> damage =
                guest -> Descriptors.put(guest, GATE, Descriptors.callGate(access, selector, TARGET, 2));
        return arguments("gate: " + name, damage, vector, errorCode);
    }

    private static Arguments code(String name, int access, int limit, int vector, int errorCode) {
        Consumer<EmulatedGuest> damage = guest -> {
            Descriptors.put(guest, GATE, Descriptors.callGate(CALL_GATE, FREE, TARGET, 2));
            Descriptors.put(guest, FREE, Descriptors.segment(access, 0, limit));
        };
        return arguments("code: " + name, damage, vector, errorCode);
    }

    private static Arguments stack(String name, int selector, long descriptor, int vector, int errorCode) {
        return stack(
                name,
                guest -> {
                    Descriptors.innerStack(guest, 1, selector, RING_1_STACK);
                    Descriptors.put(guest, FREE, descriptor);
                },
                vector,
                errorCode);
    }

    private static Arguments stack(String name, Consumer<EmulatedGuest> damage, int vector, int errorCode) {
        return arguments("stack: " + name, damage, vector, errorCode);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("checks")
    void innerCallChecks(String name, Consumer<EmulatedGuest> damage, int vector, int errorCode) {
        try (EmulatedGuest guest = toRing1()) {
            damage.accept(guest);
            guest.run(CALL);
            assertThat(guest.vector()).isEqualTo(vector);
            assertThat(guest.stack(0)).isEqualTo(errorCode);
            assertThat(guest.stack(1)).isEqualTo(CODE);
            assertThat(guest.stack(2)).isEqualTo(0x3b);
            assertThat(guest.stack(4)).isEqualTo(STACK);
            assertThat(guest.stack(5)).isEqualTo(0x43);
        }
    }

    private static EmulatedGuest toRing1() {
        EmulatedGuest guest = EmulatedGuest.flat(3);
        Descriptors.put(guest, GATE, Descriptors.callGate(CALL_GATE, 0x18, TARGET, 2));
        Descriptors.innerStack(guest, 1, 0x21, RING_1_STACK);
        guest.put(TARGET, "cd 99");
        return guest;
    }

    @Test
    void rplOfTheGateCountsAgainstItsDpl() {
        try (EmulatedGuest guest = EmulatedGuest.flat(0)) {
            Descriptors.put(guest, GATE, Descriptors.callGate(0xac, 8, TARGET, 0));
            guest.run(CALL);
            assertThat(guest.vector()).isEqualTo(GP);
            assertThat(guest.stack(0)).isEqualTo(GATE);
        }
    }

    @Test
    void innerCallCopiesParametersAndSwitchesStacks() {
        try (EmulatedGuest guest = EmulatedGuest.flat(3)) {
            Descriptors.put(guest, GATE, Descriptors.callGate(CALL_GATE, 0xb, TARGET, 2));
            guest.memory().writeInt(STACK, 0x1111_2222);
            guest.memory().writeInt(STACK + 4, 0x3333_4444);
            guest.put(TARGET, "f4").run(CALL);

            assertThat(guest.get(Register.RIP)).isEqualTo(TARGET + 1);
            assertThat(guest.vcpu().state().segment(SegmentRegister.CS).selector())
                    .isEqualTo(8);
            assertThat(guest.vcpu().state().segment(SegmentRegister.SS).selector())
                    .isEqualTo(0x10);
            assertThat(guest.get(Register.RSP)).isEqualTo(INNER_STACK - 24);
            assertThat(guest.stack(0)).isEqualTo(CODE + 7);
            assertThat(guest.stack(1)).isEqualTo(0x3b);
            assertThat(guest.stack(2)).isEqualTo(0x1111_2222);
            assertThat(guest.stack(3)).isEqualTo(0x3333_4444);
            assertThat(guest.stack(4)).isEqualTo(STACK);
            assertThat(guest.stack(5)).isEqualTo(0x43);
        }
    }

    @Test
    void thirtyOneParametersAreTheMost() {
        try (EmulatedGuest guest = EmulatedGuest.flat(3)) {
            Descriptors.put(guest, GATE, Descriptors.callGate(CALL_GATE, 8, TARGET, 0xff));
            for (int i = 0; i < 31; i++) {
                guest.memory().writeInt(STACK + 4L * i, 100 + i);
            }
            guest.put(TARGET, "f4").run(CALL);
            assertThat(guest.get(Register.RSP)).isEqualTo(INNER_STACK - 16 - 31 * 4);
            assertThat(guest.stack(2)).isEqualTo(100);
            assertThat(guest.stack(32)).isEqualTo(130);
            assertThat(guest.stack(33)).isEqualTo(STACK);
        }
    }

    @Test
    void sixteenBitGatePushesAndCopiesWords() {
        try (EmulatedGuest guest = EmulatedGuest.flat(3)) {
            Descriptors.put(guest, GATE, Descriptors.callGate(CALL_GATE_16, 8, 0x7777_0000L | TARGET, 1));
            guest.memory().writeInt(STACK, 0x1111_2222);
            guest.put(TARGET, "f4").run(CALL);
            assertThat(guest.get(Register.RIP)).isEqualTo(TARGET + 1);
            assertThat(guest.get(Register.RSP)).isEqualTo(INNER_STACK - 10);
            assertThat(guest.stack(0)).isEqualTo(0x003b_0000L | CODE + 7);
            assertThat(guest.stack(1)).isEqualTo((long) STACK << 16 | 0x2222);
            assertThat(guest.memory().readShort(INNER_STACK - 2)).isEqualTo(0x43);
        }
    }

    @Test
    void parametersBeyondTheOuterStackAreAStackFault() {
        try (EmulatedGuest guest = toRing1()) {
            Descriptors.limit(guest, SegmentRegister.SS, STACK + 6);
            guest.run(CALL);
            assertThat(guest.vector()).isEqualTo(SS);
            assertThat(guest.stack(0)).isZero();
        }
    }

    @ParameterizedTest
    @CsvSource({"0xec, 8", "0xe4, 4"})
    void callAtTheSameLevelPushesTheReturnAddressOnly(String access, int pushed) {
        try (EmulatedGuest guest = EmulatedGuest.flat(0)) {
            Descriptors.put(guest, GATE, Descriptors.callGate(Integer.decode(access), 8, TARGET, 5));
            guest.put(TARGET, "f4").run(CALL_RPL_0);
            assertThat(guest.get(Register.RIP)).isEqualTo(TARGET + 1);
            assertThat(guest.get(Register.RSP)).isEqualTo(STACK - pushed);
            assertThat(guest.stack(0) & 0xffff).isEqualTo(CODE + 7);
        }
    }

    @Test
    void conformingTargetKeepsTheLevel() {
        try (EmulatedGuest guest = EmulatedGuest.flat(3)) {
            Descriptors.put(guest, GATE, Descriptors.callGate(CALL_GATE, FREE, TARGET, 2));
            Descriptors.put(guest, FREE, Descriptors.flat(0x9f));
            guest.put(TARGET, "cd 99").run(CALL);
            assertThat(guest.vector()).isEqualTo(0x99);
            assertThat(guest.stack(1)).isEqualTo(FREE | 3);
            assertThat(guest.stack(3)).isEqualTo(STACK - 8);
        }
    }

    @Test
    void callToAnOuterLevelIsGeneralProtection() {
        try (EmulatedGuest guest = EmulatedGuest.flat(0)) {
            Descriptors.put(guest, GATE, Descriptors.callGate(CALL_GATE, 0x3b, TARGET, 0));
            guest.run(CALL);
            assertThat(guest.vector()).isEqualTo(GP);
            assertThat(guest.stack(0)).isEqualTo(0x38);
        }
    }

    @Test
    void jumpGoesToTheSameLevel() {
        try (EmulatedGuest guest = EmulatedGuest.flat(3)) {
            Descriptors.put(guest, GATE, Descriptors.callGate(CALL_GATE, 0x38, TARGET, 3));
            guest.put(TARGET, "cd 99").run(JUMP);
            assertThat(guest.vector()).isEqualTo(0x99);
            assertThat(guest.stack(1)).isEqualTo(0x3b);
            assertThat(guest.stack(3)).isEqualTo(STACK);
        }
    }

    @ParameterizedTest(name = "access {0}, limit {1}: {2}({3})")
    @CsvSource({
        "0x9b, 0xfffff, 13, 0x68", // an inner level
        "0x1b, 0xfffff, 13, 0x68",
        "0x7b, 0xfffff, 11, 0x68",
        "0xfb, 0x4fff, 13, 0",
        "0xf3, 0xfffff, 13, 0x68",
    })
    void jumpChecks(String access, String limit, int vector, String errorCode) {
        try (EmulatedGuest guest = EmulatedGuest.flat(3)) {
            Descriptors.put(guest, GATE, Descriptors.callGate(CALL_GATE, FREE, TARGET, 0));
            Descriptors.put(guest, FREE, Descriptors.segment(Integer.decode(access), 0, Integer.decode(limit)));
            guest.run(JUMP);
            assertThat(guest.vector()).isEqualTo(vector);
            assertThat(guest.stack(0)).isEqualTo(Long.decode(errorCode));
            assertThat(guest.stack(1)).isEqualTo(CODE);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {JUMP, CALL})
    void codeBecomesAccessed(String code) {
        try (EmulatedGuest guest = EmulatedGuest.flat(3)) {
            Descriptors.put(guest, GATE, Descriptors.callGate(CALL_GATE, FREE, TARGET, 0));
            Descriptors.put(guest, FREE, Descriptors.flat(0xfa));
            guest.put(TARGET, "cd 99").run(code);
            assertThat(guest.vector()).isEqualTo(0x99);
            assertThat(Descriptors.get(guest, FREE)).isEqualTo(Descriptors.flat(0xfb));
        }
    }

    @Test
    void missingPageOfTheInnerStackLeavesTheRestUnwritten() {
        try (EmulatedGuest guest = EmulatedGuest.paged(3)) {
            Descriptors.put(guest, GATE, Descriptors.callGate(CALL_GATE, 0x18, TARGET, 2));
            Descriptors.innerStack(guest, 1, 0x21, RING_1_STACK + 8);
            guest.page(RING_1_STACK - 0x1000, 0).memory().writeInt(RING_1_STACK + 4, 0x1111);
            guest.run(CALL);
            assertThat(guest.vector()).isEqualTo(14);
            assertThat(guest.stack(0)).as("a supervisor's write").isEqualTo(2);
            assertThat(guest.stack(1)).isEqualTo(CODE);
            assertThat(guest.get(Register.CR2)).isEqualTo(RING_1_STACK - 4);
            assertThat(guest.memory().readInt(RING_1_STACK + 4)).isEqualTo(0x1111);
        }
    }
}
