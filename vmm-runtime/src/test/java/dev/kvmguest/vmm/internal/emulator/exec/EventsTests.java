package dev.kvmguest.vmm.internal.emulator.exec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.internal.engine.VmExit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What comes between instructions: interrupts and their shadows, traps, handlers that return. */
class EventsTests {

    private static final int IF = 1 << 9;
    private static final int TF = 1 << 8;
    private static final int AC = 1 << 18;
    private static final int HANDLER = 0x3000;
    private static final int COUNTER = EmulatedGuest.DATA;

    /** inc dword [COUNTER]; iretd */
    private static final String COUNT = "ff0500900000 cf";

    private static EmulatedGuest flat(int ring, long flags) {
        return EmulatedGuest.flat(ring).flags(flags);
    }

    /** Has a vector's gate lead to code at {@link #HANDLER} plus an offset. */
    private static void handler(EmulatedGuest guest, int vector, int offset, String code) {
        long gate = guest.vcpu().state().idt().base() + 8L * vector;
        guest.memory().writeShort(gate, HANDLER + offset);
        guest.put(HANDLER + offset, code);
    }

    private static int count(EmulatedGuest guest) {
        return guest.memory().readInt(COUNTER);
    }

    // Interrupts: volume 2, STI; volume 3A, 6.8.

    @Test
    void interruptsWaitForTheInstructionBehindSti() {
        try (EmulatedGuest guest = flat(0, 0)) {
            guest.vcpu().setInterruptWindow(true);

            assertThat(guest.run("fb 40 40")).isInstanceOf(VmExit.InterruptWindow.class); // sti; inc eax; inc eax
            assertThat(guest.get(Register.RAX)).isOne();
            assertThat(guest.vcpu().canInjectInterrupt()).isTrue();
        }
    }

    @Test
    void noInterruptComesBetweenStiAndCli() {
        try (EmulatedGuest guest = flat(0, 0)) {
            guest.vcpu().setInterruptWindow(true);

            assertThat(guest.run("fb fa")).isInstanceOf(VmExit.Halt.class); // sti; cli; hlt
        }
    }

    @Test
    void stiWithInterruptsOnMakesNoShadow() {
        try (EmulatedGuest guest = flat(0, IF)) {
            guest.put(EmulatedGuest.CODE, "fb 40");
            guest.step();

            assertThat(guest.vcpu().canInjectInterrupt()).isTrue();
        }
    }

    @ParameterizedTest
    @CsvSource({
        "9d, 0x4001", // popfd
        "cf, 0x4100" // iretd
    })
    void interruptsComeAtOnceWhenFlagsAreRestored(String code, String eip) {
        try (EmulatedGuest guest = flat(0, 0)) {
            guest.memory().writeInt(EmulatedGuest.STACK, code.equals("9d") ? IF : 0x4100);
            guest.memory().writeInt(EmulatedGuest.STACK + 4, 8);
            guest.memory().writeInt(EmulatedGuest.STACK + 8, IF);
            guest.put(0x4100, "40 f4").vcpu().setInterruptWindow(true);

            assertThat(guest.run(code + "40")).isInstanceOf(VmExit.InterruptWindow.class);
            assertThat(guest.get(Register.RIP)).isEqualTo(Long.decode(eip));
            assertThat(guest.get(Register.RAX)).isZero();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"8ed0", "17"})
    void interruptsWaitForTheInstructionBehindALoadOfSs(String load) {
        try (EmulatedGuest guest = flat(0, IF)) {
            guest.memory().writeInt(EmulatedGuest.STACK, 0x10);
            guest.set(Register.RAX, 0x10).put(EmulatedGuest.CODE, load + "40 40 f4"); // inc eax; inc eax; hlt
            guest.step();
            assertThat(guest.vcpu().canInjectInterrupt()).isFalse();

            guest.step();
            assertThat(guest.vcpu().canInjectInterrupt()).isTrue();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"8ed8", "1f", "0fb226"})
    void otherLoadsOfSegmentRegistersMakeNoShadow(String load) {
        try (EmulatedGuest guest = flat(0, IF)) {
            guest.memory().writeInt(EmulatedGuest.STACK, 0x10);
            guest.memory().writeLong(EmulatedGuest.DATA, 0x10L << 32 | EmulatedGuest.STACK);
            guest.set(Register.RAX, 0x10).set(Register.RSI, EmulatedGuest.DATA);
            guest.put(EmulatedGuest.CODE, load + "40"); // mov ds, ax; pop ds; lss esp, [esi]
            guest.step();

            assertThat(guest.vcpu().canInjectInterrupt()).isTrue();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3})
    void handlerOfAnInterruptReturnsToWhatItInterrupted(int ring) {
        try (EmulatedGuest guest = flat(ring, IF | 1)) {
            handler(guest, 0x20, 0, "43 f9 cf"); // inc ebx; stc; iretd
            guest.put(EmulatedGuest.CODE, "40 cc").vcpu().injectInterrupt(0x20); // inc eax; int3

            guest.run();

            assertThat(guest.vector()).isEqualTo(3);
            assertThat(guest.get(Register.RBX)).isOne();
            assertThat(guest.get(Register.RAX)).isOne();
            assertThat(guest.stack(0)).isEqualTo(EmulatedGuest.CODE + 2);
            assertThat(guest.stack(1) & 3).isEqualTo(ring);
            assertThat(guest.stack(2) & (IF | 1)).isEqualTo(IF | 1);
        }
    }

    @Test
    void interruptWakesAHaltedProcessor() {
        try (EmulatedGuest guest = flat(0, 0)) {
            handler(guest, 0x21, 0, COUNT);

            assertThat(guest.run("fb f4 40")).isInstanceOf(VmExit.Halt.class); // sti; hlt; inc eax; hlt
            assertThat(guest.get(Register.RIP)).isEqualTo(EmulatedGuest.CODE + 2);
            assertThat(guest.vcpu().canInjectInterrupt()).isTrue();
            guest.vcpu().injectInterrupt(0x21);

            assertThat(guest.run()).isInstanceOf(VmExit.Halt.class);
            assertThat(count(guest)).isOne();
            assertThat(guest.get(Register.RAX)).isOne();
            assertThat(guest.get(Register.RIP)).isEqualTo(EmulatedGuest.CODE + 4);
        }
    }

    @Test
    void noInterruptIsTakenWhileTheyAreOff() {
        try (EmulatedGuest guest = flat(0, 0)) {
            assertThat(guest.vcpu().canInjectInterrupt()).isFalse();
            assertThatIllegalStateException().isThrownBy(() -> guest.vcpu().injectInterrupt(0x20));
        }
    }

    @Test
    void interruptWindowThatIsNoLongerWantedDoesNotExit() {
        try (EmulatedGuest guest = flat(0, IF)) {
            guest.vcpu().setInterruptWindow(true);
            assertThat(guest.run("40")).isInstanceOf(VmExit.InterruptWindow.class);
            assertThat(guest.get(Register.RAX)).isZero();

            guest.vcpu().setInterruptWindow(false);
            assertThat(guest.run()).isInstanceOf(VmExit.Halt.class);
        }
    }

    @Test
    void interruptGateKeepsFurtherInterruptsOut() {
        try (EmulatedGuest guest = flat(3, IF)) {
            guest.put(EmulatedGuest.CODE, "90").vcpu().injectInterrupt(0x20);

            assertThat(guest.run()).isInstanceOf(VmExit.Halt.class);
            assertThat(guest.vector()).isEqualTo(0x20);
            assertThat(guest.vcpu().canInjectInterrupt()).isFalse();
        }
    }

    // Single steps and breakpoints: volume 3B, 17.3.

    @ParameterizedTest
    @CsvSource({
        "90 90 90, 3", // nop; nop; nop
        "eb00 e800000000 58, 3", // jmp; call; pop eax
        "b903000000 f3a4, 4", // mov ecx, 3; rep movsb
        "b903000000 e2fe, 4", // mov ecx, 3; loop
        "e680 e480, 2", // out 0x80, al; in al, 0x80
        "66b81000 8ed0 90, 2", // mov ax, 0x10; mov ss, ax with nop: one step
        "cd80 90, 1" // int 0x80, whose handler is not traced; nop
    })
    void eachInstructionIsTracedOnce(String code, int traps) {
        try (EmulatedGuest guest = flat(0, 0)) {
            handler(guest, 1, 0, COUNT);
            handler(guest, 0x80, 0x40, "90 90 cf");
            guest.set(Register.RSI, 0xa000).set(Register.RDI, 0xb000);
            String on = "9c 814c240000010000 9d"; // pushfd; or dword [esp], TF; popfd
            String off = "9c 81642400fffeffff 9d"; // pushfd; and dword [esp], ~TF; popfd

            VmExit exit = guest.run(on + code + off);
            while (exit instanceof VmExit.PortOut || exit instanceof VmExit.PortIn) {
                exit = guest.run();
            }

            assertThat(exit).isInstanceOf(VmExit.Halt.class);
            // PUSHFD, AND and POPFD, that switch it off, are traced too.
            assertThat(count(guest)).isEqualTo(traps + 3);
        }
    }

    @Test
    void singleStepAfterMovSsIsLost() {
        try (EmulatedGuest guest = flat(0, TF)) {
            guest.put(EmulatedGuest.CODE, "8ed0 f1").set(Register.RAX, 0x10); // mov ss, eax; int1

            guest.run();

            // One exception, that of INT1, after which nothing is due.
            assertThat(guest.vector()).isEqualTo(1);
            assertThat(guest.stack(0)).isEqualTo(EmulatedGuest.CODE + 3);
            assertThat(guest.stack(1)).isEqualTo(8);
            assertThat(guest.vcpu().save().debugRegisters().dr6()).isEqualTo(0xffff_0ff0L);
        }
    }

    @Test
    void breakpointOfMovSsAndInt1AfterItAreOneException() {
        try (EmulatedGuest guest = flat(0, 0)) {
            handler(guest, 1, 0, COUNT);
            guest.memory().writeInt(0xa000, 0x10);
            guest.set(Register.RAX, 0xa000).set(Register.RBX, 0xf0002);

            // mov dr0, eax; mov dr7, ebx; mov ss, [0xa000]; int1; nop
            assertThat(guest.run("0f23c0 0f23fb 8e1500a00000 f1 90")).isInstanceOf(VmExit.Halt.class);

            assertThat(count(guest)).isOne();
            assertThat(guest.vcpu().save().debugRegisters().dr6()).isEqualTo(0xffff_0ff1L);
        }
    }

    @Test
    void userCodeIsTracedAndItsSystemCallsAreNot() {
        try (EmulatedGuest guest = flat(3, TF)) {
            handler(guest, 1, 0, COUNT);
            handler(guest, 0x80, 0x40, "43 43 43 cf");

            guest.run("40 cd80 40"); // inc eax; int 0x80; inc eax; hlt

            assertThat(guest.vector()).isEqualTo(13);
            assertThat(guest.get(Register.RBX)).isEqualTo(3);
            assertThat(count(guest)).isEqualTo(2);
        }
    }

    @Test
    void breakpointOnCodeIsHitOncePerPassIfItsHandlerSetsRf() {
        try (EmulatedGuest guest = flat(0, 0)) {
            // inc dword [COUNTER]; or dword [esp+8], 0x10000; iretd
            handler(guest, 1, 0, "ff0500900000 814c240800000100 cf");
            guest.set(Register.RAX, EmulatedGuest.CODE + 11).set(Register.RBX, 1);

            // mov dr0, eax; mov dr7, ebx; mov ecx, 3; nop; loop back
            assertThat(guest.run("0f23c0 0f23fb b903000000 90 e2fd")).isInstanceOf(VmExit.Halt.class);

            assertThat(count(guest)).isEqualTo(3);
            assertThat(guest.get(Register.RFLAGS) & 1 << 16).isZero();
        }
    }

    @Test
    void rfLastsForOneInstructionAndARepeatedOneIsOne() {
        try (EmulatedGuest guest = flat(0, 0)) {
            handler(guest, 1, 0, "ff0500900000 814c240800000100 cf");
            guest.set(Register.RAX, EmulatedGuest.CODE + 11).set(Register.RBX, 1);
            guest.set(Register.RDI, 0xb000);

            // mov dr0, eax; mov dr7, ebx; mov ecx, 100; rep stosb
            assertThat(guest.run("0f23c0 0f23fb b964000000 f3aa")).isInstanceOf(VmExit.Halt.class);

            assertThat(count(guest)).isOne();
            assertThat(guest.get(Register.RCX)).isZero();
        }
    }

    // Handlers that return to what faulted.

    @Test
    void instructionIsExecutedAgainAfterItsPageHasBeenMapped() {
        try (EmulatedGuest guest = EmulatedGuest.paged(3).page(0xf0000, 0)) {
            guest.memory().writeInt(0xf0004, 0x12345678);
            // mov dword [page-table entry], 0xf0007; add esp, 4; iretd
            handler(guest, 14, 0, "c705c013010007000f00 83c404 cf");
            guest.put(EmulatedGuest.CODE, "a104000f00 cc"); // mov eax, [0xf0004]; int3

            guest.run();

            assertThat(guest.vector()).isEqualTo(3);
            assertThat(guest.get(Register.RAX)).isEqualTo(0x12345678);
            assertThat(guest.get(Register.CR2)).isEqualTo(0xf0004);
        }
    }

    @Test
    void repeatedInstructionGoesOnWhereItFaulted() {
        try (EmulatedGuest guest = EmulatedGuest.paged(3).page(0xf0000, 0)) {
            handler(guest, 14, 0, "c705c013010007000f00 ff0500900000 83c404 cf");
            guest.set(Register.RDI, 0xefff0).set(Register.RCX, 0x20).set(Register.RAX, 0x77);
            guest.put(EmulatedGuest.CODE, "f3aa cc"); // rep stosb; int3

            guest.run();

            assertThat(guest.vector()).isEqualTo(3);
            assertThat(count(guest)).isOne();
            assertThat(guest.get(Register.RCX)).isZero();
            assertThat(guest.get(Register.RDI)).isEqualTo(0xf0010);
            assertThat(guest.memory().read(0xefff0, 0x20)).containsOnly(0x77);
        }
    }

    @Test
    void systemCallFromRing3GoesToRing0AndBack() {
        try (EmulatedGuest guest = flat(3, IF)) {
            handler(guest, 0x80, 0, "89e3 8cd1 cf"); // mov ebx, esp; mov ecx, ss; iretd
            guest.put(EmulatedGuest.CODE, "cd80 89e5 8cd2 cc"); // int 0x80; mov ebp, esp; mov edx, ss; int3

            guest.run();

            assertThat(guest.get(Register.RBX)).isEqualTo(0x3000 - 20);
            assertThat(guest.get(Register.RCX)).isEqualTo(0x10);
            assertThat(guest.get(Register.RBP)).isEqualTo(EmulatedGuest.STACK);
            assertThat(guest.get(Register.RDX)).isEqualTo(0x43);
        }
    }

    @Test
    void exceptionsNestAndUnwind() {
        try (EmulatedGuest guest = flat(3, IF)) {
            handler(guest, 0x80, 0, "0f0b 43 cf"); // ud2; inc ebx; iretd
            handler(guest, 6, 0x40, "f7f1 83042402 43 cf"); // div ecx; add dword [esp], 2; inc ebx; iretd
            handler(guest, 0, 0x80, "cc 83042402 43 cf"); // int3; add dword [esp], 2; inc ebx; iretd
            handler(guest, 3, 0xc0, "43 cf"); // inc ebx; iretd
            guest.set(Register.RCX, 0);

            guest.run("cd80"); // int 0x80; hlt

            assertThat(guest.vector()).isEqualTo(13);
            assertThat(guest.get(Register.RBX)).isEqualTo(4);
            assertThat(guest.stack(1)).isEqualTo(EmulatedGuest.CODE + 2);
            assertThat(guest.stack(4)).isEqualTo(EmulatedGuest.STACK);
        }
    }

    @Test
    void returnToAnOuterRingLeavesNoSegmentOfTheInnerOne() {
        try (EmulatedGuest guest = flat(3, 0)) {
            handler(guest, 0x80, 0, "66b81000 8ed8 66b84300 8ec0 cf"); // ds of ring 0, es of ring 3
            guest.put(EmulatedGuest.CODE, "cd80 cc");

            guest.run();

            assertThat(guest.vcpu().state().segment(SegmentRegister.DS).isUnusable())
                    .isTrue();
            assertThat(guest.vcpu().state().segment(SegmentRegister.ES).selector())
                    .isEqualTo(0x43);
        }
    }

    @Test
    void alignmentCheckLastsUntilItIsSwitchedOff() {
        try (EmulatedGuest guest = flat(3, AC)) {
            // and dword [esp+12], ~AC; add esp, 4; iretd
            handler(guest, 17, 0, "8164240cfffffbff 83c404 cf");
            guest.set(Register.CR0, 0x40031).set(Register.RSI, EmulatedGuest.DATA + 1);
            guest.memory().writeInt(EmulatedGuest.DATA + 1, 7);

            guest.put(EmulatedGuest.CODE, "8b06 cc"); // mov eax, [esi]; int3
            guest.run();

            assertThat(guest.vector()).isEqualTo(3);
            assertThat(guest.get(Register.RAX)).isEqualTo(7);
        }
    }
}
