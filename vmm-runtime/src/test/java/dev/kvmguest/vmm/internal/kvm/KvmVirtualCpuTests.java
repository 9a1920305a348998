package dev.kvmguest.vmm.internal.kvm;

import static dev.kvmguest.vmm.TestGuest.real;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.kvmguest.vmm.NeedsKvm;
import dev.kvmguest.vmm.OwnThread;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.internal.boot.BootLoader;
import dev.kvmguest.vmm.internal.engine.VirtualClock;
import dev.kvmguest.vmm.internal.engine.VirtualCpuContract;
import dev.kvmguest.vmm.internal.engine.VmExit;
import dev.kvmguest.vmm.internal.kvm.abi.Kvm;
import dev.kvmguest.vmm.memory.GuestMemory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

@NeedsKvm
class KvmVirtualCpuTests extends VirtualCpuContract {

    KvmVirtualCpuTests() {
        super(KvmEngine.instance());
    }

    @Test
    void interruptThatMeetsAnExitLeavesNoSignalPending() throws Exception {
        load(real("ec eb fd")); // here: in al,dx; jmp here
        CompletableFuture<Void> storm = OwnThread.run(() -> {
            for (int i = 0; i < 20_000; i++) {
                vcpu.interrupt();
            }
        });
        // The JVM unblocks every signal as a thread ends; one that is pending then would kill the process.
        while (!storm.isDone()) {
            if (!(vcpu.run() instanceof VmExit.Interrupted)) {
                assertThat(signalsPendingInThisThread()).isZero();
            }
        }
        storm.get();
    }

    @Test
    void inputIsInTheRegistersWithoutAnotherInstruction() {
        load(real("e4 10 b0 00 f4")); // in al,0x10; mov al,0; hlt
        assertThat(vcpu.run())
                .isInstanceOfSatisfying(VmExit.PortIn.class, in -> in.data().put((byte) 0x5a));

        CpuState state = vcpu.state();

        assertThat(state.get(Register.RAX)).isEqualTo(0x5a);
        assertThat(state.eip()).isEqualTo(0x1002);
        assertThat(vcpu.run()).isInstanceOf(VmExit.Halt.class);
    }

    @Test
    void interruptionHasTheRegistersBetweenTwoInstructionsEvenIfNothingRan() {
        load(real("e4 10 b0 00 f4")); // in al,0x10; mov al,0; hlt
        assertThat(vcpu.run())
                .isInstanceOfSatisfying(VmExit.PortIn.class, in -> in.data().put((byte) 0x5a));
        vcpu.interrupt();

        assertThat(vcpu.run()).isInstanceOf(VmExit.Interrupted.class);

        assertThat(vcpu.register(Register.RAX)).isEqualTo(0x5a);
        assertThat(vcpu.register(Register.RIP)).isEqualTo(0x1002);
        assertThat(vcpu.run()).isInstanceOf(VmExit.Halt.class);
        assertThat(vcpu.register(Register.RAX)).isZero();
    }

    @Test
    void generalRegistersAreAtHandBehindARunAndNotBehindANewState() {
        try (KvmSystem system = KvmSystem.open()) {
            assumeTrue(
                    (system.checkExtension(Kvm.KVM_CAP_SYNC_REGS) & Kvm.KVM_SYNC_X86_REGS) != 0,
                    "this KVM doesn't put registers into the shared page");
        }
        CpuState entry = load(real("f4"));
        assertThat(vcpu.hasRegistersAtHand()).isFalse();
        vcpu.run();
        assertThat(vcpu.hasRegistersAtHand()).isTrue();
        vcpu.setState(entry);
        assertThat(vcpu.hasRegistersAtHand()).isFalse();
    }

    @Test
    void registersAreReadWithoutTheSharedPageToo() {
        try (KvmSystem system = KvmSystem.open();
                KvmVm vm = system.createVm();
                Mapping ram = Mapping.anonymous(1 << 20);
                KvmVcpu plain = vm.createVcpu(0)) {
            vm.mapMemory(ram);
            plain.setCpuid(system.supportedCpuid());
            KvmVirtualCpu cpu = new KvmVirtualCpu(plain);
            cpu.setState(BootLoader.load(new GuestMemory(ram.bytes(), () -> {}), List.of(real("bb 34 12 f4")))
                    .get(0)); // mov bx,0x1234; hlt

            assertThat(cpu.run()).isInstanceOf(VmExit.Halt.class);

            assertThat(cpu.hasRegistersAtHand()).isFalse();
            assertThat(cpu.register(Register.RBX)).isEqualTo(0x1234);
        }
    }

    @Test
    void clockIsTheHostsAndNobodySeesWhatIsExecuted() {
        long before = System.nanoTime();
        long time = vcpu.clock().time();
        while (vcpu.clock().time() == time) {
            Thread.onSpinWait();
        }

        assertThat(vcpu.clock().time() - time).isBetween(1L, System.nanoTime() - before);
        assertThat(vcpu.clock()).isNotInstanceOf(VirtualClock.class);
        assertThat(vcpu.observer()).isEmpty();
    }

    private static long signalsPendingInThisThread() throws IOException {
        return Files.readAllLines(Path.of("/proc/thread-self/status")).stream()
                .filter(line -> line.startsWith("SigPnd:"))
                .mapToLong(line -> Long.parseUnsignedLong(line.substring(7).trim(), 16))
                .findFirst()
                .orElseThrow();
    }
}
