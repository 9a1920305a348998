package dev.kvmguest.sample;

import dev.kvmguest.junit.EnabledIfKvm;
import dev.kvmguest.junit.KvmGuest;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;

/** Those of the 64-bit kernel, on KVM, and skipped where it is missing or lacks the mode. */
@EnabledIfKvm(BootMode.LONG)
@KvmGuest(value = "kernel-x86_64-tests", engine = EngineChoice.KVM)
class KernelUnitsInLongModeOnKvmTests extends KernelUnits {}
