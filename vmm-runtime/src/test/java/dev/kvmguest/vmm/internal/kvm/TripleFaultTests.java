package dev.kvmguest.vmm.internal.kvm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.NeedsKvm.Device;
import dev.kvmguest.vmm.OnEachEngine;
import dev.kvmguest.vmm.TestGuest;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.internal.boot.BootLoader;
import dev.kvmguest.vmm.internal.engine.Feature;
import dev.kvmguest.vmm.internal.engine.VirtualMachine;
import dev.kvmguest.vmm.internal.engine.VmExit;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.report.JsonReport;
import dev.kvmguest.vmm.report.TextReport;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What is told of a guest that shut down: its own registers or none, never those that a reset has put in their place. */
@OnEachEngine
@Timeout(60)
class TripleFaultTests {

    /** lidt [0x100a] (limit 0); mov bx,0x1234; ud2; (what lidt loads) */
    private static final String REAL_GUEST = "0f 01 1e 0a 10 bb 34 12 0f 0b 00 00 00 00 00 00";

    /** mov ebx,0x1234; ud2 */
    private static final String FLAT_GUEST = "bb 34 12 00 00 0f 0b";

    private static final Path AMD = Path.of("/sys/module/kvm_amd");

    private final EngineChoice engine;

    TripleFaultTests(EngineChoice engine) {
        this.engine = engine;
    }

    @ParameterizedTest
    @EnumSource(
            mode = EnumSource.Mode.EXCLUDE,
            names = {"MULTIBOOT", "PVH", "LINUX"})
    void reportsHaveTheGuestsRegistersOrNone(BootMode mode) {
        VcpuConfig guest = guest(mode);

        Outcome outcome = TestGuest.run(guest, engine);

        assertThat(outcome.kind()).isEqualTo(Outcome.Kind.TRIPLE_FAULT);
        if (losesRegisters()) {
            assertThat(outcome.run().registers()).isEmpty();
            assertThat(JsonReport.of(outcome)).contains("\"registers\": null");
            assertThat(TextReport.brief(outcome))
                    .contains("kvm's own registers, RIP=0xfff0 and so on, are reset values ");
        } else {
            CpuState state = outcome.run().registers().orElseThrow();
            assertThat(state.get(Register.RBX)).isEqualTo(0x1234);
            assertThat(state.protectedMode()).isEqualTo(mode != BootMode.REAL);
        }
        assertThat(JsonReport.of(outcome)).doesNotContain("fff0");
    }

    @ParameterizedTest
    @EnumSource(
            mode = EnumSource.Mode.EXCLUDE,
            names = {"MULTIBOOT", "PVH", "LINUX"})
    void stateOfAVcpuThatShutDownIsTheGuestsOrIsKnownForThatOfAReset(BootMode mode) {
        VcpuConfig guest = guest(mode);
        try (VirtualMachine machine = SystemGuest.engine(engine).createMachine(2 << 20, 1)) {
            machine.vcpu(0)
                    .setState(BootLoader.load(machine.memory(), List.of(guest)).get(0));

            assertThat(machine.vcpu(0).run()).isInstanceOf(VmExit.Shutdown.class);

            assertThat(machine.vcpu(0).state().isResetState()).isEqualTo(losesRegisters());
        }
    }

    /** KVM on AMD's processors puts a vCPU that shut down into the state that it has after INIT. */
    private boolean losesRegisters() {
        return engine == EngineChoice.KVM && Files.exists(AMD);
    }

    private VcpuConfig guest(BootMode mode) {
        Device.assumeFor(engine, Feature.neededBy(mode));
        if (mode == BootMode.REAL) {
            // A KVM without the hardware for it executes real mode in software, and there gives up at UD2.
            Device.assumeFor(engine, Feature.PROTECTED_MODE_INTERRUPTS);
            return TestGuest.real(REAL_GUEST);
        }
        return TestGuest.real(FLAT_GUEST).withBoot(mode);
    }
}
