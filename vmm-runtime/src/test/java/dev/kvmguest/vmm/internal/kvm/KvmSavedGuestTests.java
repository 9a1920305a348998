package dev.kvmguest.vmm.internal.kvm;

import static dev.kvmguest.vmm.TestGuest.flat;
import static dev.kvmguest.vmm.TestGuest.real;
import static dev.kvmguest.vmm.TestGuest.realWithVectors;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.NeedsKvm;
import dev.kvmguest.vmm.NeedsKvm.Device;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.internal.boot.BootLoader;
import dev.kvmguest.vmm.internal.emulator.EmulatorEngine;
import dev.kvmguest.vmm.internal.engine.CarriedState;
import dev.kvmguest.vmm.internal.engine.Feature;
import dev.kvmguest.vmm.internal.engine.SavedGuests;
import dev.kvmguest.vmm.internal.engine.SavedRuns;
import dev.kvmguest.vmm.internal.engine.VcpuState;
import dev.kvmguest.vmm.internal.engine.VirtualCpu;
import dev.kvmguest.vmm.internal.engine.VirtualMachine;
import dev.kvmguest.vmm.internal.engine.VmExit;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A guest that is saved on KVM goes on in another machine as it would have. */
@NeedsKvm
@Timeout(60)
class KvmSavedGuestTests {

    private static final long KERNEL_GS_BASE = 0xc000_0102L;

    private static final int MOST_EXITS = 200;

    private static int saveAfterEachExit(VcpuConfig guest, boolean stepping) {
        return new SavedRuns(
                        KvmEngine.instance(),
                        1 << 20,
                        memory -> BootLoader.load(memory, List.of(guest)).get(0),
                        stepping,
                        MOST_EXITS)
                .assertAllEndAlike();
    }

    @Test
    void realModeGuestGoesOn() {
        Device.assumeFor(EngineChoice.KVM, Feature.REAL_MODE_INTERRUPTS);

        assertThat(saveAfterEachExit(realWithVectors(SavedGuests.REAL), false)).isGreaterThan(5);
    }

    @Test
    void vectorRegistersAndDebugRegistersGoOn() {
        Device.assumeFor(EngineChoice.KVM, Feature.PROTECTED_MODE);

        assertThat(saveAfterEachExit(flat(SavedGuests.REGISTERS), false)).isGreaterThan(2);
    }

    @Test
    void guestThatIsSteppedGoesOn() {
        Device.assumeFor(EngineChoice.KVM, Feature.PROTECTED_MODE);
        Device.assumeFor(EngineChoice.KVM, Feature.SINGLE_STEP);

        assertThat(saveAfterEachExit(flat(SavedGuests.REGISTERS), true)).isGreaterThan(20);
    }

    @Test
    void taskPriorityAndBasesOfLongModeGoOn() {
        Device.assumeFor(EngineChoice.KVM, Feature.LONG_MODE);
        try (VirtualMachine machine = KvmEngine.instance().createMachine(1 << 21, 1);
                VirtualMachine other = KvmEngine.instance().createMachine(1 << 21, 1)) {
            // mov cr8,rax; wrmsr; hlt; mov rbx,cr8; rdmsr; hlt
            VcpuConfig guest = VcpuConfig.of(
                            GuestImage.flat("registers", HexFormat.of().parseHex("440f22c00f30f4440f20c30f32f4")))
                    .withBoot(BootMode.LONG);
            VirtualCpu cpu = machine.vcpu(0);
            CpuState start = BootLoader.load(machine.memory(), List.of(guest)).get(0);
            cpu.setState(start.with(state ->
                    state.set(Register.RAX, 9).set(Register.RCX, KERNEL_GS_BASE).set(Register.RDX, 0xffff_8000L)));
            assertThat(cpu.run()).isInstanceOf(VmExit.Halt.class);
            VcpuState saved = cpu.save();
            assertThat(saved.taskPriority()).isEqualTo(9);
            assertThat(saved.msrs()).containsEntry((int) KERNEL_GS_BASE, 0xffff_8000_0000_0009L);

            machine.memory().copyTo(other.memory());
            other.vcpu(0).restore(saved);
            assertThat(other.vcpu(0).run()).isInstanceOf(VmExit.Halt.class);
            CpuState end = other.vcpu(0).state();
            assertThat(end.get(Register.RBX)).isEqualTo(9);
            assertThat(end.get(Register.RAX)).isEqualTo(9);
            assertThat(end.get(Register.RDX)).isEqualTo(0xffff_8000L);
        }
    }

    @Test
    void guestOfTheEmulatorGoesOnOnKvmWithItsX87SseAndModelSpecificRegisters() {
        Device.assumeFor(EngineChoice.KVM, Feature.LONG_MODE_INTERRUPTS);
        // mov rax,cr4; or ax,0x600; mov cr4,rax; mov eax,0x1234; movd xmm3,eax; fld1; mov ecx,0xc0000102; xor edx,edx;
        // wrmsr; hlt; movd ebx,xmm3; fistp dword [0x9000]; mov esi,[0x9000]; rdmsr; hlt
        VcpuConfig guest =
                real("0f 20 e0 66 0d 00 06 0f 22 e0 b8 34 12 00 00 66 0f 6e d8 d9 e8 b9 02 01 00 c0 31 d2 0f 30"
                                + " f4 66 0f 7e db db 1c 25 00 90 00 00 8b 34 25 00 90 00 00 0f 32 f4")
                        .withBoot(BootMode.LONG);
        try (VirtualMachine machine = EmulatorEngine.instance().createMachine(1 << 21, 1);
                VirtualMachine other = KvmEngine.instance().createMachine(1 << 21, 1)) {
            machine.vcpu(0)
                    .setState(BootLoader.load(machine.memory(), List.of(guest)).get(0));
            assertThat(machine.vcpu(0).run()).isInstanceOf(VmExit.Halt.class);

            machine.memory().copyTo(other.memory());
            VirtualCpu cpu = other.vcpu(0);
            cpu.restore(CarriedState.of(machine.vcpu(0).save(), cpu.save()));

            assertThat(cpu.run()).isInstanceOf(VmExit.Halt.class);
            assertThat(cpu.state().get(Register.RBX)).isEqualTo(0x1234);
            assertThat(cpu.state().get(Register.RSI)).isEqualTo(1);
            assertThat(cpu.state().get(Register.RAX)).isEqualTo(0x1234);
        }
    }

    @Test
    void guestThatUsesAllThatAVcpuHasGoesOn() {
        Device.assumeFor(EngineChoice.KVM, Feature.PROTECTED_MODE_INTERRUPTS);

        // Exceptions and what they load are no exits on KVM: its ports and memory without RAM are.
        assertThat(saveAfterEachExit(flat(SavedGuests.ALL), false)).isGreaterThan(5);
    }
}
