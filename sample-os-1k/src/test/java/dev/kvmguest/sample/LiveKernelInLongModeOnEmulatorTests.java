package dev.kvmguest.sample;

import dev.kvmguest.junit.BootedUntil;
import dev.kvmguest.junit.KvmGuest;
import dev.kvmguest.vmm.config.EngineChoice;

/** The 64-bit kernel. */
@KvmGuest(value = "kernel-x86_64", engine = EngineChoice.EMULATOR)
@BootedUntil(ShellSession.PROMPT)
class LiveKernelInLongModeOnEmulatorTests extends LiveKernelGuests {}
