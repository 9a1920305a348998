package dev.kvmguest.vmm.internal.advice.hang;

import static dev.kvmguest.vmm.TestGuest.realWithVectors;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.TestGuest;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.DescriptorTable;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.internal.board.PcBoard;
import dev.kvmguest.vmm.internal.x86.Cr0;
import dev.kvmguest.vmm.memory.GuestMemory;
import dev.kvmguest.vmm.outcome.Outcome;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What keeps an interrupt from a guest that has prepared for it: masks, cascade, devices not served, gates. */
@Timeout(60)
class InterruptAdviceTests {

    /** Vectors 8 (IRQ 0), 9 (IRQ 1) and 0x70 (IRQ 8) lead to 0x1040. */
    private static final String TIMER_VECTOR = "c7 06 20 00 40 10 c7 06 22 00 00 00";

    private static final String KEYBOARD_VECTOR = "c7 06 24 00 40 10 c7 06 26 00 00 00";
    private static final String CLOCK_VECTOR = "c7 06 c0 01 40 10 c7 06 c2 01 00 00";
    /** mov al,0x8b; out 0x70,al; mov al,0x42; out 0x71,al: periodic interrupts */
    private static final String CLOCK_GOES = "b0 8b e6 70 b0 42 e6 71";
    /** sti; again: hlt; jmp again */
    private static final String SLEEP = "fb f4 eb fd";
    /** push ax; mov al,0x20; out 0xa0,al; out 0x20,al; pop ax; iret */
    private static final String EOI = "50 b0 20 e6 a0 e6 20 58 cf";

    /** Returns mov al,mask; out 0x21,al */
    private static String master(String mask) {
        return "b0" + mask + "e6 21";
    }

    /** Returns mov al,mask; out 0xa1,al */
    private static String slave(String mask) {
        return "b0" + mask + "e6 a1";
    }

    private static VcpuConfig guest(String code, String handler) {
        return realWithVectors(code + " 90".repeat(0x40 - TestGuest.bytes(code).length) + handler);
    }

    private static List<String> advice(VcpuConfig guest) {
        Outcome outcome = TestGuest.run(guest, EngineChoice.EMULATOR);
        assertThat(outcome).isInstanceOf(Outcome.Halted.class);
        return outcome.run().diagnosis().standstill().orElseThrow().advice();
    }

    @Test
    void maskedTimerWithAHandlerIsNamedInPlaceOfInput() {
        assertThat(advice(guest(TIMER_VECTOR + KEYBOARD_VECTOR + master("fd") + SLEEP, EOI)))
                .containsExactly("IRQ 0 (timer) is masked, though vector 0x8 has a handler (0x1040) and the device is"
                        + " going: bit 0 of port 0x21 is set; clear what keeps back the one that the guest waits for"
                        + " (as it is, only input could wake it)");
    }

    @Test
    void maskedTimerWithoutAHandlerIsNotMissed() {
        assertThat(advice(guest(KEYBOARD_VECTOR + master("fd") + SLEEP, EOI)))
                .singleElement()
                .asString()
                .startsWith("only input could wake the guest from its HLT");
    }

    @Test
    void severalThatAreMaskedAreNamedTogether() {
        assertThat(advice(guest(TIMER_VECTOR + KEYBOARD_VECTOR + SLEEP, EOI)))
                .singleElement()
                .asString()
                .startsWith("IRQ 0 (timer) and IRQ 1 (keyboard) are masked, though vector 0x8 has a handler (0x1040),"
                        + " vector 0x9 has a handler (0x1040) and the device is going: bit 0 of port 0x21 is set, bit 1"
                        + " of port 0x21 is set; ");
    }

    @Test
    void maskOfTheSlaveTakesTheLinesNumberLessEight() {
        assertThat(advice(guest(CLOCK_VECTOR + CLOCK_GOES + master("fb") + slave("ff") + SLEEP, EOI)))
                .singleElement()
                .asString()
                .startsWith("IRQ 8 (CMOS clock) is masked, though vector 0x70 has a handler (0x1040) and the device is"
                        + " going: bit 0 of port 0xa1 is set (IRQ 8 is bit 8 - 8 = 0 of the slave's mask); ");
    }

    @Test
    void lineOfTheSlaveComesThroughIrq2() {
        assertThat(advice(guest(CLOCK_VECTOR + CLOCK_GOES + master("ff") + slave("fe") + SLEEP, EOI)))
                .singleElement()
                .asString()
                .contains("it is open at the slave 8259A, but bit 2 of port 0x21, IRQ 2, through which all lines of the"
                        + " slave come, is set");
        assertThat(advice(guest(CLOCK_VECTOR + CLOCK_GOES + master("ff") + slave("ff") + SLEEP, EOI)))
                .singleElement()
                .asString()
                .contains("of the slave's mask), and so is bit 2 of port 0x21, IRQ 2");
    }

    @Test
    void clockThatWasNotSetGoingIsNotWaitedFor() {
        assertThat(advice(guest(CLOCK_VECTOR + master("fb") + slave("ff") + SLEEP, EOI)))
                .isEmpty();
    }

    @Test
    void clockWhoseRegisterCIsNotReadInterruptsOnce() {
        String code = CLOCK_VECTOR + CLOCK_GOES + master("fb") + slave("fe") + SLEEP;

        assertThat(advice(guest(code, EOI)))
                .containsExactly("register C of the clock was not read since IRQ 8 (CMOS clock) was taken, so that no"
                        + " further IRQ 8 comes; have whatever handles that interrupt (0x1040 now) write 0x0c to port"
                        + " 0x70 and read port 0x71 each time, before its IRET");
    }

    @Test
    void scanCodeThatIsNotReadKeepsOthersFromComing() {
        assertThat(advice(guest(KEYBOARD_VECTOR + master("fd") + SLEEP, EOI).withInput("a")))
                .containsExactly("a byte waits in port 0x60 and was never read since IRQ 1 (keyboard) was taken, so"
                        + " that no further IRQ 1 comes and some of the input is not read; have whatever handles that"
                        + " interrupt (0x1040 now) read port 0x60 each time, before its IRET");
    }

    @Test
    void scanCodesThatAreReadAreFollowedByOthers() {
        // push ax; in al,0x60; mov al,0x20; out 0x20,al; pop ax; iret
        assertThat(advice(guest(KEYBOARD_VECTOR + master("fd") + SLEEP, "50 e4 60 b0 20 e6 20 58 cf")
                        .withInput("a")))
                .singleElement()
                .asString()
                .startsWith("only input could wake the guest from its HLT, and all that was typed has been read");
    }

    /** ICW1 to ICW4 of the master, at vector 8, with ICW3 as given. */
    private static String initialized(String icw3) {
        return "b0 11 e6 20 b0 08 e6 21 b0" + icw3 + "e6 21 b0 01 e6 21";
    }

    @Test
    void masterHasToKnowWhereTheSlaveIs() {
        // Vector 0x0a, which is the master's input 2 itself, leads to the handler too.
        String inputTwo = "c7 06 28 00 40 10";
        String rest = CLOCK_VECTOR + inputTwo + CLOCK_GOES + master("fb") + slave("fe") + SLEEP;

        assertThat(advice(guest(initialized("02") + rest, EOI)))
                .containsExactly("ICW3 does not tell both 8259A that the slave is at input 2 of the master, so that IRQ"
                        + " 8 (CMOS clock) does not come at its vector; in the initialization, write 4 (a bit for each"
                        + " input) to port 0x21 as ICW3 and 2 (the input's number) to port 0xa1");
        assertThat(advice(guest(initialized("04") + rest, EOI)))
                .singleElement()
                .asString()
                .startsWith("register C of the clock was not read");
    }

    private static List<String> whileTimerIsInService(long gate, byte[] code) {
        CpuState registers = CpuState.builder()
                .set(Register.CR0, Cr0.PE)
                .set(Register.RFLAGS, CpuState.EFLAGS_FIXED | CpuState.EFLAGS_IF)
                .idt(new DescriptorTable(0x1000, 0x7ff))
                .build();
        PcBoard board = new PcBoard(octet -> {}, new PcBoard.Setup(1 << 20, MachineConfig.DEFAULT_DATE, false));
        for (int[] write : new int[][] {{0x20, 0x11}, {0x21, 0x20}, {0x21, 4}, {0x21, 1}, {0x21, 0xfe}}) {
            board.ports().write(write[0], 1, write[1]);
        }
        board.advanceTo(100_000_000);
        assertThat(board.acknowledgeInterrupt()).isEqualTo(0x20);
        GuestMemory memory = new GuestMemory(ByteBuffer.allocateDirect(0x20000), () -> {});
        memory.writeLong(0x1000 + 0x20 * 8, gate);
        memory.write(0x12340, code);
        GuestImage image = TestGuest.image("90", new GuestImage.Symbol("tick", 0x12340, 0));
        InterruptContext context = new InterruptContext(
                board.interruptLines(), true, false, InterruptContext.Input.NONE, true, true, true, Map.of());
        return Standstills.of(HangTrace.of(registers, true, Set.of(0)), context, image, memory)
                .advice();
    }

    @Test
    void gateThatLeadsToNoCodeIsToBlame() {
        byte[] code = {(byte) 0xcf};

        assertThat(whileTimerIsInService(0x0000_8e00_0008_2340L, code))
                .containsExactly("IDT[32], the gate of IRQ 0 (timer), leads to 0x2340, where there is no code, so that"
                        + " no handler of the guest has run; that is the low half of tick (0x12340): set the high half"
                        + " too, in bytes 6 and 7 of the gate");
        assertThat(whileTimerIsInService(0x0001_8e00_0008_0000L, code))
                .singleElement()
                .asString()
                .endsWith(
                        "that is the high half of tick (0x12340): set the low half too, in bytes 0 and 1 of the gate");
        assertThat(whileTimerIsInService(0x0000_8e00_0008_2344L, code))
                .singleElement()
                .asString()
                .endsWith("so that no handler of the guest has run; put the handler's address there");
    }

    @Test
    void gateThatLeadsToCodeIsNot() {
        assertThat(whileTimerIsInService(0x0001_8e00_0008_2340L, new byte[] {(byte) 0xcf}))
                .singleElement()
                .asString()
                .startsWith("IRQ 0 (timer) has had no EOI");
    }
}
