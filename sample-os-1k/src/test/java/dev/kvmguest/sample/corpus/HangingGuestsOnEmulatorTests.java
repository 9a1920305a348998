package dev.kvmguest.sample.corpus;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import java.util.Optional;

/** On the emulator. */
class HangingGuestsOnEmulatorTests extends HangingGuests {

    HangingGuestsOnEmulatorTests() {
        super(EngineChoice.EMULATOR);
    }

    @Override
    Optional<String> whyNot(BootMode mode) {
        return Optional.empty();
    }
}
