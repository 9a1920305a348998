package dev.kvmguest.sample.corpus;

import dev.kvmguest.vmm.EngineChoice;

/** On the emulator. */
class HangingGuestsOnEmulatorTests extends HangingGuests {

    HangingGuestsOnEmulatorTests() {
        super(EngineChoice.EMULATOR);
    }
}
