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
    void whatConsolesHaveBeforeTheyDifferIsShown() {
        // mov al,'a'; out 0xe9,al; mov al,'b' or 'c'; out 0xe9,al; cli; hlt
        assertThat(comparison(
                                run(EngineChoice.EMULATOR, "b0 61 e6 e9 b0 62 e6 e9 fa f4"),
                                run(EngineChoice.KVM, "b0 61 e6 e9 b0 63 e6 e9 fa f4"))
                        .disagreements())
                .containsExactly("the console differs from byte 1 on, after \"a\": emulator in protected: \"b\"; kvm in"
                        + " protected: \"c\"");
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
    @NeedsQemu
    void firstExceptionInWhichQemuAndTheEmulatorDifferIsTold() {
        // mov esp,0x8000; IDT[6] to 0x1030; where there is a PCI bus, ud2; cli; hlt; 0x1030: mov al,'u'; out 0xe9,al;
        // cli; hlt
        GuestComparison handled = GuestComparison.of(config(flat(
                        "bc 00 80 00 00 c7 05 58 05 00 00 30 10 08 00 c7 05 5c 05 00 00 00 8e 00 00 ba f8 0c 00 00 b8"
                                + " 00 00 00 80 ef ed 3d 00 00 00 80 75 02 0f 0b fa f4 b0 75 e6 e9 fa f4"))
                .build());
        assertThat(handled.disagreements())
                .contains(
                        "QEMU and the emulator disagree: they part at the first exception: in QEMU it raised #UD by ud2"
                                + " at 0x102c, on the emulator it raised no more");
        assertThat(handled.table()).contains("    there: ud2  (0f 0b) at 0x102c\n");

        // The same without a handler.
        GuestComparison dead =
                GuestComparison.of(config(flat("ba f8 0c 00 00 b8 00 00 00 80 ef ed 3d 00 00 00 80 75 02 0f 0b fa f4"))
                        .build());
        assertThat(dead.disagreements().toString())
                .contains(
                        "QEMU and the emulator disagree: in QEMU the guest triple-faulted, by #UD of ud2 at 0x1013, and"
                                + " on the emulator it halted with interrupts off; they part at the first exception: in QEMU it"
                                + " raised #UD by ud2 at 0x1013, on the emulator it raised no more");
        assertThat(dead.toJson()).contains("\"instruction\": \"ud2\"", "\"eip\": \"0x1013\"");
    }

    @Test
    @NeedsQemu
    void exceptionsThatBothTakeAreNoDifference() {
        // mov esp,0x8000; IDT[6] to 0x101f; ud2; ud2; cli; hlt; 0x101f: add dword [esp],2; iretd
        GuestComparison comparison = GuestComparison.of(config(flat(
                        "bc 00 80 00 00 c7 05 58 05 00 00 1f 10 08 00 c7 05 5c 05 00 00 00 8e 00 00 0f 0b 0f 0b fa f4"
                                + " 83 04 24 02 cf"))
                .build());

        // Some hosts' KVM can't execute IRETD.
        assertThat(comparison.disagreements()).noneMatch(sentence -> sentence.contains("QEMU and the emulator"));
        assertThat(comparison.outcomes().get(0).run().diagnosis().exceptions().orElseThrow())
                .hasSize(2);
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
