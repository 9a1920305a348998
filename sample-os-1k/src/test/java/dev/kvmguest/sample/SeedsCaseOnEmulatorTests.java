package dev.kvmguest.sample;

import dev.kvmguest.junit.KvmGuest;
import dev.kvmguest.vmm.config.EngineChoice;

/** On the emulator. */
@KvmGuest(engine = EngineChoice.EMULATOR)
class SeedsCaseOnEmulatorTests extends SeedsCase {}
