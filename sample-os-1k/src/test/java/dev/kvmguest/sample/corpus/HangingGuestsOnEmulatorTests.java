package dev.kvmguest.sample.corpus;

import dev.kvmguest.vmm.config.EngineChoice;

/** On the emulator. */
class HangingGuestsOnEmulatorTests extends HangingGuests {

    HangingGuestsOnEmulatorTests() {
        super(EngineChoice.EMULATOR);
    }
}
