package dev.kvmguest.vmm.internal.kvm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.internal.engine.VmExit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Exceptions and INT in ring 0, and the frames that their handlers find (Intel SDM volume 3A, 6.12 and 6.13). */
@OnEachEngineAndMode
@Timeout(60)
class GuestExceptionTests {

    private static final String HLT = "f4";
    /** EFLAGS at the start: CF, SF and IF. */
    private static final long FLAGS = CpuState.EFLAGS_FIXED | CpuState.EFLAGS_IF | 0x81;

    private final SystemGuest guest;

    GuestExceptionTests(EngineChoice engine, BootMode mode) {
        guest = new SystemGuest(engine, mode);
    }

    @AfterEach
    void close() {
        guest.close();
    }

    @ParameterizedTest
    @CsvSource({
        "f7 f1 f4,    0, 0, fault", // div ecx; hlt
        "cc f4,       3, 1, trap", // int3; hlt
        "0f 0b f4,    6, 0, fault", // ud2; hlt
        "90 cd 30 f4, 0x30, 3, trap", // nop; int 0x30; hlt
    })
    void frameWithoutAnErrorCodeHasEipCsAndEflags(String code, String vector, int offset, String kind) {
        guest.handler(Integer.decode(vector), HLT);
        start(code);

        assertHandlerHalts(Integer.decode(vector));
        assertFrame(0, offset, kind.equals("fault"));
        assertThat(guest.get(Register.RSP)).isEqualTo(SystemGuest.STACK - 12);
    }

    @ParameterizedTest
    @CsvSource({
        "b8 30 00 00 00 8e d8 f4, 11, 5, 0x30", // mov eax,0x30 (P clear); mov ds,eax; hlt
        "b8 30 00 00 00 8e d0 f4, 12, 5, 0x30", // mov eax,0x30; mov ss,eax; hlt
        "b8 08 00 00 00 8e d0 f4, 13, 5, 0x08", // mov eax,8 (code); mov ss,eax; hlt
        "b8 83 00 00 00 8e d8 f4, 13, 5, 0x80", // mov eax,0x83 (behind the limit); mov ds,eax; hlt
        "b8 00 00 00 80 0f 22 c0 f4, 13, 5, 0", // mov eax,0x80000000 (PG, no PE); mov cr0,eax; hlt
    })
    void frameWithAnErrorCodeHasItBelowEip(String code, int vector, int offset, String errorCode) {
        guest.handler(vector, HLT);
        start(code);

        assertHandlerHalts(vector);
        assertThat(guest.stack(0)).isEqualTo(Long.decode(errorCode));
        assertFrame(1, offset, true);
        assertThat(guest.get(Register.RSP)).isEqualTo(SystemGuest.STACK - 16);
    }

    @Test
    void intWithoutAGateIsAGeneralProtectionFaultThatNamesTheGate() {
        guest.handler(13, HLT);
        start("cd 31 f4"); // int 0x31; hlt

        assertHandlerHalts(13);
        assertThat(guest.stack(0)).isEqualTo(0x31 * 8 + 2);
        assertThat(guest.stack(1)).isEqualTo(guest.faultingInt(guest.code(), guest.stack(1)));
        assertThat(guest.stack(2)).isEqualTo(SystemGuest.CODE_SELECTOR);
        assertThat(guest.get(Register.RSP)).isEqualTo(SystemGuest.STACK - 16);
    }

    @Test
    void iretGoesOnWhereTheHandlerSaysWithTheFlagsOfTheFrame() {
        guest.handler(6, "f8 40 83 04 24 02 cf"); // clc; inc eax; add dword [esp],2; iretd
        start("0f 0b 0f 0b 9c 5b f4"); // ud2; ud2; pushfd; pop ebx; hlt

        assertThat(guest.run()).isInstanceOf(VmExit.Halt.class);
        assertThat(guest.get(Register.RAX)).isEqualTo(2);
        assertThat(guest.get(Register.RBX)).isEqualTo(FLAGS);
        assertThat(guest.get(Register.RIP)).isEqualTo(guest.code() + 7);
        assertThat(guest.get(Register.RSP)).isEqualTo(SystemGuest.STACK);
    }

    @Test
    void handlerHasInterruptsOffBehindAnInterruptGate() {
        guest.handler(0x30, "9c 58 cf"); // pushfd; pop eax; iretd
        start("cd 30 9c 5b f4"); // int 0x30; pushfd; pop ebx; hlt

        assertThat(guest.run()).isInstanceOf(VmExit.Halt.class);
        assertThat(guest.get(Register.RAX)).isEqualTo(FLAGS & ~CpuState.EFLAGS_IF);
        assertThat(guest.get(Register.RBX)).isEqualTo(FLAGS);
    }

    @Test
    void exceptionWithinAHandlerNests() {
        guest.handler(0x30, "0f 0b b1 02 cf"); // ud2; mov cl,2; iretd
        guest.handler(6, "b0 01 83 04 24 02 cf"); // mov al,1; add dword [esp],2; iretd
        start("cd 30 00 c8 f4"); // int 0x30; add al,cl; hlt

        assertThat(guest.run()).isInstanceOf(VmExit.Halt.class);
        assertThat(guest.get(Register.RAX)).isEqualTo(3);
        assertThat(guest.get(Register.RSP)).isEqualTo(SystemGuest.STACK);
    }

    private void start(String code) {
        guest.start(code, FLAGS);
    }

    private void assertHandlerHalts(int vector) {
        assertThat(guest.run()).isInstanceOf(VmExit.Halt.class);
        assertThat(guest.get(Register.RIP)).isEqualTo(guest.handler(vector) + 1);
    }

    private void assertFrame(int index, int offset, boolean fault) {
        assertThat(guest.stack(index)).isEqualTo(guest.code() + offset);
        assertThat(guest.stack(index + 1)).isEqualTo(SystemGuest.CODE_SELECTOR);
        long flags = guest.stack(index + 2);
        assertThat(flags).isEqualTo(fault ? guest.faultFlags(FLAGS, flags) : FLAGS);
    }
}
