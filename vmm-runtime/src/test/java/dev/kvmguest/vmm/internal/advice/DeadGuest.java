package dev.kvmguest.vmm.internal.advice;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.Machine;
import dev.kvmguest.vmm.TestGuest;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.internal.inspection.LastChange;
import dev.kvmguest.vmm.outcome.Outcome;
import java.util.List;
import java.util.TreeMap;

/** Runs guests that triple-fault on the emulator, and has their ends explained. */
final class DeadGuest {

    private DeadGuest() {}

    /** Returns what is advised about a guest in protected mode, given as its bytes. */
    static List<String> flat(String code) {
        return adviceFor(TestGuest.flat(code));
    }

    /** Returns what is advised about a guest in {@code paged}, given as its bytes. */
    static List<String> paged(String code) {
        return adviceFor(TestGuest.real(code).withBoot(BootMode.PAGED));
    }

    /** Returns what is advised about an image in a boot mode. */
    static List<String> image(GuestImage image, BootMode boot) {
        return adviceFor(VcpuConfig.of(image).withBoot(boot));
    }

    /** Returns what is advised about a guest. */
    static List<String> adviceFor(VcpuConfig guest) {
        return adviceFor(guest, LastChange.UNKNOWN);
    }

    /** Returns what a guest's own run says, which is replayed to find out who changed what. */
    static List<String> reported(VcpuConfig guest) {
        return TestGuest.run(guest, EngineChoice.EMULATOR).fault().orElseThrow().advice();
    }

    /** Returns what is advised about a guest where somebody knows who changed what. */
    static List<String> adviceFor(VcpuConfig guest, LastChange changes) {
        try (Machine machine = TestGuest.machine(guest, EngineChoice.EMULATOR)) {
            Outcome outcome = machine.run();
            assertThat(outcome).isInstanceOf(Outcome.TripleFault.class);
            return Advice.of(
                    outcome.fault().orElseThrow(),
                    guest.image(),
                    outcome.run().layout(),
                    machine.memory(),
                    new TreeMap<>(),
                    changes);
        }
    }
}
