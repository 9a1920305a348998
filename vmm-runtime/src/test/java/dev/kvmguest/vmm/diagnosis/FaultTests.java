package dev.kvmguest.vmm.diagnosis;

import static dev.kvmguest.vmm.TestGuest.flat;
import static dev.kvmguest.vmm.TestGuest.real;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.NeedsKvm;
import dev.kvmguest.vmm.TestGuest;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.outcome.Outcome;
import java.util.HexFormat;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** What the emulator tells of a guest that shut down. */
class FaultTests {

    private static Fault fault(VcpuConfig guest) {
        Outcome outcome = TestGuest.run(guest, EngineChoice.EMULATOR);
        assertThat(outcome).isInstanceOf(Outcome.TripleFault.class);
        return outcome.fault().orElseThrow();
    }

    private static String chain(Fault fault) {
        return fault.chain().stream()
                        .map(event -> event + event.cause().map(": "::concat).orElse(""))
                        .collect(Collectors.joining("; "))
                + "; " + fault.shutdown();
    }

    @ParameterizedTest
    @EnumSource(names = {"PAGED", "PAGED_4K"})
    void sseInstructionWithoutOsfxsrAndGatesIsToldFromTheInstructionToTheShutdown(BootMode boot) {
        // mov eax,5; movd xmm0,[esp+0x18]
        Fault fault = fault(real("b8 05 00 00 00 66 0f 6e 44 24 18").withBoot(boot));

        assertThat(chain(fault))
                .isEqualTo("#UD; #GP(0x33): IDT[6] at 0x558 is empty; #DF(0x0): IDT[13] at 0x590 is empty;"
                        + " IDT[8] at 0x568 is empty");
        assertThat(fault.at().eip()).isEqualTo(0x8000_1005L);
        assertThat(fault.at().bytes()).containsExactly(0x66, 0x0f, 0x6e, 0x44, 0x24, 0x18);
        assertThat(fault.at().text()).isEqualTo("movd xmm0, [esp+0x18]");
        assertThat(fault.registers().get(Register.RAX)).isEqualTo(5);
        assertThat(fault.registers().eip()).isEqualTo(0x8000_1005L);
        assertThat(fault.lastInstructions())
                .extracting(GuestInstruction::text)
                .containsExactly("mov eax, 5", "movd xmm0, [esp+0x18]");
        assertThat(fault.seenBy()).isEqualTo("the emulator");
    }

    /** The guest gets another exception, which doesn't say what it began with. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            cc          | #GP(0x1a): #BP (breakpoint, INT3) could not be delivered: IDT[3] at 0x540 is empty
            cd 03       | #GP(0x1a): #BP (breakpoint, INT3) could not be delivered: IDT[3] at 0x540 is empty
            b0 7f 04 01 ce | #GP(0x22): #OF (overflow, INTO) could not be delivered: IDT[4] at 0x548 is empty
            f1          | #GP(0xb): #DB (debug exception, INT1) could not be delivered: IDT[1] at 0x530 is empty
            cd 01       | #GP(0xa): IDT[1] at 0x530 is empty
            cd 80       | #GP(0x402): IDT[128] at 0x928 is empty""")
    void exceptionRaisedOnPurposeIsNamedIfItCannotBeDelivered(String code, String first) {
        assertThat(chain(fault(flat(code)))).startsWith(first + "; #DF(0x0): IDT[13] at 0x590 is empty; ");
    }

    @Test
    void breakpointWithoutAStackIsNamedToo() {
        // mov word [0x540],0x2000; mov dword [0x542],0x8e000008; mov esp,0x70000000; int3
        Fault fault = fault(real("66 c7 05 40 05 00 00 00 20 c7 05 42 05 00 00 08 00 00 8e bc 00 00 00 70 cc")
                .withBoot(BootMode.PAGED));

        assertThat(chain(fault)).startsWith("#PF(0x2) at 0x6ffffffc: #BP (breakpoint, INT3) could not be delivered;");
    }

    @Test
    void pageFaultHasItsAddressAndThatOfTheDoubleFaultTheReason() {
        // mov eax,[0x70000000]
        Fault fault = fault(real("a1 00 00 00 70").withBoot(BootMode.PAGED));

        assertThat(chain(fault))
                .isEqualTo("#PF(0x0) at 0x70000000; #DF(0x0): IDT[14] at 0x598 is empty; IDT[8] at 0x568 is empty");
    }

    @Test
    void frameThatCannotBePushedIsNamedByItsAddress() {
        // mov word [0x558],0x2000; mov dword [0x55a],0x8e000008; mov esp,0x70000000; ud2
        Fault fault = fault(real("66 c7 05 58 05 00 00 00 20 c7 05 5a 05 00 00 08 00 00 8e bc 00 00 00 70 0f 0b")
                .withBoot(BootMode.PAGED));

        assertThat(chain(fault)).contains("delivering it raised #PF(0x2) at 0x6fff");
        assertThat(chain(fault)).contains(": not present, write");
    }

    @Test
    void lastInstructionsAreThoseExecutedNewestLastAndNoMoreThanFitOnAScreen() {
        // mov ecx,100; again: dec ecx; jnz again; ud2
        Fault fault = fault(flat("b9 64 00 00 00 49 75 fd 0f 0b"));

        assertThat(fault.lastInstructions()).hasSize(32);
        assertThat(fault.lastInstructions().stream().map(GuestInstruction::text).skip(27))
                .endsWith("dec ecx", "jne 0x1005", "dec ecx", "jne 0x1005", "ud2");
    }

    @Test
    void runThroughZerosIsItsBeginningAndItsEndBehindWhatLedThere() {
        // mov word [0x7f00],0x0b0f, which is ud2; mov dword [0x5000],0x7e00; mov esp,0x9000; call [0x5000]
        Fault fault = fault(flat(
                "66 c7 05 00 7f 00 00 0f 0b  c7 05 00 50 00 00 00 7e 00 00  bc 00 90 00 00" + "ff 15 00 50 00 00"));

        assertThat(fault.at().eip()).isEqualTo(0x7f00);
        assertThat(fault.lastInstructions())
                .extracting(GuestInstruction::eip)
                .containsExactly(
                        0x1000L, 0x1009L, 0x1013L, 0x1018L, 0x7e00L, 0x7e02L, 0x7e04L, 0x7e06L, 0x7ef8L, 0x7efaL,
                        0x7efcL, 0x7efeL, 0x7f00L);
    }

    @Test
    void shortRunThroughZerosIsShownAsItIs() {
        // jmp past; here: six zeros; ud2; past: mov esp,0x9000; jmp here
        Fault fault = fault(flat("eb 08 00 00 00 00 00 00 0f 0b bc 00 90 00 00 eb f1"));

        assertThat(fault.lastInstructions())
                .extracting(GuestInstruction::eip)
                .containsExactly(0x1000L, 0x100aL, 0x100fL, 0x1002L, 0x1004L, 0x1006L, 0x1008L);
    }

    @Test
    void instructionThatCannotBeFetchedHasNoText() {
        // mov eax,0x70000000; jmp eax
        Fault fault = fault(real("b8 00 00 00 70 ff e0").withBoot(BootMode.PAGED));

        assertThat(fault.at().eip()).isEqualTo(0x7000_0000L);
        assertThat(fault.at().text()).isEmpty();
        assertThat(fault.first().toString()).isEqualTo("#PF(0x0) at 0x70000000");
        assertThat(fault.lastInstructions())
                .extracting(GuestInstruction::text)
                .containsExactly("mov eax, 0x70000000", "jmp eax");
    }

    @Test
    void interruptWithoutAHandlerIsTheFirstEventAndNotOfAnInstruction() {
        // mov al,0xfe; out 0x21,al; sti; here: jmp here
        Fault fault = fault(flat("b0 fe e6 21 fb eb fe"));

        assertThat(fault.first().toString()).isEqualTo("interrupt 8");
        assertThat(fault.first().interrupt()).isTrue();
        assertThat(fault.chain().get(1).interrupt()).isFalse();
        assertThat(fault.lastInstructions()
                        .get(fault.lastInstructions().size() - 1)
                        .text())
                .isEqualTo("jmp 0x1005");
    }

    @Test
    void guestThatEndsOtherwiseHasNoFault() {
        assertThat(TestGuest.run(real("f4"), EngineChoice.EMULATOR).fault()).isEmpty();
    }

    @NeedsKvm
    @Test
    void guestThatDiedOnKvmIsReplayedOnTheEmulatorToSeeWhy() {
        // mov al,'x'; out 0xe9,al; ud2
        Outcome outcome = TestGuest.run(flat("b0 78 e6 e9 0f 0b"), EngineChoice.KVM);

        Fault fault = outcome.fault().orElseThrow();
        assertThat(outcome.run().engine()).isEqualTo("kvm");
        assertThat(outcome.console()).isEqualTo("x");
        assertThat(fault.seenBy())
                .isEqualTo(
                        "the emulator, which replayed what kvm ran; kvm, stepped through the last instruction, did the same");
        assertThat(fault.at().eip()).isEqualTo(0x1004);
        assertThat(fault.at().text()).isEqualTo("ud2");
    }

    @NeedsKvm
    @Test
    void replayFindsTheSameInput() {
        // mov dx,0x3f8; in al,dx; cmp al,'u'; jne halt; ud2; halt: hlt
        VcpuConfig picky = flat("66 ba f8 03 ec 3c 75 75 02 0f 0b f4").withInput("u");

        assertThat(TestGuest.run(picky, EngineChoice.KVM)
                        .fault()
                        .orElseThrow()
                        .at()
                        .text())
                .isEqualTo("ud2");
    }

    @Test
    void lastInstructionsHaveTheBytesThatWereExecutedThoughTheGuestHasOverwrittenThem() {
        // nop; mov byte [0x1000],0xf4; ud2
        Fault fault = fault(flat("90 c6 05 00 10 00 00 f4 0f 0b"));

        assertThat(fault.lastInstructions())
                .extracting(instruction -> HexFormat.of().formatHex(instruction.bytes()))
                .containsExactly("90", "c60500100000f4", "0f0b");
    }
}
