package dev.kvmguest.vmm.kvm;

import static dev.kvmguest.vmm.TestGuest.real;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.CpuState;
import dev.kvmguest.vmm.NeedsKvm;
import dev.kvmguest.vmm.Register;
import dev.kvmguest.vmm.engine.VirtualCpuContract;
import dev.kvmguest.vmm.engine.VmExit;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
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
        CompletableFuture<Void> storm = CompletableFuture.runAsync(() -> {
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

    private static long signalsPendingInThisThread() throws IOException {
        return Files.readAllLines(Path.of("/proc/thread-self/status")).stream()
                .filter(line -> line.startsWith("SigPnd:"))
                .mapToLong(line -> Long.parseUnsignedLong(line.substring(7).trim(), 16))
                .findFirst()
                .orElseThrow();
    }
}
