package dev.kvmguest.sample.corpus;

import dev.kvmguest.junit.EnabledIfKvm;
import dev.kvmguest.vmm.Host;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import java.util.Optional;

/** On KVM. Where it can't deliver interrupts in a mode, the mode's guests are skipped. */
@EnabledIfKvm
class HangingGuestsOnKvmTests extends HangingGuests {

    HangingGuestsOnKvmTests() {
        super(EngineChoice.KVM);
    }

    @Override
    Optional<String> whyNot(BootMode mode) {
        return Host.whyNoKvm(mode).or(() -> Host.whyNoKvmWithInterrupts(mode));
    }
}
