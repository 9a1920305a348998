package dev.kvmguest.vmm.internal.kvm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.Machine;
import dev.kvmguest.vmm.NeedsKvm.Device;
import dev.kvmguest.vmm.OnEachEngine;
import dev.kvmguest.vmm.TestGuest;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.EntryPoint;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.internal.engine.Feature;
import dev.kvmguest.vmm.outcome.Outcome;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Four vCPUs in real mode, each with a copy of the code in a segment of its own. */
@OnEachEngine
@Timeout(60)
class FourVcpusTests {

    private static final int COUNTER = 0x600;

    private final EngineChoice engine;

    FourVcpusTests(EngineChoice engine) {
        Device.assumeFor(engine, Feature.PARALLEL_VCPUS);
        Device.assumeFor(engine, Feature.REAL_MODE_INTERRUPTS);
        this.engine = engine;
    }

    @Test
    void interruptsOfAllCountInTheSameMemory() {
        // xor ax,ax; mov ds,ax; mov word [0xc0],0x1b; mov [0xc2],cs; mov cx,5000; again: int 0x30; loop again; hlt;
        // nop; nop; nop; 0x1b: lock inc dword [0x600]; iret
        try (Machine machine =
                machine("31 c0 8e d8 c7 06 c0 00 1b 00 8c 0e c2 00 b9 88 13 cd 30 e2 fc f4 90 90 90 90 90"
                        + "f0 66 ff 06 00 06 cf")) {
            List<Outcome> outcomes = machine.runAll();

            assertThat(outcomes).extracting(Outcome::kind).containsOnly(Outcome.Kind.HALTED);
            assertThat(machine.memory().readInt(COUNTER)).isEqualTo(4 * 5000);
        }
    }

    @Test
    void allAreStoppedWhileTheySpin() {
        // xor ax,ax; mov ds,ax; mov dx,1; lock xadd [0x600],dx; here: jmp here
        try (Machine machine = machine("31 c0 8e d8 ba 01 00 f0 0f c1 16 00 06 eb fe")) {
            machine.start();
            while (machine.memory().readInt(COUNTER) < 4 && machine.isRunning()) {
                Thread.onSpinWait();
            }

            machine.stop();

            assertThat(machine.runAll()).extracting(Outcome::kind).containsOnly(Outcome.Kind.STOPPED);
            assertThat(machine.memory().readInt(COUNTER)).isEqualTo(4);
        }
    }

    private Machine machine(String code) {
        VcpuConfig guest = TestGuest.real(code).withLoad(0x1_0000).withEntry(EntryPoint.segmented(0x1000, 0));
        MachineConfig.Builder config = MachineConfig.builder().engine(engine);
        for (int i = 0; i < 4; i++) {
            config.vcpu(guest);
        }
        return Machine.create(config.build());
    }
}
