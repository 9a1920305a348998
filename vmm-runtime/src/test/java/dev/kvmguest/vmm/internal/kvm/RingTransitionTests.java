package dev.kvmguest.vmm.internal.kvm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.internal.engine.VmExit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** From ring 0 to ring 3 and back through the TSS's stack (Intel SDM volume 3A, 6.12.1 and 7.2.1). */
@OnEachEngineAndMode
@Timeout(60)
class RingTransitionTests {

    private static final int SYSTEM_CALL = 0x80;
    private static final int GENERAL_PROTECTION = 13;
    private static final String HLT = "f4";
    private static final long USER_FLAGS = CpuState.EFLAGS_FIXED | CpuState.EFLAGS_IF;

    private final SystemGuest guest;

    RingTransitionTests(EngineChoice engine, BootMode mode) {
        guest = new SystemGuest(engine, mode);
    }

    @AfterEach
    void close() {
        guest.close();
    }

    @Test
    void iretEntersRing3AndIntComesBackOnTheStackOfTheTask() {
        guest.handler(SYSTEM_CALL, 3, HLT);
        // push 0x23; push 0xa000; push 0x202; push 0x1b; call $+5; add dword [esp],5; iretd; mov eax,cs; int 0x80
        guest.start("6a 23 68 00 a0 00 00 68 02 02 00 00 6a 1b e8 00 00 00 00 83 04 24 05 cf 8c c8 cd 80");

        assertThat(guest.run()).isInstanceOf(VmExit.Halt.class);
        assertThat(guest.get(Register.RAX)).isEqualTo(SystemGuest.USER_CODE_SELECTOR);
        assertThat(guest.selector(SegmentRegister.CS)).isEqualTo(SystemGuest.CODE_SELECTOR);
        assertThat(guest.selector(SegmentRegister.SS)).isEqualTo(SystemGuest.DATA_SELECTOR);
        // Ring 0's data segments are not for ring 3: IRET takes them away.
        assertThat(guest.selector(SegmentRegister.DS)).isZero();
        assertThat(guest.get(Register.RSP)).isEqualTo(SystemGuest.TASK_STACK - 20);
        assertUserFrame(28);
    }

    @Test
    void handlerReturnsToRing3WithItsStack() {
        guest.handler(SYSTEM_CALL, 3, "40 cf"); // inc eax; iretd
        guest.handler(SYSTEM_CALL + 1, 3, HLT);
        guest.startInRing3("6a 07 cd 80 cd 80 5b cd 81"); // push 7; int 0x80; int 0x80; pop ebx; int 0x81

        assertThat(guest.run()).isInstanceOf(VmExit.Halt.class);
        assertThat(guest.get(Register.RAX)).isEqualTo(2);
        assertThat(guest.get(Register.RBX)).isEqualTo(7);
        assertThat(guest.get(Register.RSP)).isEqualTo(SystemGuest.TASK_STACK - 20);
        assertUserFrame(9);
    }

    @ParameterizedTest
    @CsvSource({
        "f4,                      0, 0", // hlt
        "fa,                      0, 0", // cli
        "0f 20 c0,                0, 0", // mov eax,cr0
        "e6 e9,                   0, 0", // out 0xe9,al
        "b8 10 00 00 00 8e d8,    5, 0x10", // mov eax,0x10 (ring 0's data); mov ds,eax
    })
    void whatRing3MayNotDoIsAGeneralProtectionFault(String code, int offset, String errorCode) {
        guest.handler(GENERAL_PROTECTION, HLT);
        guest.startInRing3(code);

        assertThat(guest.run()).isInstanceOf(VmExit.Halt.class);
        assertThat(guest.get(Register.RIP)).isEqualTo(guest.handler(GENERAL_PROTECTION) + 1);
        assertThat(guest.get(Register.RSP)).isEqualTo(SystemGuest.TASK_STACK - 24);
        assertThat(guest.stack(0)).isEqualTo(Long.decode(errorCode));
        assertThat(guest.stack(1)).isEqualTo(guest.code() + offset);
        assertThat(guest.stack(2)).isEqualTo(SystemGuest.USER_CODE_SELECTOR);
    }

    @Test
    void intThroughAGateOfRing0IsAGeneralProtectionFaultThatNamesIt() {
        guest.handler(GENERAL_PROTECTION, HLT).handler(0x30, HLT);
        guest.startInRing3("cd 30"); // int 0x30

        assertThat(guest.run()).isInstanceOf(VmExit.Halt.class);
        assertThat(guest.get(Register.RIP)).isEqualTo(guest.handler(GENERAL_PROTECTION) + 1);
        assertThat(guest.stack(0)).isEqualTo(0x30 * 8 + 2);
        assertThat(guest.stack(1)).isEqualTo(guest.faultingInt(guest.code(), guest.stack(1)));
        assertThat(guest.stack(2)).isEqualTo(SystemGuest.USER_CODE_SELECTOR);
    }

    private void assertUserFrame(int offset) {
        assertThat(guest.stack(0)).isEqualTo(guest.code() + offset);
        assertThat(guest.stack(1)).isEqualTo(SystemGuest.USER_CODE_SELECTOR);
        assertThat(guest.stack(2)).isEqualTo(USER_FLAGS);
        assertThat(guest.stack(3)).isEqualTo(SystemGuest.USER_STACK);
        assertThat(guest.stack(4)).isEqualTo(SystemGuest.USER_DATA_SELECTOR);
    }
}
