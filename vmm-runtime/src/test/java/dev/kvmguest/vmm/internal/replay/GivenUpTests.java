package dev.kvmguest.vmm.internal.replay;

import static dev.kvmguest.vmm.TestGuest.flat;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.FakeVirtualCpu;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.diagnosis.Parting;
import dev.kvmguest.vmm.internal.emulator.EmulatorEngine;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** An engine could not go on, and the emulator does what it could not. */
@Timeout(60)
class GivenUpTests {

    private static final long STACK = 0x8000;

    private static DeathReplay replay(VcpuConfig guest, CpuState.Builder end) {
        return replay(guest, end, Duration.ofSeconds(20));
    }

    private static DeathReplay replay(VcpuConfig guest, CpuState.Builder end, Duration limit) {
        FakeVirtualCpu cpu = new FakeVirtualCpu();
        cpu.setState(end.build());
        Recording recording = new Recording(cpu);
        recording.stopHere();
        MachineConfig config =
                MachineConfig.builder().vcpu(guest).memory(1 << 20).build();
        return DeathReplay.of(recording, Origin.boot(config, 0), EmulatorEngine.instance(), limit);
    }

    private static CpuState.Builder at(long eip, long esp) {
        return CpuState.builder().set(Register.RIP, eip).set(Register.RSP, esp);
    }

    @Test
    void faultOfThatInstructionIsTold() {
        // mov esp,0x8000; mov eax,0xc0100000; call eax
        DeathReplay replay = replay(
                flat("bc 00 80 00 00 b8 00 00 10 c0 ff d0"),
                at(0xc010_0000L, STACK - 4).set(Register.RAX, 0xc010_0000L));

        assertThat(replay.parting().map(Parting::sentence)).isEmpty();
        Fault fault = replay.fault().orElseThrow();
        assertThat(fault.first()).hasToString("#UD");
        assertThat(fault.at().eip()).isEqualTo(0xc010_0000L);
        assertThat(fault.seenBy())
                .isEqualTo("the emulator, which replayed what emulator ran and did what it could not");
    }

    @Test
    void memoryWithoutRamThatItReadsOnTheWayIsAllOnes() {
        // mov esp,0x8000; lidt [0x1010]; ud2; nop...; 0x1010: the limit 0x7ff, the base 0x80000000
        DeathReplay replay =
                replay(flat("bc 00 80 00 00 0f 01 1d 10 10 00 00 0f 0b 90 90 ff 07 00 00 00 80"), at(0x100c, STACK));

        assertThat(replay.fault().orElseThrow().shutdown())
                .isEqualTo("IDT[8] at 0x80000040 is not a gate to a handler");
    }

    @Test
    void whatTheEmulatorExecutesIsNoFault() {
        // mov esp,0x8000; nop; ud2
        assertThat(replay(flat("bc 00 80 00 00 90 0f 0b"), at(0x1005, STACK))).isEqualTo(DeathReplay.NONE);
    }

    @Test
    void exceptionThatAHandlerTakesIsNoFault() {
        // mov esp,0x8000; IDT[3] to 0x1019; int3; 0x1019: ud2, of which the guest would die only then
        assertThat(replay(
                        flat("bc 00 80 00 00 66 c7 05 40 05 00 00 19 10 c7 05 42 05 00 00 08 00 00 8e cc 0f 0b"),
                        at(0x1018, STACK)))
                .isEqualTo(DeathReplay.NONE);
    }

    @Test
    void whatTheEmulatorCanNotExecuteEitherIsNoFault() {
        // mov ecx,0x1b; xor edx,edx; mov eax,0xfee00900; wrmsr: a local APIC, which the emulator lacks
        CpuState.Builder end = at(0x100c, 0).set(Register.RCX, 0x1b).set(Register.RAX, 0xfee0_0900L);
        assertThat(replay(flat("b9 1b 00 00 00 31 d2 b8 00 09 e0 fe 0f 30"), end))
                .isEqualTo(DeathReplay.NONE);
    }

    @Test
    void placeThatTheEmulatorDoesNotComeToIsADivergence() {
        DeathReplay replay = replay(flat("0f 0b"), at(0x2000, STACK));

        assertThat(replay.parting().map(Parting::sentence))
                .contains(
                        "emulator and the emulator part at once, at 0x1000: on emulator the guest came to 0x2000, on the"
                                + " emulator it shut down by #UD");
    }

    @Test
    void instructionThatNeverEndsIsLeftAtTheEndOfTheTime() {
        // mov edi,0x80000000; mov ecx,edi; rep stosd
        CpuState.Builder end = at(0x1007, 0).set(Register.RDI, 0x8000_0000L).set(Register.RCX, 0x8000_0000L);

        assertThat(replay(flat("bf 00 00 00 80 89 f9 f3 ab"), end, Duration.ofMillis(200)))
                .isEqualTo(DeathReplay.NONE);
    }
}
