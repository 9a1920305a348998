package dev.kvmguest.vmm.diagnosis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import dev.kvmguest.vmm.NeedsKvm;
import dev.kvmguest.vmm.TestGuest;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.diagnosis.TakenEvent.Kind;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.report.TextReport;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Which exception an end is said to come from. */
class OriginTests {

    private static final int UD = 6;
    private static final int GP = 13;
    private static final int CODE = 0x1019;

    private static final String UD2 = "0f 0b";
    private static final String HALT = "fa f4"; // cli; hlt
    private static final String SKIP_AND_RETURN = "83 04 24 02 cf"; // add dword [esp],2; iretd

    /**
     * Returns a guest at 0x1000 with ESP 0x9000 and one handler: two MOV make its gate, one sets ESP; the code begins at
     * 0x1019, and the handler comes after it.
     */
    private static String guest(int vector, String code, String handler) {
        int gate = 0x528 + 8 * vector;
        int address = CODE + TestGuest.bytes(code).length;
        return "c7 05" + littleEndian(gate) + littleEndian(address | 0x8_0000)
                + "c7 05" + littleEndian(gate + 4) + "00 8e 00 00"
                + "bc 00 90 00 00"
                + code
                + handler;
    }

    private static String littleEndian(int number) {
        return String.format("%08x", Integer.reverseBytes(number));
    }

    private static Outcome run(String code) {
        return TestGuest.hang(TestGuest.flat(code), EngineChoice.EMULATOR);
    }

    private static Optional<Fault> origin(String code) {
        return run(code).run().diagnosis().origin();
    }

    @Test
    void handlerThatHaltsHidesNothing() {
        Outcome outcome = run(guest(UD, "41" + UD2, HALT));

        Fault origin = outcome.run().diagnosis().origin().orElseThrow();
        assertThat(outcome.kind()).isEqualTo(Outcome.Kind.HALTED);
        assertThat(origin.first().name()).isEqualTo("#UD");
        assertThat(origin.at().inWords()).isEqualTo("ud2 at 0x101a");
        assertThat(origin.registers().eip()).isEqualTo(0x101a);
        assertThat(origin.lastInstructions())
                .extracting(GuestInstruction::text)
                .containsExactly(
                        "mov dword [0x558], 0x8101c", "mov dword [0x55c], 0x8e00", "mov esp, 0x9000", "inc ecx");
        assertThat(origin.handler().orElseThrow())
                .returns(0x101cL, Fault.Handler::eip)
                .returns(1L, Fault.Handler::times)
                .returns(1, Fault.Handler::rounds);
        assertThat(TextReport.brief(outcome))
                .contains("  began with #UD: ud2  (0f 0b)\n"
                        + "    -> its handler at 0x101c had not returned when the guest halted with interrupts off\n");
    }

    @Test
    void handlerThatReturnsIntoTheFaultIsToldOnceAsWhatItBeganWith() {
        Outcome outcome = run(guest(UD, "41" + UD2, "cf"));

        Fault origin = outcome.run().diagnosis().origin().orElseThrow();
        assertThat(outcome.kind()).isEqualTo(Outcome.Kind.TIMED_OUT);
        assertThat(origin.at().inWords()).isEqualTo("ud2 at 0x101a");
        assertThat(origin.handler().orElseThrow().rounds()).isGreaterThan(1000);
        assertThat(origin.shutdown()).isEqualTo("returned to the instruction, which raised it again and again");
        assertThat(origin.lastInstructions().get(3).text()).isEqualTo("inc ecx");
    }

    @Test
    void exceptionInItsOwnHandlerIsToldAsTheFirstOne() {
        // The limit comes before the frames on the stack have overwritten the code.
        Outcome outcome = TestGuest.hang(TestGuest.flat(guest(UD, "41" + UD2, "90" + UD2)), Duration.ofNanos(50_000));

        Fault origin = outcome.run().diagnosis().origin().orElseThrow();
        assertThat(origin.at().inWords()).isEqualTo("ud2 at 0x101a");
        assertThat(origin.handler().orElseThrow().inside())
                .hasSize(Fault.MOST_INSIDE)
                .allSatisfy(inside -> assertThat(inside.at().inWords()).isEqualTo("ud2 at 0x101d"));
    }

    @Test
    void whatAStormHasOverwrittenIsToldAsItWasThen() {
        // lgdt [0x1034]; mov esp,0x1110; mov eax,0x38; mov ds,eax. The handler does so, too, until its frames have
        // overwritten the GDT, which is below the stack: entry 7 first, which is an LDT.
        Outcome outcome = run(guest(
                GP,
                "0f 01 15 34 10 00 00 bc 10 11 00 00 b8 38 00 00 00 8e d8",
                "b8 38 00 00 00 8e d8 90 3f 00 40 10 00 00" + "00".repeat(6 + 8)
                        + "ff ff 00 00 00 9a cf 00 ff ff 00 00 00 92 cf 00" + "00".repeat(4 * 8)
                        + "00 00 00 00 00 82 00 00" + "00".repeat(0x90)));

        Fault origin = outcome.run().diagnosis().origin().orElseThrow();
        assertThat(origin.handler().orElseThrow().inside()).hasSize(Fault.MOST_INSIDE);
        assertThat(origin.advice())
                .containsExactly("mov ds, ax at 0x102a loads the selector 0x38, but entry 7 of the GDT at 0x1040 is an"
                        + " LDT; it takes data, or code that can be read; a selector is 8 times the number of its entry,"
                        + " plus the ring");
    }

    @Test
    void tripleFaultInAHandlerIsToldAsWhatItBeganWith() {
        // mov eax,0x40; mov ds,eax: #GP without a gate
        Outcome outcome = run(guest(UD, UD2, "b8 40 00 00 00 8e d8"));

        assertThat(outcome.fault().orElseThrow().first().name()).isEqualTo("#GP");
        assertThat(outcome.run().diagnosis().origin().orElseThrow().at().inWords())
                .isEqualTo("ud2 at 0x1019");
        assertThat(TextReport.brief(outcome))
                .containsSubsequence("began with #UD: ud2", "then #GP(0x40): mov ds, ax", "shutdown: IDT[8]")
                .doesNotContain("has no gate for", "but none for");
    }

    @Test
    void exceptionInAHandlerThatHasWorkedBeforeIsAnotherMatter() {
        // dec ebx; jnp $+7; add dword [esp],2; iretd; mov eax,0x40; mov ds,eax
        Outcome outcome = run(guest(UD, UD2 + UD2, "4b 7b 05 83 04 24 02 cf b8 40 00 00 00 8e d8"));

        assertThat(outcome.fault().orElseThrow().first().name()).isEqualTo("#GP");
        assertThat(outcome.run().diagnosis().taken())
                .extracting(TakenEvent::name, TakenEvent::times)
                .containsExactly(tuple("#UD", 1L), tuple("#UD", 1L));
        assertThat(outcome.run().diagnosis().origin()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({"00, false", "01, true"})
    void debugExitInAHandlerTellsByItsValueWhetherItWasExpected(String value, boolean told) {
        // mov al,(value); out 0xf4,al
        assertThat(origin(guest(UD, UD2, "b0" + value + "e6 f4")).isPresent()).isEqualTo(told);
    }

    @Test
    void whatHandlersFinishedIsNotTold() {
        assertThat(origin(guest(UD, UD2 + UD2 + HALT, SKIP_AND_RETURN))).isEmpty();
    }

    @Test
    void handlerThatWasLeftForGoodIsNotTold() {
        // As longjmp does: mov esp,0x9000; nop
        assertThat(origin(guest(UD, UD2, "bc 00 90 00 00 90" + HALT))).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({"3, cc", "48, cd 30", "13, cd 0d"}) // int3; int 0x30; int 13
    void handlerThatIsCalledOnPurposeIsNotTold(int vector, String call) {
        assertThat(origin(guest(vector, call, HALT))).isEmpty();
    }

    /**
     * The timer at vector 0x20: mov al,0x11; out 0x20,al; mov al,0x20; out 0x21,al; mov al,4; out 0x21,al; mov al,1; out
     * 0x21,al; mov al,0xfe; out 0x21,al
     */
    private static final String REMAPPED = "b0 11 e6 20 b0 20 e6 21 b0 04 e6 21 b0 01 e6 21 b0 fe e6 21";

    private static final String WAIT = "fb eb fe"; // sti; jmp $

    @ParameterizedTest
    @ValueSource(strings = {HALT, "b0 01 e6 f4", "eb fe"}) // mov al,1; out 0xf4,al; jmp $
    void interruptOfADeviceIsNoExceptionWhateverItsHandlerDoes(String handler) {
        // A tick after 0x400 periods, which is less than a hang's time limit: mov al,0x34; out 0x43,al; mov al,0; out
        // 0x40,al; mov al,4; out 0x40,al
        Outcome outcome = run(guest(0x20, REMAPPED + "b0 34 e6 43 b0 00 e6 40 b0 04 e6 40" + WAIT, handler));

        assertThat(outcome.run().diagnosis().taken())
                .extracting(TakenEvent::kind, TakenEvent::vector, TakenEvent::times)
                .containsExactly(tuple(Kind.INTERRUPT, 0x20, 1L));
        assertThat(outcome.run().diagnosis().origin()).isEmpty();
    }

    @Test
    void timerAtTheVectorOfAnExceptionIsToldThoughItHasAHandler() {
        // mov al,0xfe; out 0x21,al; sti; jmp $
        Outcome outcome = TestGuest.run(TestGuest.flat(guest(8, "b0 fe e6 21" + WAIT, HALT)), EngineChoice.EMULATOR);

        assertThat(outcome.run().diagnosis().origin().orElseThrow().advice())
                .singleElement()
                .asString()
                .startsWith("the timer's IRQ 0 came at vector 8, which is that of #DF in protected mode: the interrupt"
                        + " controllers are not remapped");
    }

    @Test
    void timerAtTheVectorOfAnExceptionIsNotToldIfItsHandlerKnowsIt() {
        // mov al,0xfe; out 0x21,al; sti; jmp $; in the handler mov al,0x20; out 0x20,al; dec ebx; jp $+3; iretd; cli;
        // hlt
        assertThat(TestGuest.run(
                                TestGuest.flat(guest(8, "b0 fe e6 21" + WAIT, "b0 20 e6 20 4b 7b 03 cf fa f4 fa f4")),
                                EngineChoice.EMULATOR)
                        .run()
                        .diagnosis()
                        .origin())
                .isEmpty();
    }

    @Test
    void whatWasTakenIsCountedByPlace() {
        Outcome outcome = run(guest(UD, "b1 03" + UD2 + UD2 + "e2 fc" + HALT, SKIP_AND_RETURN));

        assertThat(outcome.run().diagnosis().taken())
                .extracting(TakenEvent::name, taken -> taken.at().orElseThrow().eip(), TakenEvent::times)
                .containsExactlyInAnyOrder(tuple("#UD", 0x101bL, 1L), tuple("#UD", 0x101dL, 3L));
    }

    @Test
    @NeedsKvm
    void whatKvmDeliversWithoutAWordIsSeenByReplay() {
        // mov word [0x18],0x1012; mov word [0x1a],0; mov sp,0x900; inc cx; ud2; iret
        Outcome outcome = TestGuest.hang(
                TestGuest.real("c7 06 18 00 12 10 c7 06 1a 00 00 00 bc 00 09 41 0f 0b cf"), EngineChoice.KVM);

        Fault origin = outcome.run().diagnosis().origin().orElseThrow();
        assertThat(origin.at().inWords()).isEqualTo("ud2 at 0x1010");
        assertThat(origin.handler().orElseThrow().rounds()).isGreaterThan(2);
        assertThat(origin.seenBy()).isEqualTo("the emulator, which replayed what kvm ran");
    }

    private static final String TICKS = REMAPPED + "b0 34 e6 43 b0 00 e6 40 b0 04 e6 40 fb";

    private static List<String> adviceOf(Outcome outcome) {
        return outcome.run().diagnosis().standstill().orElseThrow().advice();
    }

    @Test
    void handlerThatChangesRegistersWhichTheInterruptedCodeGoesOnWithIsNamed() {
        // mov al,0x20; out 0x20,al; iretd
        Outcome outcome = run(guest(0x20, TICKS + "83 c0 03 eb fb", "b0 20 e6 20 cf")); // add eax,3; jmp $-3

        assertThat(adviceOf(outcome).get(0))
                .startsWith(
                        "the handler of interrupt 0x20 at 0x103f returned with other registers than it was entered with,"
                                + " the first time to 0x10")
                .contains(": EAX 0x")
                .endsWith("by PUSHA and POPA around a function in C");
    }

    @ParameterizedTest
    @CsvSource({
        "83 c0 03 eb fb, 50 b0 20 e6 20 58 cf", // add eax,3; jmp $-3, and push eax; mov al,0x20; out 0x20,al; pop eax;
        // iretd
        "31 c0 eb fc, b0 20 e6 20 cf", // xor eax,eax; jmp $-2, and mov al,0x20; out 0x20,al; iretd
        "85 c0 eb fc, b0 20 e6 20 cf", // test eax,eax; jmp $-2, and the same
        "f4 83 c0 03 eb fa, b0 20 e6 20 cf", // hlt; add eax,3; jmp $-4, and the same
    })
    void handlersThatSaveRegistersOrChangeWhatNobodyGoesOnWithAreNot(String code, String handler) {
        assertThat(adviceOf(run(guest(0x20, TICKS + code, handler))))
                .noneMatch(sentence -> sentence.contains("registers"));
    }
}
