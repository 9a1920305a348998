package dev.kvmguest.vmm.internal.replay;

import static dev.kvmguest.vmm.TestGuest.flat;
import static dev.kvmguest.vmm.TestGuest.real;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.Machine;
import dev.kvmguest.vmm.NeedsKvm;
import dev.kvmguest.vmm.NeedsKvm.Device;
import dev.kvmguest.vmm.TestGuest;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.diagnosis.Timeline;
import dev.kvmguest.vmm.internal.engine.Feature;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.report.JsonReport;
import dev.kvmguest.vmm.report.TextReport;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Guests that died on KVM, and what the emulator makes of them. */
@NeedsKvm
@Timeout(120)
class DeathReplayTests {

    /**
     * Vector 8 to 0x103f; timer at 1 ms; out 0x21,0xfe; sti; wait: inc ecx; cmp byte [ticks],3; jb wait; cli; mov dx,0x3f8;
     * in al,dx; out 0xe9,al; lgdt [0x104d]; CR0.PE on; jmp 0x8:0x104a; 0x103f: inc byte [ticks]; push ax; out 0x20,0x20;
     * pop ax; iret; 0x104a: ud2
     */
    private static final VcpuConfig TICKING =
            real("c7 06 20 00 3f 10 c7 06 22 00 00 00 b0 34 e6 43 b0 a9 e6 40 b0 04 e6 40 b0 fe e6 21 fb 66 41 80"
                            + " 3e 4c 10 03 72 f7 fa ba f8 03 ec e6 e9 0f 01 16 4d 10 0f 20 c0 0c 01 0f 22 c0 ea 4a 10 08 00 fe"
                            + " 06 4c 10 50 b0 20 e6 20 58 cf 0f 0b 00 0f 00 53 10 00 00 00 00 00 00 00 00 00 00 ff ff 00 00 00"
                            + " 9a cf 00")
                    .withInput("u");

    /** As in ReplayTests: three ticks, two characters, and ud2 with nothing in IDT[6] and IDT[8]; in any mode but real. */
    private static final String HALTING =
            "bc 00 80 00 00 b8 53 10 00 00 66 a3 68 05 00 00 66 c7 05 6a 05 00 00 08 00 66 c7 05 6c 05 00 00"
                    + " 00 8e c1 e8 10 66 a3 6e 05 00 00 b0 fe e6 21 fb f4 0f 31 89 c6 80 3d 60 10 00 00 03 72 f2 66 ba"
                    + " f8 03 ec e6 e9 ec e6 e9 66 c7 05 6c 05 00 00 00 00 0f 0b fe 05 60 10 00 00 50 b0 20 e6 20 58 cf"
                    + " 00";

    private static Fault agreedFault(Outcome outcome) {
        assertThat(outcome.kind()).isEqualTo(Outcome.Kind.TRIPLE_FAULT);
        assertThat(outcome.run().engine()).isEqualTo("kvm");
        assertThat(outcome.run().diagnosis().divergence()).isEmpty();
        Fault fault = outcome.fault().orElseThrow();
        assertThat(fault.seenBy())
                .startsWith("the emulator, which replayed what kvm ran; kvm, stepped through the last ");
        return fault;
    }

    @RepeatedTest(3)
    void timerInterruptsComeWhereTheyCameOnKvm() {
        Device.assumeFor(EngineChoice.KVM, Feature.REAL_MODE_INTERRUPTS);
        Outcome outcome = TestGuest.run(TICKING, EngineChoice.KVM);

        Fault fault = agreedFault(outcome);
        assertThat(outcome.console()).isEqualTo("u");
        assertThat(fault.first()).hasToString("#UD");
        assertThat(fault.at().eip()).isEqualTo(0x104a);
        assertThat(fault.registers().get(Register.RCX)).isPositive();
        assertThat(outcome.run().diagnosis().timeline().entries())
                .extracting(Timeline.Entry::kind)
                .contains(Timeline.Kind.INTERRUPT, Timeline.Kind.IN)
                .last()
                .isEqualTo(Timeline.Kind.OUT);
    }

    @ParameterizedTest
    @EnumSource(names = {"PROTECTED", "PAGED", "PAGED_4K"})
    void guestThatHaltsForItsTimerDiesTheSameDeathInEachMode(BootMode mode) {
        Device.assumeFor(EngineChoice.KVM, Feature.interruptsIn(mode));
        Outcome outcome = TestGuest.run(flat(HALTING).withBoot(mode).withInput("ab"), EngineChoice.KVM);

        Fault fault = agreedFault(outcome);
        assertThat(outcome.console()).isEqualTo("ab");
        assertThat(fault.first()).hasToString("#UD");
        assertThat(fault.at().text()).isEqualTo("ud2");
    }

    @Test
    void whatIsTypedWhileTheGuestRunsIsReplayed() {
        // start: mov dx,0x3fd; wait: in al,dx; test al,1; jz wait; mov dx,0x3f8; in al,dx; cmp al,'u'; jne start; ud2
        VcpuConfig waiting = flat("66 ba fd 03 ec a8 01 74 fb 66 ba f8 03 ec 3c 75 75 ec 0f 0b");
        try (Machine machine = TestGuest.machine(waiting, EngineChoice.KVM)) {
            machine.start();
            machine.type("u");

            Outcome outcome = machine.run();

            assertThat(agreedFault(outcome).at().text()).isEqualTo("ud2");
        }
    }

    @Test
    void lastInstructionsAreSteppedOnKvmWithRepeatedOnesAmongThem() {
        // mov edi,0x3000; mov ecx,100; rep stosd; mov ebx,5; inc ebx; ud2
        Fault fault = agreedFault(
                TestGuest.run(flat("bf 00 30 00 00 b9 64 00 00 00 f3 ab bb 05 00 00 00 43 0f 0b"), EngineChoice.KVM));

        assertThat(fault.seenBy()).endsWith("kvm, stepped through the last 6 instructions, did the same");
    }

    @Test
    void guestThatKvmGivesUpWhereNoRamIsHasTheFaultOfAProcessor() {
        // mov esp,0x8000; mov eax,0xc0100000; call eax
        Outcome outcome = TestGuest.run(flat("bc 00 80 00 00 b8 00 00 10 c0 ff d0"), EngineChoice.KVM);

        assertThat(outcome.kind()).isEqualTo(Outcome.Kind.UNSUPPORTED);
        assertThat(outcome.run().diagnosis().divergence()).isEmpty();
        Fault fault = outcome.fault().orElseThrow();
        assertThat(fault.first()).hasToString("#UD");
        assertThat(fault.seenBy()).isEqualTo("the emulator, which replayed what kvm ran and did what it could not");
        assertThat(fault.advice().get(0)).startsWith("execution went to 0xc0100000, where no RAM is, after call eax");
    }

    @Test
    void guestThatKvmNeverComesBackFromHasTheFaultOfAProcessor() {
        Device.assumeFor(EngineChoice.KVM, Feature.neededBy(BootMode.PAGED));
        // mov eax,0x80005000; mov cr3,eax; nop
        Outcome outcome = TestGuest.run(
                real("b8 00 50 00 80 0f 22 d8 90").withBoot(BootMode.PAGED), EngineChoice.KVM, Duration.ofMillis(400));

        assertThat(outcome.kind())
                .as("what KVM makes of it hangs on the processor")
                .isIn(Outcome.Kind.TIMED_OUT, Outcome.Kind.UNSUPPORTED, Outcome.Kind.TRIPLE_FAULT);
        Fault fault = outcome.fault().orElseThrow();
        assertThat(fault.first()).hasToString("#PF(0x9) at 0x80001008");
        assertThat(fault.advice().get(0)).contains("CR3 is 0x80005000, where no RAM is");
    }

    @Test
    void deathByAnInterruptWithoutAHandlerIsReplayed() {
        Device.assumeFor(EngineChoice.KVM, Feature.PROTECTED_MODE_INTERRUPTS);
        // mov al,0xfe; out 0x21,al; sti; here: jmp here
        Outcome outcome = TestGuest.run(flat("b0 fe e6 21 fb eb fe"), EngineChoice.KVM);

        assertThat(outcome.run().diagnosis().divergence()).isEmpty();
        assertThat(outcome.fault().orElseThrow().first()).hasToString("interrupt 8");
    }

    @Test
    void handledExceptionsAmongTheLastInstructionsAreNoDivergence() {
        Device.assumeFor(EngineChoice.KVM, Feature.PROTECTED_MODE_INTERRUPTS);
        // mov esp,0x8000; IDT[3] to 0x1023; int3; pushf; pop eax; ud2; 0x1023: iretd
        Outcome outcome = TestGuest.run(
                flat(
                        "bc 00 80 00 00 66 c7 05 40 05 00 00 23 10 c7 05 42 05 00 00 08 00 00 8e cc 9c 58 0f 0b 90 90 90 90 90"
                                + " 90 cf"),
                EngineChoice.KVM);

        assertThat(outcome.run().diagnosis().divergence()).isEmpty();
        assertThat(outcome.fault().orElseThrow().seenBy())
                .isEqualTo(
                        "the emulator, which replayed what kvm ran; kvm, which ran the last 8 instructions again, shut"
                                + " down too");
    }

    @Test
    void guestThatReadsWhatTheEnginesDisagreeAboutDivergesInWords() {
        // mov eax,0x80000000; cpuid; out 0xe9,eax; ud2
        Outcome outcome = TestGuest.run(flat("b8 00 00 00 80 0f a2 e7 e9 0f 0b"), EngineChoice.KVM);

        String sentence = outcome.run().diagnosis().divergence().orElseThrow();
        assertThat(sentence)
                .matches(
                        "kvm and the emulator part at once, at 0x1007: on kvm the guest wrote 0x8\\w+ to port 0xe9 \\(4 bytes\\), on"
                                + " the emulator it wrote 0x8\\w+ to port 0xe9 \\(4 bytes\\)");
        assertThat(TextReport.brief(outcome).lines().skip(1).findFirst().orElseThrow())
                .startsWith("  replay: kvm and the emulator part at once");
        assertThat(JsonReport.of(outcome))
                .contains("\"divergence\": \"" + sentence + "\"", "\"instruction\": \"out 0xe9, eax\"");
    }

    @Test
    void oneOfSeveralGuestsIsReplayedAlone() {
        Device.assumeFor(EngineChoice.KVM, Feature.PARALLEL_VCPUS);
        // lgdt [0x1017]; CR0.PE on; jmp 0x8:0x1015; 0x1015: ud2
        VcpuConfig dying = real(
                "0f 01 16 17 10 0f 20 c0 0c 01 0f 22 c0 ea 15 10 08 00 00 00 00 0f 0b 0f 00 1d 10 00 00 00 00 00 00"
                        + " 00 00 00 00 ff ff 00 00 00 9a cf 00");
        VcpuConfig other = real("f4").withLoad(0x4000);
        try (Machine machine = Machine.create(MachineConfig.builder()
                .vcpu(other)
                .vcpu(dying)
                .engine(EngineChoice.KVM)
                .build())) {
            List<Outcome> outcomes = machine.runAll();

            assertThat(outcomes.get(0).kind()).isEqualTo(Outcome.Kind.HALTED);
            assertThat(agreedFault(outcomes.get(1)).at().text()).isEqualTo("ud2");
        }
    }
}
