package dev.kvmguest.sample;

import dev.kvmguest.junit.EnabledIfKvm;
import dev.kvmguest.junit.KvmGuest;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;

/** On KVM, and skipped where it is missing or can't run long mode. */
@EnabledIfKvm(BootMode.LIMINE)
@KvmGuest(engine = EngineChoice.KVM)
class LimineOnKvmTests extends LimineGuests {}
