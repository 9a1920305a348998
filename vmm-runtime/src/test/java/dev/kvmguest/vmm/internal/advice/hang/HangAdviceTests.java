package dev.kvmguest.vmm.internal.advice.hang;

import static dev.kvmguest.vmm.TestGuest.flat;
import static dev.kvmguest.vmm.TestGuest.realWithVectors;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.TestGuest;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.diagnosis.Standstill;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.internal.board.InterruptLine;
import dev.kvmguest.vmm.internal.board.PcBoard;
import dev.kvmguest.vmm.memory.GuestMemory;
import dev.kvmguest.vmm.outcome.Outcome;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What is advised about guests that stand still, and what isn't about those that are nearly like them. */
@Timeout(60)
class HangAdviceTests {

    /** mov word [0x20],0x1040; mov al,0x34; out 0x43,al; mov al,0xa9; out 0x40,al; mov al,4; out 0x40,al: 1000 Hz */
    private static final String TIMER = "c7 06 20 00 40 10 b0 34 e6 43 b0 a9 e6 40 b0 04 e6 40";
    /** mov al,0xfe; out 0x21,al */
    private static final String OPEN_TIMER = "b0 fe e6 21";
    /** again: cmp byte [0x2000],0; je again */
    private static final String WAIT_FOR_FLAG = "80 3e 00 20 00 74 f9";
    /** push ax; mov al,0x20; out 0x20,al; pop ax; iret */
    private static final String HANDLER = "50 b0 20 e6 20 58 cf";
    /** iret */
    private static final String WITHOUT_EOI = "cf";

    private static String withHandler(String code, String handler) {
        return code + " 90".repeat(0x40 - TestGuest.bytes(code).length) + handler;
    }

    private static List<String> hang(VcpuConfig guest) {
        Outcome outcome = TestGuest.hang(guest, EngineChoice.EMULATOR);
        assertThat(outcome).isInstanceOf(Outcome.TimedOut.class);
        return outcome.run().diagnosis().standstill().orElseThrow().advice();
    }

    private static Standstill halt(String code) {
        Outcome outcome = TestGuest.run(realWithVectors(code), EngineChoice.EMULATOR);
        assertThat(outcome).isInstanceOf(Outcome.Halted.class);
        return outcome.run().diagnosis().standstill().orElseThrow();
    }

    @Test
    void handlerWithoutEoiKeepsAHaltedGuestAsleep() {
        // sti; again: hlt; jmp again
        Standstill standstill = halt(withHandler(TIMER + OPEN_TIMER + "fb f4 eb fd", WITHOUT_EOI));

        assertThat(standstill.interrupts()).containsExactly("IRQ 0 (timer) is in service: it has had no EOI");
        assertThat(standstill.advice())
                .containsExactly(
                        "IRQ 0 (timer) has had no EOI, so that neither it nor what comes after it is let through;"
                                + " have the handler write 0x20 to port 0x20 before its IRET");
    }

    @Test
    void handlerWithoutEoiKeepsAFlagFromChanging() {
        assertThat(hang(realWithVectors(withHandler(TIMER + OPEN_TIMER + "fb" + WAIT_FOR_FLAG, WITHOUT_EOI))))
                .singleElement()
                .asString()
                .startsWith("IRQ 0 (timer) has had no EOI");
    }

    @Test
    void handlerWithoutEoiKeepsNothingFromAGuestThatIsBusyByItself() {
        // one tick after 1 ms (mode 0); sti; again: inc cx; jmp again
        String oneTick = "c7 06 20 00 40 10 b0 30 e6 43 b0 a9 e6 40 b0 04 e6 40";

        assertThat(hang(realWithVectors(withHandler(oneTick + OPEN_TIMER + "fb 41 eb fd", WITHOUT_EOI))))
                .isEmpty();
        assertThat(hang(realWithVectors(withHandler(TIMER + OPEN_TIMER + "fb 41 eb fd", WITHOUT_EOI))))
                .as("more ticks wait behind the first")
                .singleElement()
                .asString()
                .startsWith("IRQ 0 (timer) has had no EOI");
    }

    @Test
    void handlerThatHangsBeforeItsEoiIsNotToldToSendIt() {
        // sti; hlt; (at 0x1040) jmp here
        assertThat(hang(realWithVectors(withHandler(TIMER + OPEN_TIMER + "fb f4", "eb fe"))))
                .singleElement()
                .asString()
                .startsWith("nothing ends jmp 0x1040");
    }

    @Test
    void interruptOnItsWayToItsHandlerIsNotMistakenForOneWithoutEoi() {
        CpuState registers = CpuState.builder()
                .set(Register.RFLAGS, CpuState.EFLAGS_FIXED | CpuState.EFLAGS_IF)
                .segment(SegmentRegister.CS, SegmentState.real(0))
                .build();
        PcBoard board = board();
        board.ports().write(0x21, 1, 0xfe);
        board.advanceTo(100_000_000);
        board.acknowledgeInterrupt();
        List<InterruptLine> lines = board.interruptLines();

        assertThat(advice(HangTrace.of(registers, true, Set.of(0)), lines, true))
                .hasSize(1);
        assertThat(advice(HangTrace.of(registers, true, Set.of(0)), lines, false))
                .isEmpty();
        assertThat(advice(HangTrace.of(registers, true, Set.of()), lines, true))
                .as("the EOI came a moment later")
                .isEmpty();
    }

    private static PcBoard board() {
        return new PcBoard(octet -> {}, new PcBoard.Setup(1 << 20, MachineConfig.DEFAULT_DATE, false));
    }

    private static List<String> advice(HangTrace seen, List<InterruptLine> lines, boolean takesInterrupts) {
        InterruptContext context = new InterruptContext(
                lines, takesInterrupts, false, InterruptContext.Input.NONE, true, true, true, Map.of());
        GuestMemory memory = new GuestMemory(ByteBuffer.allocateDirect(4096), () -> {});
        return Standstills.of(seen, context, GuestImage.flat("guest", new byte[1]), memory)
                .advice();
    }

    @Test
    void interruptsThatAreOffChangeNoFlag() {
        assertThat(hang(realWithVectors(WAIT_FOR_FLAG)))
                .containsExactly(
                        "the loop looks at memory at 0x2000, which no handler can change while interrupts are off"
                                + " (IF is clear); if it waits for an interrupt, STI must come before it");
    }

    @Test
    void interruptThatWaitsWhileInterruptsAreOffIsNamed() {
        assertThat(hang(realWithVectors(withHandler(TIMER + OPEN_TIMER + WAIT_FOR_FLAG, HANDLER))))
                .singleElement()
                .asString()
                .endsWith("while interrupts are off (IF is clear), though IRQ 0 (timer) is pending; if it waits for an"
                        + " interrupt, STI must come before it");
    }

    @Test
    void interruptsThatAreMaskedChangeNoFlag() {
        assertThat(hang(realWithVectors("fb" + WAIT_FOR_FLAG))) // sti
                .containsExactly(
                        "the loop looks at memory at 0x2000, which no handler can change while all interrupts are"
                                + " masked; clear the mask bit of the one that is meant, in port 0x21 for IRQ 0 to 7 and"
                                + " in port 0xa1 for IRQ 8 to 15");
    }

    @Test
    void lockThatNobodyReleasesIsTold() {
        // again: mov al,1; xchg [0x2000],al; test al,al; jnz again, with the lock taken
        String lock = "b0 01 86 06 00 20 84 c0 75 f6";

        assertThat(hang(realWithVectors("c6 06 00 20 01" + lock)))
                .containsExactly("the loop tries to take the lock memory at 0x2000, which isn't free, and nobody can"
                        + " release it: nothing else runs while it waits, since this is the only vCPU and interrupts"
                        + " are off; look for code that takes it twice, returns without releasing it, or never made"
                        + " it free");
        // sti
        assertThat(hang(realWithVectors("fb c6 06 00 20 01" + lock)))
                .singleElement()
                .asString()
                .contains(" only vCPU and all interrupts are masked; ");
        assertThat(hang(realWithVectors(withHandler(TIMER + OPEN_TIMER + "fb c6 06 00 20 01" + lock, HANDLER))))
                .as("the timer's handler may run somebody else")
                .isEmpty();
    }

    @Test
    void flagThatIsLookedAtBesidesALockIsAFlag() {
        // mov byte [0x2000],1; again: cmp byte [0x2000],0; jne again
        assertThat(hang(realWithVectors("c6 06 00 20 01 80 3e 00 20 00 75 f9")))
                .singleElement()
                .asString()
                .startsWith("the loop looks at memory at 0x2000, which no handler can change");
    }

    @Test
    void flagMayChangeWhileInterruptsCome() {
        assertThat(hang(realWithVectors(withHandler(TIMER + OPEN_TIMER + "fb" + WAIT_FOR_FLAG, HANDLER))))
                .isEmpty();
    }

    @Test
    void flagThatChangesIsNoneThatCannot() {
        // again: inc byte [0x2000]; cmp byte [0x2000],0; jb again, which never jumps; jmp again
        assertThat(hang(realWithVectors("fe 06 00 20 80 3e 00 20 00 72 f5 eb f3")))
                .isEmpty();
    }

    @Test
    void loopWithoutAConditionWaitsForNothing() {
        assertThat(hang(realWithVectors("a0 00 20 eb fb"))).isEmpty(); // again: mov al,[0x2000]; jmp again
    }

    @Test
    void variablesOnTheStackAreNoFlags() {
        // mov esp,0x8000; push 0; mov ebp,esp; again: cmp dword [ebp],0; je again
        assertThat(hang(flat("bc 00 80 00 00 6a 00 89 e5 83 7d 00 00 74 fa"))).isEmpty();
    }

    @Test
    void inputThatNobodyTypesIsMissed() {
        String rest =
                ", and nothing was typed; give it some: input of @KvmGuest, of the check or -Dkvm.input, or Guest.type"
                        + " while it runs";

        assertThat(hang(realWithVectors(
                        "ba fd 03 ec a8 01 74 fb"))) // mov dx,0x3fd; again: in al,dx; test al,1; jz again
                .containsExactly("there is no byte at COM1 (bit 0 of port 0x3fd is clear)" + rest);
        assertThat(hang(realWithVectors("e4 64 a8 01 74 fa"))) // again: in al,0x64; test al,1; jz again
                .containsExactly("there is no scan code at the keyboard (bit 0 of port 0x64 is clear)" + rest);
        // mov dx,0x500; again: mov al,2; out dx,al; in al,dx; cmp al,0xff; je again
        assertThat(hang(realWithVectors("ba 00 05 b0 02 ee ec 3c ff 74 f8")))
                .containsExactly("there is no byte at the hypercall port 0x500" + rest);
    }

    @Test
    void inputThatHasAllBeenReadIsMissedToo() {
        // mov dx,0x3f8; in al,dx; mov dx,0x3fd; again: in al,dx; test al,1; jz again
        assertThat(hang(realWithVectors("ba f8 03 ec ba fd 03 ec a8 01 74 fb").withInput("x")))
                .singleElement()
                .asString()
                .contains("is clear), and all that was typed has been read; give it some");
    }

    @Test
    void inputThatIsThereIsNotMissed() {
        // again: in al,0x64; test al,0x20; jz again: waits for a mouse
        assertThat(hang(realWithVectors("e4 64 a8 20 74 fa").withInput("x"))).isEmpty();
        // mov dx,0x3fd; again: in al,dx; test al,1; jnz again: waits for the end of input
        assertThat(hang(realWithVectors("ba fd 03 ec a8 01 75 fb").withInput("x")))
                .isEmpty();
    }

    @Test
    void deviceThatIsNotThereIsMissed() {
        // mov dx,0x1f7; again: in al,dx; test al,0x80; jnz again
        assertThat(hang(realWithVectors("ba f7 01 ec a8 80 75 fb")))
                .containsExactly(
                        "the loop waits for port 0x1f7, where this machine has no primary IDE channel, so that it"
                                + " always reads 0xff; see whether the device is there before waiting for it (all ones say"
                                + " that it isn't), or give up after a while");
        // again: test dword [0xfee00300],0x1000; jnz again
        assertThat(hang(flat("f7 05 00 03 e0 fe 00 10 00 00 75 f4")))
                .singleElement()
                .asString()
                .startsWith(
                        "the loop waits for physical address 0xfee00300, where this machine has no local APIC, so that"
                                + " it always reads 0xffffffff; ");
        // mov dx,0x510; again: in ax,dx; test ax,1; jnz again
        assertThat(hang(realWithVectors("ba 10 05 ed a9 01 00 75 fa")))
                .singleElement()
                .asString()
                .startsWith("the loop waits for port 0x510, where this machine has no device, so that it always reads"
                        + " 0xffff; ");
    }

    @Test
    void deviceThatIsLookedAtAmongOthersIsNotWaitedFor() {
        // mov dx,0x1f7; again: in al,dx; inc byte [0x2000]; cmp byte [0x2000],0; jb again, never taken;
        // jmp again
        assertThat(hang(realWithVectors("ba f7 01 ec fe 06 00 20 80 3e 00 20 00 72 f4 eb f2")))
                .isEmpty();
        // mov dx,0x1f7; again: in al,dx; jmp again
        assertThat(hang(realWithVectors("ba f7 01 ec eb fd"))).isEmpty();
    }

    @Test
    void keyThatNobodyPressesIsMissed() {
        // mov word [0x24],0x1040; mov al,0xfd; out 0x21,al; sti; hlt
        assertThat(halt(withHandler("c7 06 24 00 40 10 b0 fd e6 21 fb f4", HANDLER))
                        .advice())
                .singleElement()
                .asString()
                .startsWith("only input could wake the guest from its HLT, and nothing was typed; give it some");
    }

    @Test
    void haltWithAllInterruptsMaskedAsksForOne() {
        Standstill standstill = halt("fb f4"); // sti; hlt

        assertThat(standstill.interrupts()).containsExactly("all interrupt requests are masked");
        assertThat(standstill.advice())
                .containsExactly(
                        "all interrupts are masked, so that none ends the HLT; clear the mask bit of the one that"
                                + " is meant, in port 0x21 for IRQ 0 to 7 and in port 0xa1 for IRQ 8 to 15");
    }

    @Test
    void haltAmidTheInitializationOfAControllerSaysSo() {
        Standstill standstill = halt("b0 11 e6 20 fb f4"); // mov al,0x11; out 0x20,al; sti; hlt

        assertThat(standstill.interrupts())
                .containsExactly("an 8259A is amid its initialization (ICW2 to ICW4), and lets nothing through");
        assertThat(standstill.advice())
                .containsExactly(
                        "an 8259A has had ICW1 but not all that must follow, so that no interrupt comes through; write"
                                + " ICW2, ICW3 and, if ICW1 has announced it, ICW4 to its data port (0x21, 0xa1)");
    }

    /** mov cx,-1; here: loop here: 65,535 instructions, 0.7 ms */
    private static final String DELAY = "b9 ff ff e2 fe";

    @Test
    void haltWithInterruptsOffWhileOneWaitsMissesSti() {
        Standstill standstill = halt(withHandler(TIMER + OPEN_TIMER + DELAY + DELAY + "f4", HANDLER)); // hlt

        assertThat(standstill.interrupts()).containsExactly("IRQ 0 (timer) is pending, and IF is off");
        assertThat(standstill.advice())
                .containsExactly(
                        "IRQ 0 (timer) is pending, but HLT with interrupts off (IF is clear) ends the run; if the"
                                + " guest was to wait for it, STI must come just before HLT");
    }

    @Test
    void haltBehindCliIsMeant() {
        assertThat(halt(withHandler(TIMER + OPEN_TIMER + DELAY + DELAY + "fa f4", HANDLER)) // cli; hlt
                        .advice())
                .isEmpty();
    }

    @Test
    void endOfAnotherInstructionIsNoCli() {
        String code = withHandler(TIMER + OPEN_TIMER + DELAY + DELAY + "b0 fa f4", HANDLER); // mov al,0xfa; hlt

        assertThat(halt(code).advice())
                .as("nothing says where instructions begin")
                .isEmpty();
        assertThat(haltIn(code, 0)).singleElement().asString().startsWith("IRQ 0 (timer) is pending, but HLT");
        assertThat(haltIn(code, TestGuest.bytes(TIMER + OPEN_TIMER + DELAY + DELAY).length + 1))
                .as("a symbol amid the MOV, at what is CLI then")
                .isEmpty();
    }

    /** Returns what is advised about a guest whose only symbol is so far behind its start. */
    private static List<String> haltIn(String code, int symbol) {
        GuestImage image = TestGuest.image(code, new GuestImage.Symbol("wait", 0x1000 + symbol, 0));
        Outcome outcome = TestGuest.run(VcpuConfig.of(image), EngineChoice.EMULATOR);
        return outcome.run().diagnosis().standstill().orElseThrow().advice();
    }

    @Test
    void haltWithInterruptsOffWhereNothingWaitsIsMeant() {
        assertThat(halt(withHandler(TIMER + "f4", HANDLER)).advice()).isEmpty(); // hlt
    }

    @Test
    void haltInAHandlerIsMeant() {
        // sti; hlt; (at 0x1040) hlt
        assertThat(halt(withHandler(TIMER + OPEN_TIMER + "fb f4", DELAY + DELAY + "f4"))
                        .advice())
                .isEmpty();
    }

    @Test
    void jumpToItselfIsNoWayToEnd() {
        assertThat(hang(flat("eb fe"))) // here: jmp here
                .containsExactly(
                        "nothing ends jmp 0x1000 at 0x1000, which jumps to itself with interrupts off; a guest that"
                                + " is done ends its run with CLI and HLT, or by the debug-exit port 0xf4");
        assertThat(hang(realWithVectors("fb eb fe"))) // sti; here: jmp here
                .singleElement()
                .asString()
                .contains("with all interrupts masked");
    }

    @Test
    void jumpToItselfMayBeHowAGuestWaitsForInterrupts() {
        // sti; here: jmp here
        assertThat(hang(realWithVectors(withHandler(TIMER + OPEN_TIMER + "fb eb fe", HANDLER))))
                .isEmpty();
    }

    @Test
    void exceptionThatItsHandlerReturnsToIsEndless() {
        // mov word [0x18],0x1040; ud2; (at 0x1040) inc ax; iret
        assertThat(hang(realWithVectors(withHandler("c7 06 18 00 40 10 0f 0b", "40 cf"))))
                .singleElement()
                .asString()
                .startsWith("#UD is raised again and again by ud2 at 0x1006, since its handler returns to that"
                        + " instruction");
    }

    @Test
    void exceptionsInALoopThatGoesOnAreNone() {
        // mov word [0x18],0x1040; again: ud2; jmp again; (at 0x1040) push bp; mov bp,sp; add word [bp+2],2; pop bp;
        // iret
        assertThat(hang(realWithVectors(withHandler("c7 06 18 00 40 10 0f 0b eb fc", "55 89 e5 83 46 02 02 5d cf"))))
                .isEmpty();
    }

    @Test
    void guestThatEndsWhileItIsLookedAtWasOnlySlow() {
        CpuState registers = CpuState.builder()
                .segment(SegmentRegister.CS, SegmentState.real(0))
                .build();
        HangTrace seen = new HangTrace(
                registers, false, List.of(), List.of(), List.of(), Set.of(), Optional.of("halted with interrupts off"));

        assertThat(advice(seen, board().interruptLines(), false))
                .containsExactly("the guest was not stuck: moments after its time limit it halted with interrupts off;"
                        + " give it more time (timeout)");
    }
}
