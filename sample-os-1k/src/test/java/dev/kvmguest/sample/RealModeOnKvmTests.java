package dev.kvmguest.sample;

import dev.kvmguest.junit.EnabledIfKvm;
import dev.kvmguest.junit.KvmGuest;
import dev.kvmguest.vmm.config.EngineChoice;

/** On KVM, and skipped where there is none: only a test that is about KVM itself needs that. */
@EnabledIfKvm
@KvmGuest(engine = EngineChoice.KVM)
class RealModeOnKvmTests extends RealModeGuests {}
