package dev.kvmguest.sample;

import dev.kvmguest.junit.KvmGuest;
import dev.kvmguest.vmm.config.EngineChoice;

/** On the emulator, which runs anywhere. */
@KvmGuest(engine = EngineChoice.EMULATOR)
class FramebufferOnEmulatorTests extends FramebufferGuests {}
