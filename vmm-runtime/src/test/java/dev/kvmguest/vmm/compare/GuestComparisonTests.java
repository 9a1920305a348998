package dev.kvmguest.vmm.compare;

import static dev.kvmguest.vmm.TestGuest.flat;
import static dev.kvmguest.vmm.TestGuest.real;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kvmguest.vmm.Machine;
import dev.kvmguest.vmm.NeedsQemu;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.diagnosis.GuestInstruction;
import dev.kvmguest.vmm.diagnosis.Parting;
import dev.kvmguest.vmm.outcome.Ending;
import dev.kvmguest.vmm.outcome.GuestRun;
import dev.kvmguest.vmm.outcome.Outcome;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class GuestComparisonTests {

    private static final String HELLO = "b0 78 e6 e9 fa f4"; // mov al,'x'; out 0xe9,al; cli; hlt

    private static MachineConfig.Builder config(VcpuConfig guest) {
        return MachineConfig.builder().vcpu(guest).timeout(Duration.ofSeconds(20));
    }

    /** Runs a guest on the emulator, and takes that for a run on any engine. */
    private static ComparedRun run(EngineChoice engine, String code) {
        MachineConfig config = config(flat(code)).engine(EngineChoice.EMULATOR).build();
        try (Machine machine = Machine.create(config)) {
            return new ComparedRun(engine, BootMode.PROTECTED, Optional.of(machine.run()), Optional.empty());
        }
    }

    private static ComparedRun refused(EngineChoice engine, String why) {
        return new ComparedRun(engine, BootMode.PROTECTED, Optional.empty(), Optional.of(why));
    }

    private static GuestComparison comparison(ComparedRun... runs) {
        return GuestComparison.ofRuns("kernel", List.of(runs));
    }

    @Test
    void runsThatEndAlikeAgree() {
        GuestComparison comparison = comparison(
                run(EngineChoice.EMULATOR, HELLO), run(EngineChoice.KVM, HELLO), refused(EngineChoice.QEMU, "no"));

        assertThat(comparison.enginesAgree()).isTrue();
        assertThat(comparison.disagreements()).isEmpty();
        assertThat(comparison.table().replaceAll("[0-9.]+ ms", "N ms")).isEqualTo("""
                engine    boot       outcome  exit code  console  time
                emulator  protected  halted              1 bytes  N ms
                kvm       protected  halted              1 bytes  N ms
                qemu      protected  not run
                guest kernel: the engines agree
                  not run on qemu in protected: no
                """);
    }

    @Test
    void oneOpinionIsNoAgreement() {
        assertThat(comparison(run(EngineChoice.EMULATOR, HELLO), refused(EngineChoice.KVM, "this host has no /dev/kvm"))
                        .disagreements())
                .containsExactly("fewer than two engines ran the guest; kvm in protected: this host has no /dev/kvm");
    }

    @Test
    void otherEndOtherConsoleAndOtherExitCodeAreNamed() {
        assertThat(comparison(run(EngineChoice.EMULATOR, HELLO), run(EngineChoice.KVM, "b0 79 e6 e9 0f 0b"))
                        .disagreements())
                .containsExactly(
                        "the guest ended otherwise: emulator in protected: halted; kvm in protected: triple-fault",
                        "the console differs from byte 0 on: emulator in protected: \"x\"; kvm in protected: \"y\"");
        assertThat(comparison(run(EngineChoice.EMULATOR, "b0 05 e6 f4"), run(EngineChoice.KVM, "b0 07 e6 f4"))
                        .disagreements())
                .containsExactly("the exit code differs: emulator in protected: 5; kvm in protected: 7");
        assertThat(comparison(run(EngineChoice.EMULATOR, HELLO), run(EngineChoice.KVM, "fa f4"))
                        .disagreements())
                .containsExactly("the console differs from byte 0 on: emulator in protected: \"x\"; kvm in protected:"
                        + " nothing more");
    }

    @Test
    void onlyTheBitsThatQemuHasOfAnExitCodeAreCompared() {
        String exits133 = "b0 85 e6 f4";
        String exits5 = "b0 05 e6 f4";

        assertThat(comparison(run(EngineChoice.EMULATOR, exits133), run(EngineChoice.QEMU, exits5))
                        .enginesAgree())
                .isTrue();
        assertThat(comparison(run(EngineChoice.EMULATOR, exits133), run(EngineChoice.KVM, exits5))
                        .enginesAgree())
                .isFalse();
    }

    @Test
    void reportsHaveEachRunAndEachReason() {
        GuestComparison comparison = comparison(
                run(EngineChoice.EMULATOR, "0f 0b"), run(EngineChoice.KVM, HELLO), refused(EngineChoice.QEMU, "no"));

        assertThat(comparison.toJson())
                .contains("\"format\": 1", "\"agree\": false", "\"engine\": \"kvm\"", "\"refusal\": \"no\"")
                .contains("\"outcome\": \"triple-fault\"", "\"console\": \"x\"");
        assertThat(comparison.toHtml())
                .contains("<h1>guest kernel: the engines do not agree</h1>")
                .contains("not run on qemu in protected: no")
                .contains("#UD")
                .contains("emulator in protected</h2>");
    }

    @Test
    void instructionAtWhichEnginesPartIsInEachForm() {
        GuestInstruction at = new GuestInstruction(
                0x1006,
                new byte[] {(byte) 0xe6, (byte) 0xe9},
                "out 0xe9, al",
                Optional.of("putc+0x6"),
                Optional.of("console.c:5"));
        GuestComparison comparison = comparison(
                run(EngineChoice.EMULATOR, HELLO),
                withParting(run(EngineChoice.KVM, HELLO), new Parting("kvm and the emulator part", Optional.of(at))));

        assertThat(comparison.disagreements()).containsExactly("kvm and the emulator part");
        assertThat(comparison.table()).endsWith("""
                          kvm and the emulator part
                            there: out 0xe9, al  (e6 e9) at 0x1006 in putc+0x6 (console.c:5)
                        """);
        assertThat(comparison.toJson()).contains("""
                      "divergence": "kvm and the emulator part",
                      "divergesAt": {
                        "eip": "0x1006",
                        "symbol": "putc+0x6",
                        "source": "console.c:5",
                        "bytes": "e6 e9",
                        "instruction": "out 0xe9, al"
                      }
                """);
        assertThat(comparison.toHtml())
                .contains("<code>out 0xe9, al</code>")
                .contains(">e6 e9</code>")
                .contains("<code>putc+0x6</code>")
                .contains("<code>console.c:5</code>");
    }

    private static ComparedRun withParting(ComparedRun run, Parting parting) {
        Outcome outcome = run.outcome().orElseThrow();
        GuestRun told = outcome.run().with(outcome.run().diagnosis().withParting(parting));
        return new ComparedRun(
                run.engine(), run.boot(), Optional.of(outcome.ending().of(told)), Optional.empty());
    }

    @Test
    void endThatIsTheHostsDoingSaysNothingOfTheGuest() {
        GuestRun ran = run(EngineChoice.KVM, HELLO).outcome().orElseThrow().run();
        Outcome ofHost = new Ending.Unsupported("turned on paging", "this host's KVM can't", new byte[0], true).of(ran);
        Outcome ofGuest = new Ending.Unsupported("met an instruction", "not here", new byte[0]).of(ran);
        ComparedRun emulated = run(EngineChoice.EMULATOR, HELLO);
        ComparedRun inQemu = run(EngineChoice.QEMU, HELLO);

        GuestComparison comparison =
                comparison(emulated, GuestComparison.run(EngineChoice.KVM, BootMode.MULTIBOOT, ofHost), inQemu);
        assertThat(comparison.enginesAgree()).isTrue();
        assertThat(comparison.table())
                .endsWith("  not run on kvm in multiboot: the guest turned on paging: this host's KVM can't\n");
        assertThat(comparison(emulated, GuestComparison.run(EngineChoice.KVM, BootMode.MULTIBOOT, ofGuest), inQemu)
                        .enginesAgree())
                .isFalse();
    }

    @Test
    void runHasAnOutcomeOrAReason() {
        assertThatThrownBy(() -> new ComparedRun(EngineChoice.KVM, BootMode.REAL, Optional.empty(), Optional.empty()))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void eachEngineIsTriedInEachModeAndWhatCantRunSaysWhy() {
        GuestComparison comparison =
                GuestComparison.of(config(real(HELLO)).build(), List.of(BootMode.REAL, BootMode.PROTECTED));

        assertThat(comparison.runs())
                .extracting(ComparedRun::name)
                .containsExactly(
                        "emulator in real",
                        "kvm in real",
                        "qemu in real",
                        "emulator in protected",
                        "kvm in protected",
                        "qemu in protected");
        assertThat(comparison.outcomes()).hasSizeGreaterThanOrEqualTo(2).allSatisfy(outcome -> {
            assertThat(outcome).isInstanceOf(Outcome.Halted.class);
            assertThat(outcome.console()).isEqualTo("x");
        });
        assertThat(comparison.runs()).allSatisfy(run -> assertThat(run.outcome()
                        .map(outcome -> outcome.run().engine())
                        .orElse(run.engine().id()))
                .isEqualTo(run.engine().id()));
    }

    @Test
    @NeedsQemu
    void qemuIsAThirdOpinion() {
        GuestComparison comparison = GuestComparison.of(config(flat(HELLO)).build());
        assertThat(comparison.disagreements()).isEmpty();

        // a PCI bus is there or not: mov edx,0xcf8; mov eax,0x80000000; out dx,eax; in eax,dx; out 0xe9,al; cli; hlt
        GuestComparison other = GuestComparison.of(
                config(flat("ba f8 0c 00 00 b8 00 00 00 80 ef ed e6 e9 fa f4")).build());
        assertThat(other.enginesAgree()).isFalse();
        assertThat(other.disagreements().toString()).contains("the console differs from byte 0 on");
    }

    @Test
    void comparisonOfNothingIsRefused() {
        assertThatThrownBy(() -> GuestComparison.of(config(real("f4")).build(), List.of()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("engines are compared in a boot mode, and none is given");
        assertThatThrownBy(() -> GuestComparison.of(
                        config(real("f4")).vcpu(real("f4").withLoad(0x8000)).build()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("one vCPU");
    }
}
