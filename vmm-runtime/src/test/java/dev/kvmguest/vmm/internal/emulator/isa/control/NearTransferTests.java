package dev.kvmguest.vmm.internal.emulator.isa.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.internal.emulator.exec.EmulatedGuest;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class NearTransferTests {

    private static final int CODE = EmulatedGuest.CODE;
    private static final int STACK = EmulatedGuest.STACK;
    private static final int GP = 13;
    private static final int PF = 14;
    private static final int CF = 1;
    private static final int PARITY = 4;
    private static final int ZF = 0x40;
    private static final int SF = 0x80;
    private static final int OF = 0x800;

    private EmulatedGuest guest = EmulatedGuest.flat(0);

    @AfterEach
    void close() {
        guest.close();
    }

    private void use(EmulatedGuest other) {
        guest.close();
        guest = other;
    }

    /** Executes one instruction and returns where it leads. */
    private long target(String code) {
        guest.put(CODE, code).step();
        return guest.get(Register.RIP);
    }

    /** Ends the code segment behind 0x4fff. */
    private void limitCode() {
        guest.change(state -> state.segment(SegmentRegister.CS, new SegmentState(8, 0, 0x4fff, 0x409b)));
    }

    @ParameterizedTest
    @CsvSource({
        "eb10, 4012",
        "eb80, 3f82",
        "e900010000, 4105",
        "e9fbffffff, 4000",
        "66e90010, 5004",
        "66eb10, 4013",
        "ffe0, 12345678",
        "66ffe0, 5678",
        "ff2500900000, 44332211",
        "66ff2500900000, 2211"
    })
    void jumps(String code, String target) {
        guest.memory().writeInt(EmulatedGuest.DATA, 0x44332211);
        guest.set(Register.RAX, 0x12345678);

        assertThat(target(code)).isEqualTo(Long.parseLong(target, 16));
        assertThat(guest.get(Register.RSP)).isEqualTo(STACK);
    }

    @Test
    void relativeJumpWithSixteenBitOperandsWraps() {
        guest.put(0x1fffe, "66eb10").set(Register.RIP, 0x1fffe).step();

        assertThat(guest.get(Register.RIP)).isEqualTo(0x11);
    }

    @Test
    void conditionalJumpsLookAtTheirFlags() {
        for (int flags : new int[] {0, CF, PARITY, ZF, SF, OF, SF | OF, ZF | CF, ZF | SF, ZF | SF | OF}) {
            boolean less = (flags & SF) != 0 != ((flags & OF) != 0);
            boolean[] conditions = {
                (flags & OF) != 0,
                (flags & CF) != 0,
                (flags & ZF) != 0,
                (flags & (CF | ZF)) != 0,
                (flags & SF) != 0,
                (flags & PARITY) != 0,
                less,
                less || (flags & ZF) != 0
            };
            for (int condition = 0; condition < 16; condition++) {
                boolean taken = conditions[condition / 2] == (condition % 2 == 0);
                guest.flags(flags).set(Register.RIP, CODE);
                assertThat(target(String.format("7%x10", condition)))
                        .as("condition %d, flags %x", condition, flags)
                        .isEqualTo(taken ? CODE + 0x12 : CODE + 2);
                guest.flags(flags).set(Register.RIP, CODE);
                assertThat(target(String.format("0f8%x00010000", condition)))
                        .isEqualTo(taken ? CODE + 0x106 : CODE + 6);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"e310, 0, true", "e310, 10000, false", "67e310, 10000, true", "67e310, 1, false"})
    void jumpsIfTheCountIsZero(String code, String count, boolean taken) {
        guest.set(Register.RCX, Long.parseLong(count, 16));

        assertThat(target(code)).isEqualTo(CODE + code.length() / 2 + (taken ? 0x10 : 0));
        assertThat(guest.get(Register.RCX)).isEqualTo(Long.parseLong(count, 16));
    }

    @ParameterizedTest
    @CsvSource({
        // code, ECX, ZF, ECX afterwards, taken
        "e210, 2, false, 1, true",
        "e210, 1, false, 0, false",
        "e210, 0, false, ffffffff, true",
        "67e210, aaaa0001, false, aaaa0000, false",
        "67e210, aaaa0000, false, aaaaffff, true",
        "e110, 2, true, 1, true",
        "e110, 2, false, 1, false",
        "e110, 1, true, 0, false",
        "e010, 2, false, 1, true",
        "e010, 2, true, 1, false",
        "e010, 1, false, 0, false"
    })
    void loops(String code, String count, boolean zero, String countAfterwards, boolean taken) {
        guest.set(Register.RCX, Long.parseLong(count, 16)).flags(zero ? ZF : 0);

        assertThat(target(code)).isEqualTo(CODE + code.length() / 2 + (taken ? 0x10 : 0));
        assertThat(guest.get(Register.RCX)).isEqualTo(Long.parseLong(countAfterwards, 16));
        assertThat(guest.get(Register.RFLAGS) & ZF).isEqualTo(zero ? ZF : 0);
    }

    @ParameterizedTest
    @CsvSource({
        "e800010000, 4105, 4, 00004005",
        "66e80001, 4104, 2, 4004ffff",
        "ffd0, 12345678, 4, 00004002",
        "66ffd0, 5678, 2, 4003ffff",
        "ff1500900000, 44332211, 4, 00004006",
        "ff1424, 55555555, 4, 00004003"
    })
    void calls(String code, String target, int bytes, String stack) {
        guest.memory().writeInt(STACK - 4, -1);
        guest.memory().writeInt(STACK, 0x55555555);
        guest.memory().writeInt(EmulatedGuest.DATA, 0x44332211);
        guest.set(Register.RAX, 0x12345678);

        assertThat(target(code)).isEqualTo(Long.parseLong(target, 16));
        assertThat(guest.get(Register.RSP)).isEqualTo(STACK - bytes);
        assertThat(guest.memory().readInt(STACK - 4)).isEqualTo((int) Long.parseLong(stack, 16));
    }

    @ParameterizedTest
    @CsvSource({
        "c3, 44332211, 4",
        "66c3, 2211, 2",
        "c20800, 44332211, 12",
        "66c20800, 2211, 10",
        "c2ffff, 44332211, 65539"
    })
    void returns(String code, String target, int bytes) {
        guest.memory().writeInt(STACK, 0x44332211);

        assertThat(target(code)).isEqualTo(Long.parseLong(target, 16));
        assertThat(guest.get(Register.RSP)).isEqualTo(STACK + bytes);
    }

    @Test
    void returnOnASixteenBitStackWraps() {
        guest.change(state -> state.segment(SegmentRegister.SS, new SegmentState(0x10, 0, 0xffff, 0x93)));
        guest.memory().writeInt(0xfffc, 0x1234);
        guest.set(Register.RSP, 0xaaaa_fffcL);

        assertThat(target("c20800")).isEqualTo(0x1234);
        assertThat(guest.get(Register.RSP)).isEqualTo(0xaaaa_0008L);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "e9fb0f0000",
                "eb7f",
                "ffe0",
                "747f",
                "0f84fa0f0000",
                "e37f",
                "e27f",
                "e17f",
                "e8fb0f0000",
                "ffd0",
                "c3",
                "c20800"
            })
    void targetBehindTheLimitIsAFaultThatChangesNothing(String code) {
        limitCode();
        boolean isShort = code.length() == 4 && code.endsWith("7f");
        int at = isShort ? 0x4f80 : CODE;
        guest.memory().writeInt(STACK, 0x5000);
        guest.memory().writeInt(STACK - 4, 0x77);
        guest.set(Register.RIP, at)
                .set(Register.RAX, 0x5000)
                .set(Register.RCX, code.startsWith("e3") ? 0 : 5)
                .flags(ZF);

        guest.put(at, code).run();

        assertThat(guest.vector()).isEqualTo(GP);
        assertThat(guest.stack(0)).isZero();
        assertThat(guest.stack(1)).isEqualTo(at);
        assertThat(guest.get(Register.RSP)).isEqualTo(STACK - 16);
        assertThat(guest.get(Register.RCX)).isEqualTo(code.startsWith("e3") ? 0 : 5);
    }

    @Test
    void jumpThatIsNotTakenMayHaveAnyTarget() {
        limitCode();

        guest.flags(0).run("0f84fa0f0000");

        assertThat(guest.vector()).isEqualTo(-1);
    }

    @Test
    void lastByteOfTheSegmentIsATarget() {
        limitCode();
        guest.put(0x4fff, "f4").run("e9fa0f0000");

        assertThat(guest.get(Register.RIP)).isEqualTo(0x5000);
    }

    @Test
    void callThatCannotPushIsAFaultAtTheCall() {
        use(EmulatedGuest.paged(3));
        guest.page(STACK - 0x1000, 0);

        guest.run("e800010000");

        assertThat(guest.vector()).isEqualTo(PF);
        assertThat(guest.stack(1)).isEqualTo(CODE);
        assertThat(guest.stack(4)).isEqualTo(STACK);
    }

    @Test
    void callBehindTheLimitIsLookedAtBeforeTheStack() {
        use(EmulatedGuest.paged(3));
        guest.change(state -> state.segment(SegmentRegister.CS, new SegmentState(0x3b, 0, 0x4fff, 0x40fb)));
        guest.page(STACK - 0x1000, 0);

        guest.run("e8fb0f0000");

        assertThat(guest.vector()).isEqualTo(GP);
    }

    @Test
    void returnFromAnUnreadableStackIsAFaultAtTheReturn() {
        use(EmulatedGuest.paged(3));
        guest.page(STACK, 0);

        guest.run("c3");

        assertThat(guest.vector()).isEqualTo(PF);
        assertThat(guest.stack(1)).isEqualTo(CODE);
        assertThat(guest.stack(4)).isEqualTo(STACK);
    }
}
