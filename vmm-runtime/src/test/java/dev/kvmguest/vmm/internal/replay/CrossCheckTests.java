package dev.kvmguest.vmm.internal.replay;

import static dev.kvmguest.vmm.TestGuest.flat;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.FakeVirtualCpu;
import dev.kvmguest.vmm.RecordedRun;
import dev.kvmguest.vmm.TestGuest;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.diagnosis.Parting;
import dev.kvmguest.vmm.internal.emulator.EmulatorEngine;
import dev.kvmguest.vmm.internal.engine.Capabilities;
import dev.kvmguest.vmm.internal.engine.Engine;
import dev.kvmguest.vmm.internal.engine.VirtualCpu;
import dev.kvmguest.vmm.internal.engine.VirtualMachine;
import dev.kvmguest.vmm.internal.engine.VmExit;
import dev.kvmguest.vmm.memory.GuestMemory;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** An engine does a guest's last instructions again, with what a test has it come back with. */
@Timeout(60)
class CrossCheckTests {

    private static final Duration LIMIT = Duration.ofSeconds(20);

    /** mov eax,1; mov ebx,2; inc ebx; ud2 */
    private static final VcpuConfig GUEST = flat("b8 01 00 00 00 bb 02 00 00 00 43 0f 0b");

    private final FakeVirtualCpu cpu = new FakeVirtualCpu();
    private final AtomicInteger open = new AtomicInteger();

    /** Comes back after a step, with EIP so far behind the start. */
    private void step(long offset, long eax, long ebx) {
        cpu.then(() -> {
            cpu.setState(CpuState.builder()
                    .set(Register.RIP, 0x1000 + offset)
                    .set(Register.RAX, eax)
                    .set(Register.RBX, ebx)
                    .build());
            return new VmExit.SingleStep();
        });
    }

    private DeathReplay replay(VcpuConfig guest) {
        DeathReplay replay = replay(guest, new Scripted());
        assertThat(open).hasValue(0);
        return replay;
    }

    private static DeathReplay replay(VcpuConfig guest, Engine engine) {
        RecordedRun run = RecordedRun.of(guest);
        return DeathReplay.of(run.recording(), Origin.boot(run.config(), 0), engine, LIMIT);
    }

    private static String seenBy(DeathReplay replay) {
        assertThat(replay.parting().map(Parting::sentence)).isEmpty();
        return replay.fault().orElseThrow().seenBy();
    }

    @Test
    void engineThatDoesTheSameConfirmsIt() {
        assertThat(seenBy(replay(GUEST, EmulatorEngine.instance())))
                .isEqualTo("the emulator, which replayed what emulator ran; emulator, stepped through the last 4"
                        + " instructions, did the same");
    }

    @Test
    void stepsThatTheEngineDoesNotShowAndRepetitionsAreNoDifference() {
        step(0, 0, 0);
        step(10, 1, 2);
        step(10, 1, 2);
        step(11, 1, 3);
        cpu.then(new VmExit.Shutdown());

        assertThat(seenBy(replay(GUEST))).endsWith("; scripted, stepped through the last 4 instructions, did the same");
    }

    @Test
    void otherRegisterIsADivergenceAndTheFaultIsToldAllTheSame() {
        step(5, 1, 0);
        step(10, 1, 7);
        cpu.then(new VmExit.Shutdown());

        DeathReplay replay = replay(GUEST);

        assertThat(replay.parting().map(Parting::sentence))
                .contains(
                        "scripted and the emulator part in the guest's last instructions: given the emulator's registers"
                                + " and memory, scripted has ebx=0x7 and not 0x2 after mov ebx, 2 at 0x1005");
        assertThat(replay.parting().orElseThrow().at().orElseThrow().inWords()).isEqualTo("mov ebx, 2 at 0x1005");
        assertThat(replay.fault().orElseThrow().seenBy()).isEqualTo("the emulator, which replayed what scripted ran");
    }

    @Test
    void earlierShutdownIsADivergence() {
        step(5, 1, 0);
        cpu.then(new VmExit.Shutdown());

        assertThat(replay(GUEST).parting().map(Parting::sentence).orElseThrow())
                .endsWith("scripted shut down at mov ebx, 2 at 0x1005, and the emulator went on");
    }

    @Test
    void goingOnIsADivergence() {
        step(5, 1, 0);
        step(10, 1, 2);
        step(11, 1, 3);
        step(13, 1, 3);

        assertThat(replay(GUEST).parting().map(Parting::sentence).orElseThrow())
                .endsWith("scripted went on from ud2 at 0x100b to 0x100d, and the emulator shut down");
    }

    @Test
    void otherExitIsADivergence() {
        cpu.then(new VmExit.Halt());

        assertThat(replay(GUEST).parting().map(Parting::sentence).orElseThrow())
                .endsWith("scripted went on from mov eax, 1 at 0x1000, and the emulator shut down");
    }

    @Test
    void whatTheEngineCanNotDoIsNoDivergenceAndNothingIsClaimed() {
        cpu.then(new VmExit.UnsupportedInstruction("not here", new byte[0]));

        assertThat(seenBy(replay(GUEST))).isEqualTo("the emulator, which replayed what scripted ran");
    }

    @Test
    void engineThatWasTooSlowIsNoDivergenceAndNothingIsClaimed() {
        step(5, 1, 0);
        cpu.then(new VmExit.Interrupted());

        assertThat(seenBy(replay(GUEST))).isEqualTo("the emulator, which replayed what scripted ran");
    }

    @Test
    void x87IsCarriedOver() {
        // fninit; fld1; out 0x80,al; fistp dword [0x3000]; mov eax,[0x3000]; ud2
        assertThat(seenBy(replay(
                        flat("db e3 d9 e8 e6 80 db 1d 00 30 00 00 a1 00 30 00 00 0f 0b"), EmulatorEngine.instance())))
                .endsWith("; emulator, stepped through the last 3 instructions, did the same");
    }

    @Test
    void modelSpecificRegistersAreCarriedOver() {
        // mov ecx,0xc0000102; mov eax,0x8000; xor edx,edx; wrmsr; out 0x80,al; swapgs; mov rbx,gs:[0]; ud2
        String code = "b9 02 01 00 c0 b8 00 80 00 00 31 d2 0f 30 e6 80 0f 01 f8 65 48 8b 1c 25 00 00 00 00 0f 0b";

        assertThat(seenBy(replay(TestGuest.real(code).withBoot(BootMode.LONG), EmulatorEngine.instance())))
                .endsWith("; emulator, stepped through the last 3 instructions, did the same");
    }

    @Test
    void whatEachEngineHasOfItsOwnIsNotCompared() {
        // rdtsc; ud2: each has its own time
        cpu.then(new VmExit.Shutdown());
        assertThat(seenBy(replay(flat("0f 31 0f 0b"))))
                .endsWith("; scripted, which ran the last 2 instructions again, shut down too");
    }

    @Test
    void whatOnlyAStaleTlbEntryExplainsIsNoDivergence() {
        // mov eax,[0x200000]; mov dword [0x80100000],0 (its page-directory entry); 40 times nop; mov eax,[0x200000];
        // ud2
        String code = "a1 00 00 20 00 c7 05 00 00 10 80 00 00 00 00" + "90".repeat(40) + "a1 00 00 20 00 0f 0b";

        assertThat(seenBy(replay(TestGuest.real(code).withBoot(BootMode.PAGED), EmulatorEngine.instance())))
                .isEqualTo("the emulator, which replayed what emulator ran");
    }

    @Test
    void onlyWhatCameBehindTheLastExchangeIsDoneAgain() {
        step(3, 1, 0);
        cpu.then(new VmExit.Shutdown());

        // nop; nop; nop; in al,0x60; out 0x80,al; nop; ud2
        assertThat(seenBy(replay(flat("90 90 90 e4 60 e6 80 90 0f 0b"), EmulatorEngine.instance())))
                .endsWith("stepped through the last 2 instructions, did the same");
    }

    @Test
    void recordingThatIsTooLongIsSaidToBe() {
        Recording recording = new Recording(cpu, 1);
        recording.out(1, 1, 1);
        recording.out(2, 1, 1);

        assertThat(DeathReplay.of(recording, Origin.boot(RecordedRun.of(GUEST).config(), 0), new Scripted(), LIMIT)
                        .parting()
                        .map(Parting::sentence))
                .contains("what scripted ran can't be replayed: with 2 exchanges it is too long");
    }

    /** Has one vCPU, the test's. */
    private final class Scripted implements Engine {

        @Override
        public String name() {
            return "scripted";
        }

        @Override
        public Capabilities capabilities() {
            throw new VmmException("nobody asks");
        }

        @Override
        public VirtualMachine createMachine(long memorySize, int vcpus) {
            open.incrementAndGet();
            GuestMemory memory = new GuestMemory(ByteBuffer.allocateDirect((int) memorySize), open::decrementAndGet);
            return new VirtualMachine() {
                @Override
                public GuestMemory memory() {
                    return memory;
                }

                @Override
                public VirtualCpu vcpu(int index) {
                    return List.of(cpu).get(index);
                }

                @Override
                public void close() {
                    memory.close();
                }
            };
        }
    }

    @Test
    void flagsThatAreStoredInTheOtherSizeShowSteppingToo() {
        // mov esp,0x9000; o16 pushf; ud2
        assertThat(seenBy(replay(flat("bc 00 90 00 00 66 9c 0f 0b"), EmulatorEngine.instance())))
                .doesNotContain("stepped");
    }
}
