package dev.kvmguest.vmm.internal.kvm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.internal.engine.VmExit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Page faults of both rings, and handlers that put them right (Intel SDM volume 3A, 4.7). */
@Tag("kvm")
@ParameterizedClass(name = "{0}, {1}")
@MethodSource("dev.kvmguest.vmm.internal.kvm.SystemGuest#enginesAndPagedModes")
@Timeout(60)
class PageFaultTests {

    private static final int PAGE_FAULT = 14;
    private static final String HLT = "f4";
    /** Where a table of the guest's own goes. */
    private static final int PAGE_TABLE = 0x5000;

    private final SystemGuest guest;

    PageFaultTests(EngineChoice engine, BootMode mode) {
        guest = new SystemGuest(engine, mode);
    }

    @AfterEach
    void close() {
        guest.close();
    }

    @ParameterizedTest
    @CsvSource({
        "0, a1 00 00 80 00, 0x800000, 0", // mov eax,[0x800000], which is not mapped
        "0, a3 00 00 80 00, 0x800000, 2", // mov [0x800000],eax
        "3, a1 00 00 80 00, 0x800000, 4", // the same in ring 3
        "3, a3 00 00 80 00, 0x800000, 6",
        "3, a1 00 00 40 80, 0x80400000, 5", // mov eax,[0x80400000], which is ring 0's
        "3, a3 00 00 40 80, 0x80400000, 7", // mov [0x80400000],eax
    })
    void addressIsInCr2AndTheAccessInTheErrorCode(int ring, String code, String address, long errorCode) {
        guest.handler(PAGE_FAULT, HLT);
        if (ring == 0) {
            guest.start(code);
        } else {
            guest.startInRing3(code);
        }

        assertFault(Long.decode(address), errorCode, 0);
        assertThat(guest.stack(2) & 3).isEqualTo(ring);
        long flags = guest.stack(3);
        long expected = CpuState.EFLAGS_FIXED | (ring == 0 ? 0 : CpuState.EFLAGS_IF);
        assertThat(flags).isEqualTo(guest.faultFlags(expected, flags));
    }

    @ParameterizedTest
    @CsvSource({
        "a1 00 00 80 00 a1 00 10 80 00, 0x801000, 4", // mov eax,[0x800000]; mov eax,[0x801000], which is absent
        "a1 00 00 80 00 a1 fe 0f 80 00, 0x801000, 4", // mov eax,[0x800000]; mov eax,[0x800ffe]
        "a1 00 00 80 00 a3 04 00 80 00, 0x800004, 7", // mov eax,[0x800000]; mov [0x800004],eax, which is read-only
        "a3 00 20 80 00 a1 00 30 80 00, 0x803000, 5", // mov [0x802000],eax; mov eax,[0x803000], which is ring 0's
    })
    void pagesOfATableHaveRightsEachItsOwn(String code, String address, long errorCode) {
        guest.handler(PAGE_FAULT, HLT).pageTable(0x80_0000, PAGE_TABLE);
        int[] entries = {0x6005, 0, 0x6007, 0x6003};
        for (int i = 0; i < entries.length; i++) {
            guest.memory().writeInt(PAGE_TABLE + 4 * i, entries[i]);
        }
        guest.startInRing3(code);

        assertFault(Long.decode(address), errorCode, 5);
    }

    @Test
    void handlerThatMapsThePageHasTheInstructionExecutedAgain() {
        // push eax; mov eax,[0x100000] (what maps 0); mov [0x100008],eax; pop eax; add esp,4; iretd
        guest.handler(PAGE_FAULT, "50 a1 00 00 10 00 a3 08 00 10 00 58 83 c4 04 cf");
        guest.memory().writeInt(0x5000, 0x1234_5678);
        guest.start("8b 1d 00 50 80 00 43 f4"); // mov ebx,[0x805000]; inc ebx; hlt

        assertThat(guest.run()).isInstanceOf(VmExit.Halt.class);
        assertThat(guest.get(Register.RBX)).isEqualTo(0x1234_5679);
        assertThat(guest.get(Register.RIP)).isEqualTo(guest.code() + 8);
        assertThat(guest.get(Register.RSP)).isEqualTo(SystemGuest.STACK);
    }

    private void assertFault(long address, long errorCode, int offset) {
        assertThat(guest.run()).isInstanceOf(VmExit.Halt.class);
        assertThat(guest.get(Register.RIP)).isEqualTo(guest.handler(PAGE_FAULT) + 1);
        assertThat(guest.get(Register.CR2)).isEqualTo(address);
        assertThat(guest.stack(0)).isEqualTo(errorCode);
        assertThat(guest.stack(1)).isEqualTo(guest.code() + offset);
    }
}
