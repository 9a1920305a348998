package dev.kvmguest.sample;

import dev.kvmguest.junit.BootedUntil;
import dev.kvmguest.junit.KvmGuest;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;

/** The same image, found by the boot loader's map in 4 KiB pages. */
@KvmGuest(value = "kernel", boot = BootMode.PAGED_4K, engine = EngineChoice.EMULATOR)
@BootedUntil(ShellSession.PROMPT)
class LiveKernelInSmallPagesOnEmulatorTests extends LiveKernelGuests {}
