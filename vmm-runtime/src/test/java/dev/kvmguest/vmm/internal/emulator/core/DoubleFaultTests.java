package dev.kvmguest.vmm.internal.emulator.core;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.internal.emulator.exec.Descriptors;
import dev.kvmguest.vmm.internal.emulator.exec.EmulatedGuest;
import dev.kvmguest.vmm.internal.engine.VmExit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What becomes of two exceptions (Intel SDM volume 3A, table 6-5). */
class DoubleFaultTests {

    private static final int INNER_CODE = 0x18;
    private static final int MISSING_PAGE = 0xb000;

    @ParameterizedTest(name = "{0}, then {2}: {3}")
    @CsvSource({
        // First exception, its instruction, second one, vector delivered, error code or -1.
        "6, 0f0b, GP, 13, 0x33",
        "6, 0f0b, PF, 14, 2",
        "0, f7f0, GP, 8, 0",
        "0, f7f0, PF, 14, 2",
        "13, f4, GP, 8, 0",
        "13, f4, PF, 14, 2",
        "14, f73504c00000, GP, 8, 0",
        "14, f73504c00000, PF, 8, 0",
    })
    void combine(int first, String code, String second, int vector, String errorCode) {
        try (EmulatedGuest guest = guest()) {
            fail(guest, first, second);
            assertThat(guest.run(code)).isInstanceOf(VmExit.Halt.class);

            assertThat(guest.vector()).isEqualTo(vector);
            assertThat(guest.stack(0)).isEqualTo(Long.decode(errorCode));
            assertThat(guest.stack(1)).as("EIP").isEqualTo(EmulatedGuest.CODE);
            assertThat(guest.stack(3) >> 16 & 1).as("RF is for faults").isEqualTo(vector == 8 ? 0 : 1);
        }
    }

    @ParameterizedTest(name = "#DF, then {0}")
    @CsvSource({"GP", "PF"})
    void tripleFaultLeavesAllRegisters(String third) {
        try (EmulatedGuest guest = guest()) {
            fail(guest, 0, "GP");
            fail(guest, 8, third);
            CpuState before = guest.vcpu().state();

            assertThat(guest.run("f7 f0")).isInstanceOf(VmExit.Shutdown.class);
            CpuState expected = third.equals("PF") ? before.with(s -> s.set(Register.CR2, MISSING_PAGE - 4)) : before;
            assertThat(guest.vcpu().state()).isEqualTo(expected);
        }
    }

    @Test
    void benignExceptionStartsTheCountAgain() {
        try (EmulatedGuest guest = guest()) {
            fail(guest, 6, "GP");
            fail(guest, 13, "GP");
            guest.run("0f 0b");
            assertThat(guest.vector()).isEqualTo(8);
        }
    }

    @Test
    void pageFaultWhileAPageFaultIsDeliveredSetsCr2Again() {
        try (EmulatedGuest guest = guest()) {
            fail(guest, 14, "PF");
            guest.run("f7 35 04 c0 00 00");
            assertThat(guest.vector()).isEqualTo(8);
            assertThat(guest.get(Register.CR2)).isEqualTo(MISSING_PAGE - 4);
        }
    }

    @Test
    void emptyTableShutsDown() {
        try (EmulatedGuest guest = EmulatedGuest.flat(0)) {
            for (int vector = 0; vector < 32; vector++) {
                Descriptors.putGate(guest, vector, 0);
            }
            assertThat(guest.run("0f 0b")).isInstanceOf(VmExit.Shutdown.class);
            assertThat(guest.run()).as("and stays down").isInstanceOf(VmExit.Shutdown.class);
        }
    }

    private static EmulatedGuest guest() {
        EmulatedGuest guest = EmulatedGuest.paged(3);
        Descriptors.innerStack(guest, 1, 0x21, MISSING_PAGE);
        guest.page(MISSING_PAGE - 0x1000, 0).page(0xc000, 0);
        return guest;
    }

    /** Has the delivery of a vector fail with #GP, because of its gate, or with #PF, because of its stack. */
    private static void fail(EmulatedGuest guest, int vector, String exception) {
        Descriptors.putGate(guest, vector, exception.equals("GP") ? 0 : Descriptors.gate(0xee, INNER_CODE, 0x2000));
    }
}
