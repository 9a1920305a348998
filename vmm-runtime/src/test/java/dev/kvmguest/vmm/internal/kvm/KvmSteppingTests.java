package dev.kvmguest.vmm.internal.kvm;

import static dev.kvmguest.vmm.TestGuest.realWithVectors;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.kvmguest.vmm.NeedsKvm;
import dev.kvmguest.vmm.NeedsKvm.Device;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.internal.boot.BootLoader;
import dev.kvmguest.vmm.internal.engine.Feature;
import dev.kvmguest.vmm.internal.engine.VmExit;
import dev.kvmguest.vmm.internal.kvm.abi.Kvm;
import dev.kvmguest.vmm.memory.GuestMemory;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What KVM does of itself while it steps, whatever the engine asks it for. */
@NeedsKvm
class KvmSteppingTests {

    /** Of {@code linux/kvm.h}: which {@code KVM_GUESTDBG_} bits there are. */
    private static final int KVM_CAP_SET_GUEST_DEBUG2 = 195;

    /** Of {@code asm/kvm.h}, since Linux 5.16. */
    private static final int KVM_GUESTDBG_BLOCKIRQ = 0x10_0000;

    private static final int STEP = Kvm.KVM_GUESTDBG_ENABLE | Kvm.KVM_GUESTDBG_SINGLESTEP;

    @ParameterizedTest
    @ValueSource(ints = {STEP, STEP | KVM_GUESTDBG_BLOCKIRQ})
    void interruptThatWasQueuedIsTakenWithAndWithoutBlockirq(int control) {
        Device.assumeFor(EngineChoice.KVM, Feature.REAL_MODE_INTERRUPTS);
        try (KvmSystem system = KvmSystem.open();
                KvmVm vm = system.createVm();
                Mapping ram = Mapping.anonymous(1 << 20);
                KvmVcpu vcpu = vm.createVcpu(0)) {
            boolean known = (system.checkExtension(KVM_CAP_SET_GUEST_DEBUG2) & KVM_GUESTDBG_BLOCKIRQ) != 0;
            assumeTrue(known || control == STEP, "this kernel is older than KVM_GUESTDBG_BLOCKIRQ");
            vm.mapMemory(ram);
            vcpu.setCpuid(system.supportedCpuid());
            KvmVirtualCpu cpu = new KvmVirtualCpu(vcpu);
            // mov word [0x80],0x100a; sti; nop; here: jmp here; 0x100a: mov bx,5; iret
            cpu.setState(BootLoader.load(
                            new GuestMemory(ram.bytes(), () -> {}),
                            List.of(realWithVectors("c7 06 80 00 0a 10 fb 90 eb fe bb 05 00 cf")))
                    .get(0));
            cpu.setInterruptWindow(true);
            assertThat(cpu.run()).isInstanceOf(VmExit.InterruptWindow.class);
            cpu.setInterruptWindow(false);

            cpu.injectInterrupt(0x20);
            vcpu.setGuestDebug(control, 0);

            VmExit exit = cpu.run();
            for (int i = 0; i < 3 && cpu.register(Register.RIP) >= 0x100a; i++) {
                exit = cpu.run();
            }
            assertThat(exit).isInstanceOf(VmExit.SingleStep.class);
            assertThat(cpu.register(Register.RBX)).isEqualTo(5);
        }
    }
}
