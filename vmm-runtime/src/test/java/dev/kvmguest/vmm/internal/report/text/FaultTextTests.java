package dev.kvmguest.vmm.internal.report.text;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.diagnosis.GuestInstruction;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.report.Examples;
import dev.kvmguest.vmm.report.TextReport;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What a {@link TextReport} says of a triple fault. */
class FaultTextTests {

    @Test
    void lineHasTheFunctionAndTheFirstException() {
        assertThat(TextReport.line(outcome(Examples.sseFault(), false)))
                .isEqualTo("guest kernel (boot paged) triple-faulted at 0x8:0x80001d3f in memset+0x1f by #UD,"
                        + " after 3.1 ms of wall time on kvm");
        assertThat(TextReport.line(outcome(Examples.bareFault(), false)))
                .isEqualTo(
                        "guest kernel (boot paged) triple-faulted at 0x8:0xdead0000 by #PF, after 3.1 ms of wall time on kvm");
    }

    @Test
    void reportHasTheMostTellingFactsFirst() {
        assertThat(full(Examples.sseFault(), false)).isEqualTo("""
                guest kernel (boot paged) triple-faulted at 0x8:0x80001d3f in memset+0x1f by #UD, after 3.1 ms of wall time on kvm
                  #UD in memset+0x1f (src/common.c:6): movd xmm0, [esp+0x18]  (66 0f 6e 44 24 18)
                    cause: SSE needs CR4.OSFXSR
                    -> #GP(0x33): IDT[6] at 0x558 is empty
                    -> #DF(0x0): IDT[13] at 0x590 is empty
                    -> shutdown: IDT[8] at 0x568 is empty
                  advice: the guest uses SSE, which CR4.OSFXSR = 0 forbids; compile it with -mno-sse
                  last instructions:
                    80001012  main+0x12  call 0x80001d20
                    80001d20  memset     push ebp
                    80001d3f             movd xmm0, [esp+0x18]
                  registers at the fault, seen by the emulator, which replayed what kvm ran:
                    eax=00001234 ebx=00000000 ecx=00000000 edx=00000000 esi=00000000 edi=00000000
                    ebp=00000000 esp=fffffffc eflags=00000002 cr0=80000011 cr3=00100000 cr4=00000010
                    cs=0008 ds=0010 es=0000 fs=0000 gs=0000 ss=0010 tr=0000 ldtr=0000 gdt=500/27 idt=528/7ff
                  kvm's own registers, RIP=0xfff0 and so on, are reset values of a vCPU that shut down, not the guest's
                  console:
                  | booting
                """);
    }

    @Test
    void faultOfTheEmulatorWhereTheEngineGaveUpIsSaidToBeSo() {
        Outcome outcome =
                new Outcome.Unsupported("KVM can't", new byte[0], Examples.withFault(Examples.sseFault(), true));

        assertThat(TextReport.brief(outcome)).startsWith("""
                guest kernel (boot paged) met an instruction that the engine does not support: KVM can't at 0x8:0x80001d3f,\
                 after 3.1 ms of wall time on kvm
                  replay: on the emulator the guest triple-faults by the instruction at which kvm gave up
                  #UD in memset+0x1f (src/common.c:6): movd xmm0, [esp+0x18]  (66 0f 6e 44 24 18)
                """).doesNotContain("reset values");
    }

    @Test
    void faultOfAnEmulatorThatWentItsOwnWayIsNotThatOfTheEngine() {
        Outcome outcome = new Outcome.Unsupported(
                "KVM can't", new byte[0], Examples.withDivergence(Examples.sseFault(), "kvm and the emulator part"));

        assertThat(TextReport.brief(outcome))
                .contains(
                        "\n  replay: kvm and the emulator part; kvm:compare boots the guest on every engine there is\n")
                .doesNotContain("gave up");
    }

    @Test
    void instructionIsNotBrokenAtALinesEnd() {
        Fault fault = Examples.sseFault();
        GuestInstruction at = new GuestInstruction(
                fault.at().eip(),
                fault.at().bytes(),
                "movd xmm0, [esp+ecx*4+0x12345678]",
                fault.at().symbol(),
                Optional.of("a/source/file/with/a/name/of/any/length.c:6"));
        Fault longer = new Fault(
                at,
                fault.chain(),
                fault.shutdown(),
                fault.lastInstructions(),
                fault.registers(),
                fault.seenBy(),
                fault.advice());

        assertThat(full(longer, false))
                .contains("\n  #UD in memset+0x1f (a/source/file/with/a/name/of/any/length.c:6):"
                        + "\n    movd xmm0, [esp+ecx*4+0x12345678]  (66 0f 6e 44 24 18)\n");
    }

    @Test
    void reportIsUsefulWhereLittleIsKnown() {
        assertThat(full(Examples.bareFault(), true)).startsWith("""
                guest kernel (boot paged) triple-faulted at 0x8:0xdead0000 by #PF, after 3.1 ms of wall time on kvm
                  #PF(0x0) at 0xdead0000: the instruction could not be fetched
                    -> shutdown: IDT[14] at 0x598 is empty
                  registers at the fault, seen by the emulator:
                    eax=00001234 \
                """);
    }

    @Test
    void sourceIsNamedWithoutASymbolToo() {
        GuestInstruction at = Examples.sseFault().at();
        GuestInstruction noSymbol =
                new GuestInstruction(at.eip(), at.bytes(), at.text(), Optional.empty(), at.source());

        assertThat(full(with(noSymbol, List.of(), List.of()), false))
                .contains("\n  #UD in src/common.c:6: movd xmm0, ");
    }

    @Test
    void onlyTheLastInstructionsAreShownAndSymbolsWhereTheFunctionChanges() {
        List<GuestInstruction> instructions = IntStream.range(0, 32)
                .mapToObj(i -> Examples.instruction(0x1000 + i, "nop", i < 28 ? "f+0x" + i : i < 30 ? null : "g", "90"))
                .toList();

        assertThat(full(with(Examples.sseFault().at(), instructions, List.of()), false))
                .contains("""
                  last instructions:
                    00001018  f+0x24  nop
                    00001019          nop
                    0000101a          nop
                    0000101b          nop
                    0000101c          nop
                    0000101d          nop
                    0000101e  g       nop
                    0000101f          nop
                  registers\
                """);
    }

    @Test
    void instructionsInAnImageWithoutSymbolsHaveNoColumnForThem() {
        List<GuestInstruction> instructions = List.of(Examples.instruction(0x1000, "nop", null, "90"));

        assertThat(full(with(Examples.sseFault().at(), instructions, List.of()), false))
                .contains("\n    00001000  nop\n  registers");
    }

    @Test
    void addressInRealModeIsWrittenAsSuch() {
        Fault fault = Examples.sseFault();
        CpuState real = fault.registers().with(state -> state.set(Register.CR0, CpuState.CR0_ET)
                .segment(SegmentRegister.CS, SegmentState.real(0x7c0)));
        GuestInstruction at =
                new GuestInstruction(5, new byte[] {(byte) 0xcc}, "int3", Optional.empty(), Optional.empty());

        String text = full(
                new Fault(at, fault.chain(), fault.shutdown(), List.of(at), real, fault.seenBy(), List.of()), false);

        assertThat(text).contains("triple-faulted at 07c0:0005 by #UD").contains("\n    0005  int3\n");
    }

    @Test
    void longSentencesAreWrappedAndVeryLongOnesCut() {
        String advice = full(with(Examples.sseFault().at(), List.of(), List.of("word ".repeat(60) + "end")), false);
        assertThat(advice)
                .contains("\n  advice: " + "word ".repeat(21) + "word\n    " + "word ".repeat(22) + "word\n    "
                        + "word ".repeat(15) + "end\n");

        assertThat(full(with(Examples.sseFault().at(), List.of(), List.of("x".repeat(100_000))), false))
                .contains("x...\n")
                .hasSizeLessThan(3000);
    }

    @Test
    void noLineOfAFaultIsWiderThanAScreenNorMovesItsCursor() {
        String name = "\u001b[2J" + "n".repeat(1000);
        GuestInstruction at =
                new GuestInstruction(0x1000, new byte[15], "x".repeat(200), Optional.of(name), Optional.of(name));
        String text = full(with(at, List.of(at, at), List.of(name)), false);

        assertThat(text).doesNotContain("\u001b").contains("\\x1b[2Jnnn");
        assertThat(text.lines().skip(1)).allSatisfy(line -> assertThat(line).hasSizeLessThanOrEqualTo(120));
        assertThat(text.lines().findFirst().orElseThrow()).hasSizeLessThan(160);
    }

    @Test
    void usualReportFitsAScreen() {
        List<GuestInstruction> instructions = IntStream.range(0, 32)
                .mapToObj(i -> Examples.instruction(0x1000 + i, "nop", "f+0x" + i, "90"))
                .toList();
        Fault fault =
                with(Examples.sseFault().at(), instructions, Examples.sseFault().advice());
        Outcome outcome = new Outcome.TripleFault(Examples.withFault("line\n".repeat(100), fault));

        assertThat(TextReport.brief(outcome).lines().count()).isEqualTo(27);
    }

    private static Fault with(GuestInstruction at, List<GuestInstruction> lastInstructions, List<String> advice) {
        Fault fault = Examples.sseFault();
        return new Fault(
                at, fault.chain(), fault.shutdown(), lastInstructions, fault.registers(), fault.seenBy(), advice);
    }

    private static Outcome outcome(Fault fault, boolean registers) {
        return new Outcome.TripleFault(Examples.withFault(fault, registers));
    }

    private static String full(Fault fault, boolean registers) {
        return TextReport.brief(outcome(fault, registers));
    }
}
