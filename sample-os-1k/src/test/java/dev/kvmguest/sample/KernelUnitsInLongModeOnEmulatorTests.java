package dev.kvmguest.sample;

import dev.kvmguest.junit.KvmGuest;
import dev.kvmguest.vmm.config.EngineChoice;

/** Those of the 64-bit kernel. */
@KvmGuest(value = "kernel-x86_64-tests", engine = EngineChoice.EMULATOR)
class KernelUnitsInLongModeOnEmulatorTests extends KernelUnits {}
