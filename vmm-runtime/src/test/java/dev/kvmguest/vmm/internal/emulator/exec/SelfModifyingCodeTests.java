package dev.kvmguest.vmm.internal.emulator.exec;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.OwnThread;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.internal.emulator.EmulatorEngine;
import dev.kvmguest.vmm.internal.engine.VirtualCpu;
import dev.kvmguest.vmm.internal.engine.VirtualMachine;
import dev.kvmguest.vmm.internal.engine.VmExit;
import java.util.HexFormat;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Whoever changes code that has been decoded already, the change is seen by the next instruction. */
@Timeout(20)
class SelfModifyingCodeTests {

    private EmulatedGuest guest = EmulatedGuest.real();

    @AfterEach
    void closeGuest() {
        guest.close();
    }

    private long al() {
        return guest.get(Register.RAX) & 0xff;
    }

    private long cl() {
        return guest.get(Register.RCX) & 0xff;
    }

    private void assertHalted(VmExit exit) {
        assertThat(exit).isInstanceOf(VmExit.Halt.class);
        assertThat(guest.vector()).isEqualTo(-1);
    }

    @Test
    void nextInstructionOfTheSameBlockIsExecutedAsChanged() {
        // mov byte [0x4006], 0x42; mov al, 0x11
        assertHalted(guest.run("c6 06 06 40 42  b0 11"));

        assertThat(al()).isEqualTo(0x42);
    }

    @Test
    void laterInstructionOfTheSameBlockIsExecutedAsChanged() {
        // mov byte [0x4009], 0x42; nop; nop; nop; mov al, 0x11
        assertHalted(guest.run("c6 06 09 40 42  90 90 90  b0 11"));

        assertThat(al()).isEqualTo(0x42);
    }

    @Test
    void instructionOfAnEarlierBlockIsExecutedAsChangedWhenItsTurnComesAgain() {
        // again: mov al, 1; mov byte [0x4001], 2; inc cx; cmp cx, 2; jb again
        assertHalted(guest.set(Register.RCX, 0).run("b0 01  c6 06 01 40 02  41  83 f9 02  72 f3"));

        assertThat(al()).isEqualTo(2);
    }

    @Test
    void codeInAnotherPageIsExecutedAsChanged() {
        // 0x5000: mov al, 1; ret
        guest.put(0x5000, "b0 01  c3");

        // call 0x5000; mov cl, al; mov byte [0x5001], 2; call 0x5000
        assertHalted(guest.run("e8 fd 0f  88 c1  c6 06 01 50 02  e8 f3 0f"));

        assertThat(cl()).isEqualTo(1);
        assertThat(al()).isEqualTo(2);
    }

    @Test
    void instructionThatCrossesPagesIsExecutedAsChangedInItsFirstPage() {
        // 0x4fff: mov ax, 0x0201; ret, of which the opcode is in the first page
        guest.put(0x4fff, "b8 01 02  c3");

        // call 0x4fff; mov cx, ax; mov byte [0x4fff], 0xbb (mov bx); call 0x4fff
        assertHalted(guest.run("e8 fc 0f  89 c1  c6 06 ff 4f bb  e8 f2 0f"));

        assertThat(guest.get(Register.RCX)).isEqualTo(0x0201);
        assertThat(guest.get(Register.RBX)).isEqualTo(0x0201);
    }

    @Test
    void instructionThatCrossesPagesIsExecutedAsChangedInItsSecondPage() {
        guest.put(0x4fff, "b8 01 02  c3");

        // call 0x4fff; mov cx, ax; mov byte [0x5001], 7; call 0x4fff
        assertHalted(guest.run("e8 fc 0f  89 c1  c6 06 01 50 07  e8 f2 0f"));

        assertThat(guest.get(Register.RCX)).isEqualTo(0x0201);
        assertThat(guest.get(Register.RAX)).isEqualTo(0x0701);
    }

    @Test
    void writeThatCrossesIntoAPageWithCodeIsSeen() {
        // 0x5000: mov al, 1; ret
        guest.put(0x5000, "b0 01  c3");

        // call 0x5000; mov dword [0x4ffe], 0x05b40000, which makes it mov ah, 5; call 0x5000
        assertHalted(guest.run("e8 fd 0f  66 c7 06 fe 4f 00 00 b4 05  e8 f1 0f"));

        assertThat(guest.get(Register.RAX)).isEqualTo(0x0501);
    }

    @Test
    void codeChangedByRepeatedMovsIsSeenBehindIt() {
        // What is copied over the 8 bytes behind the copy: mov al, 0x42; hlt
        guest.put(EmulatedGuest.DATA, "b0 42 f4 90 90 90 90 90");

        // mov si, 0x9000; mov di, 0x400b; mov cx, 8; rep movsb; mov al, 0x11 ...
        assertHalted(guest.run("be 00 90  bf 0b 40  b9 08 00  f3 a4  b0 11 90 90 90 90 90 90"));

        assertThat(al()).isEqualTo(0x42);
    }

    @Test
    void codeChangedByLongRepeatedStosIsSeen() {
        // 0x5800: mov al, 1; ret
        guest.put(0x5800, "b0 01  c3");

        // call 0x5800; mov al, 0xc3 (ret); mov di, 0x5000; mov cx, 0x1000; rep stosb; mov al, 0x33; call 0x5800
        assertHalted(guest.run("e8 fd 17  b0 c3  bf 00 50  b9 00 10  f3 aa  b0 33  e8 ee 17"));

        assertThat(al()).isEqualTo(0x33);
    }

    @Test
    void codeChangedByPushIsSeen() {
        // 0x5000: mov al, 1; ret
        guest.put(0x5000, "b0 01  c3");

        // call 0x5000; mov cl, al; mov bx, sp; mov sp, 0x5002; push 0x02b0; mov sp, bx; call 0x5000
        assertHalted(guest.run("e8 fd 0f  88 c1  89 e3  bc 02 50  68 b0 02  89 dc  e8 ee 0f"));

        assertThat(cl()).isEqualTo(1);
        assertThat(al()).isEqualTo(2);
    }

    @Test
    void codeChangedByLockedInstructionsIsSeen() {
        // 0x5000: mov al, 1; ret
        guest.put(0x5000, "b0 01  c3");

        // call 0x5000; mov cl, al; lock add byte [0x5001], 4; call 0x5000
        assertHalted(guest.run("e8 fd 0f  88 c1  f0 80 06 01 50 04  e8 f2 0f"));

        assertThat(cl()).isEqualTo(1);
        assertThat(al()).isEqualTo(5);
    }

    @Test
    void codeChangedThroughAnotherLinearAddressIsSeen() {
        guest.close();
        guest = EmulatedGuest.paged(0);
        // Linear 0x6000 is where the code is, too.
        guest.page(0x6000, 0x5000 | 7).put(0x5000, "b0 01  c3");

        // call 0x5000; mov cl, al; mov byte [0x6001], 2; call 0x5000
        assertHalted(guest.run("e8 fb 0f 00 00  88 c1  c6 05 01 60 00 00 02  e8 ed 0f 00 00"));

        assertThat(cl()).isEqualTo(1);
        assertThat(al()).isEqualTo(2);
    }

    @Test
    void otherPageAtTheSameLinearAddressIsExecutedAfterInvlpg() {
        guest.close();
        guest = EmulatedGuest.paged(0);
        guest.put(0x5000, "b0 01  c3").put(0x6000, "b0 02  c3");

        // call 0x5000; mov cl, al; mov dword [page table + 4 * 5], 0x6007; invlpg [0x5000]; call 0x5000
        assertHalted(guest.run(
                "e8 fb 0f 00 00  88 c1  c7 05 14 10 01 00 07 60 00 00  0f 01 3d 00 50 00 00  e8 e3 0f 00 00"));

        assertThat(cl()).isEqualTo(1);
        assertThat(al()).isEqualTo(2);
    }

    @Test
    void otherSecondPageOfAnInstructionIsExecutedAfterInvlpg() {
        guest.close();
        guest = EmulatedGuest.paged(0);
        // 0x5fff: mov eax, 1; ret, of which the opcode is in the first page
        guest.put(0x5fff, "b8 01 00 00 00  c3").put(0x7000, "02 00 00 00  c3");

        // call 0x5fff; mov ecx, eax; mov dword [page table + 4 * 6], 0x7007; invlpg [0x6000]; call 0x5fff
        assertHalted(guest.run(
                "e8 fa 1f 00 00  89 c1  c7 05 18 10 01 00 07 70 00 00  0f 01 3d 00 60 00 00  e8 e2 1f 00 00"));

        assertThat(guest.get(Register.RCX)).isEqualTo(1);
        assertThat(guest.get(Register.RAX)).isEqualTo(2);
    }

    @Test
    void codeChangedByTheHostBetweenExitsIsSeen() {
        // again: mov al, 1; out 0x80, al; jmp again
        VmExit first = guest.run("b0 01  e6 80  eb fa");
        guest.memory().writeByte(EmulatedGuest.CODE + 1, 2);
        VmExit second = guest.run();

        assertThat(first).isInstanceOfSatisfying(VmExit.PortOut.class, out -> assertThat(
                        out.data().get(0))
                .isEqualTo((byte) 1));
        assertThat(second).isInstanceOfSatisfying(VmExit.PortOut.class, out -> assertThat(
                        out.data().get(0))
                .isEqualTo((byte) 2));
    }

    @Test
    void codeChangedByTheHostWhileItIsExecutedIsSeen() {
        // again: mov byte [0x9000], 1; mov al, 1; cmp al, 2; jne again
        CompletableFuture<VmExit> end = OwnThread.supply(() -> guest.run("c6 06 00 90 01  b0 01  3c 02  75 f5"));
        while (guest.memory().readByte(EmulatedGuest.DATA) == 0) {
            Thread.onSpinWait();
        }
        guest.memory().writeByte(EmulatedGuest.CODE + 6, 2);

        assertHalted(end.orTimeout(10, TimeUnit.SECONDS).join());
    }

    @Test
    void codeChangedByAnotherVcpuIsSeen() {
        try (VirtualMachine machine = EmulatorEngine.instance().createMachine(1 << 20, 2)) {
            // again: mov al, 1; cmp al, 2; jne again; hlt
            machine.memory().write(0x1000, HexFormat.of().parseHex("b0013c0275faf4"));
            // mov cx, 20000; wait: loop wait; mov byte [0x1001], 2; hlt
            machine.memory().write(0x2000, HexFormat.of().parseHex("b9204ee2fec606011002f4"));

            CompletableFuture<VmExit> first = start(machine.vcpu(0), 0x1000);
            CompletableFuture<VmExit> second = start(machine.vcpu(1), 0x2000);

            assertThat(first.orTimeout(10, TimeUnit.SECONDS).join()).isInstanceOf(VmExit.Halt.class);
            assertThat(second.join()).isInstanceOf(VmExit.Halt.class);
        }
    }

    private static CompletableFuture<VmExit> start(VirtualCpu vcpu, int entry) {
        CpuState.Builder state = CpuState.builder()
                .set(Register.RIP, entry)
                .set(Register.RFLAGS, CpuState.EFLAGS_FIXED)
                .set(Register.CR0, CpuState.CR0_ET);
        for (SegmentRegister register : SegmentRegister.values()) {
            state.segment(register, SegmentState.real(0));
        }
        vcpu.setState(state.build());
        return OwnThread.supply(() -> {
            try {
                return vcpu.run();
            } finally {
                vcpu.finish();
            }
        });
    }
}
