package dev.kvmguest.sample;

import dev.kvmguest.junit.KvmGuest;
import dev.kvmguest.vmm.config.EngineChoice;

/** On the emulator, which runs anywhere. */
@KvmGuest(value = "kernel-tests", engine = EngineChoice.EMULATOR)
class KernelUnitsOnEmulatorTests extends KernelUnits {}
