package dev.kvmguest.vmm;

import static dev.kvmguest.vmm.TestGuest.real;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.NeedsKvm.Device;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.internal.engine.Feature;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.report.HtmlReport;
import dev.kvmguest.vmm.report.TextReport;
import org.junit.jupiter.api.Test;

@OnEachEngine
class LongModeGuestTests {

    private final EngineChoice engine;

    LongModeGuestTests(EngineChoice engine) {
        Device.assumeFor(engine);
        this.engine = engine;
    }

    @Test
    void guestIsEnteredIn64BitCodeWithItsImageMappedHighToo() {
        // mov rbx,0xffffffff80100000; mov al,[rbx+0x11]; out 0xe9,al; mov r15,cr4; hlt; the letter L
        Outcome outcome = run("48 c7 c3 00 00 10 80 8a 43 11 e6 e9 41 0f 20 e7 f4 4c");

        assertThat(outcome).isInstanceOf(Outcome.Halted.class);
        assertThat(outcome.console()).isEqualTo("L");
        CpuState registers = outcome.run().registers().orElseThrow();
        assertThat(registers.code64()).isTrue();
        assertThat(registers.get(Register.R15) & 1 << 5).as("CR4.PAE").isNotZero();
        assertThat(registers.get(Register.RBX)).isEqualTo(0xffff_ffff_8010_0000L);
    }

    @Test
    void handlerIsEnteredThroughAGateOfSixteenBytesAndReturns() {
        Device.assumeFor(engine, Feature.LONG_MODE_INTERRUPTS);
        // mov esp,0x8000; mov dword [0x70300],0x00080020; mov dword [0x70304],0x00108e00; int 0x30; out 0xe9,al; hlt;
        // mov al,0x4b; iretq
        Outcome outcome = run("bc 00 80 00 00 c7 04 25 00 03 07 00 20 00 08 00 c7 04 25 04 03 07 00 00 8e 10 00"
                + "cd 30 e6 e9 f4 b0 4b 48 cf");

        assertThat(outcome).isInstanceOf(Outcome.Halted.class);
        assertThat(outcome.console()).isEqualTo("K");
    }

    @Test
    void deathIsExplainedWithAddressesOf64Bits() {
        // mov rax,0xffff800000000000; mov ecx,[rax+8]
        Outcome outcome = run("48 b8 00 00 00 00 00 80 ff ff 8b 48 08");

        assertThat(outcome).isInstanceOf(Outcome.TripleFault.class);
        Fault fault = outcome.run().fault().orElseThrow();
        assertThat(fault.first().vector()).isEqualTo(14);
        assertThat(fault.first().cr2().orElseThrow()).isEqualTo(0xffff_8000_0000_0008L);
        assertThat(fault.at().eip()).isEqualTo(0x10_000a);
        assertThat(fault.advice()).noneMatch(sentence -> sentence.contains("direct map"));
        assertThat(TextReport.whole(outcome))
                .contains("#PF(0x0) at 0xffff800000000008: mov ecx, [rax+8]")
                .contains("IDT[14] at 0x700e0 is empty")
                .contains("rax=ffff800000000000")
                .contains("r8 =0000000000000000 r9 =")
                .contains(" efer=0000000000000500\n");
    }

    @Test
    void reportsNameRegistersAsLongModeDoesAndAlignAddressesOfBothHalves() {
        // mov al,0x52; out 0xe9,al; mov rax,0xffffffff8010000d; jmp rax; ud2
        Outcome outcome = run("b0 52 e6 e9 48 c7 c0 0d 00 10 80 ff e0 0f 0b");

        assertThat(TextReport.whole(outcome)).contains("\n    000000000010000b  jmp rax\n    ffffffff8010000d  ud2\n");
        assertThat(HtmlReport.of(outcome))
                .contains("<th scope=\"col\">RIP</th>", "class=\"registers wide\"", "LMA long mode active")
                .doesNotContain("EIP");
    }

    private Outcome run(String code) {
        return TestGuest.run(real(code).withBoot(BootMode.LONG), engine);
    }
}
