package dev.kvmguest.vmm.internal.kvm;

import static dev.kvmguest.vmm.TestGuest.flat;
import static dev.kvmguest.vmm.TestGuest.realWithVectors;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.NeedsKvm;
import dev.kvmguest.vmm.NeedsKvm.Device;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.internal.boot.BootLoader;
import dev.kvmguest.vmm.internal.engine.Feature;
import dev.kvmguest.vmm.internal.engine.SavedGuests;
import dev.kvmguest.vmm.internal.engine.SavedRuns;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A guest that is saved on KVM goes on in another machine as it would have. */
@NeedsKvm
@Timeout(60)
class KvmSavedGuestTests {

    private static final int MOST_EXITS = 200;

    private static int saveAfterEachExit(VcpuConfig guest, boolean stepping) {
        return new SavedRuns(
                        KvmEngine.instance(),
                        1 << 20,
                        memory -> BootLoader.load(memory, List.of(guest)).get(0),
                        stepping,
                        MOST_EXITS)
                .assertAllEndAlike();
    }

    @Test
    void realModeGuestGoesOn() {
        Device.assumeFor(EngineChoice.KVM, Feature.REAL_MODE_INTERRUPTS);

        assertThat(saveAfterEachExit(realWithVectors(SavedGuests.REAL), false)).isGreaterThan(5);
    }

    @Test
    void vectorRegistersAndDebugRegistersGoOn() {
        Device.assumeFor(EngineChoice.KVM, Feature.PROTECTED_MODE);

        assertThat(saveAfterEachExit(flat(SavedGuests.REGISTERS), false)).isGreaterThan(2);
    }

    @Test
    void guestThatIsSteppedGoesOn() {
        Device.assumeFor(EngineChoice.KVM, Feature.PROTECTED_MODE);
        Device.assumeFor(EngineChoice.KVM, Feature.SINGLE_STEP);

        assertThat(saveAfterEachExit(flat(SavedGuests.REGISTERS), true)).isGreaterThan(20);
    }

    @Test
    void guestThatUsesAllThatAVcpuHasGoesOn() {
        Device.assumeFor(EngineChoice.KVM, Feature.PROTECTED_MODE_INTERRUPTS);

        // Exceptions and what they load are no exits on KVM: its ports and memory without RAM are.
        assertThat(saveAfterEachExit(flat(SavedGuests.ALL), false)).isGreaterThan(5);
    }
}
