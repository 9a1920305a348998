package dev.kvmguest.vmm;

import dev.kvmguest.vmm.NeedsKvm.Device;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.TimeFactor;
import dev.kvmguest.vmm.internal.engine.Feature;
import java.io.IOException;
import java.time.Duration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/** A whole Linux on KVM, in the kvm-lab's lane {@code kernels}. */
@EnabledIfSystemProperty(named = DebianKernels.FOLDER, matches = ".+", disabledReason = DebianKernels.NO_FOLDER)
class DebianKernelsOnKvmTests {

    private static final Duration LIMIT = Duration.ofMinutes(10);

    @BeforeEach
    void requireKvmWithInterrupts() {
        Device.assumeFor(EngineChoice.KVM, Feature.LONG_MODE_INTERRUPTS);
    }

    @Test
    void linuxForI386ComesToItsInit() throws IOException {
        Device.assumeFor(EngineChoice.KVM, Feature.PAGING_4K);
        Device.assumeFor(EngineChoice.KVM, Feature.PROTECTED_MODE_INTERRUPTS);
        linuxComesToItsInit("linux-i386", BootMode.LINUX, DebianKernels.initOf32Bits());
    }

    @Test
    void linuxForAmd64ComesToItsInit() throws IOException {
        linuxComesToItsInit("linux-amd64", BootMode.LINUX, DebianKernels.initOf64Bits());
    }

    @Test
    void unpackedLinuxForAmd64ComesToItsInit() throws IOException {
        linuxComesToItsInit("linux-amd64-unpacked", BootMode.PVH, DebianKernels.initOf64Bits());
    }

    private static void linuxComesToItsInit(String kernel, BootMode mode, byte[] init) throws IOException {
        MachineConfig config = MachineConfig.builder()
                .vcpu(DebianKernels.linux(kernel, mode, init))
                .engine(EngineChoice.KVM)
                .memory(DebianKernels.LINUX_MEMORY)
                .timeout(TimeFactor.stretch(LIMIT))
                .build();
        try (Machine machine = Machine.create(config)) {
            DebianKernels.assertCameToInit(machine.run());
        }
    }
}
