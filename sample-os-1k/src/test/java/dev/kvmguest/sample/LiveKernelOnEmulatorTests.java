package dev.kvmguest.sample;

import dev.kvmguest.junit.BootedUntil;
import dev.kvmguest.junit.KvmGuest;
import dev.kvmguest.vmm.config.EngineChoice;

/** On the emulator, which runs anywhere. */
@KvmGuest(value = "kernel", engine = EngineChoice.EMULATOR)
@BootedUntil(ShellSession.PROMPT)
class LiveKernelOnEmulatorTests extends LiveKernelGuests {}
