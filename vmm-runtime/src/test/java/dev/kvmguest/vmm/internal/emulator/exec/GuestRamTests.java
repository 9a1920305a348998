package dev.kvmguest.vmm.internal.emulator.exec;

import static dev.kvmguest.vmm.TestGuest.flat;
import static dev.kvmguest.vmm.TestGuest.real;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.internal.boot.BootLoader;
import dev.kvmguest.vmm.internal.emulator.EmulatorEngine;
import dev.kvmguest.vmm.internal.emulator.RamPool;
import dev.kvmguest.vmm.internal.engine.VirtualMachine;
import dev.kvmguest.vmm.internal.engine.VmExit;
import dev.kvmguest.vmm.memory.GuestMemory;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** RAM goes from one emulated machine to the next: clean, and to one at a time. */
class GuestRamTests {

    /** No other test uses machines of this size, so that what one of these gives back is what the next gets. */
    private static final int SIZE = (2 << 20) + (4 << 12);

    static Stream<Arguments> writingGuests() {
        return Stream.of(
                // mov edi,0x2000; mov ecx,0x7a000; mov eax,-1; rep stosd; hlt
                Arguments.of(
                        "REP STOSD over many pages", flat("bf 00 20 00 00 b9 00 a0 07 00 b8 ff ff ff ff f3 ab f4")),
                // mov dword [0x1fffd],-1; hlt: across the end of a page
                Arguments.of("a write across pages", flat("c7 05 fd ff 01 00 ff ff ff ff f4")),
                // mov esp,0x40000; push esp; push esp; mov al,[0x41000]; inc byte [0x41000]; xchg [0x42000],esp; hlt
                Arguments.of(
                        "pushes, updates and exchanges",
                        flat("bc 00 00 04 00 54 54 a0 00 10 04 00 fe 05 00 10 04 00 87 25 00 20 04 00 f4")),
                // mov [0x80043000],eax; mov byte [0x80043000],1; hlt: sets accessed and dirty bits too
                Arguments.of(
                        "a write through page tables",
                        real("a3 00 30 04 80 c6 05 00 30 04 80 01 f4").withBoot(BootMode.PAGED_4K)),
                // mov byte [0x1007],0x90; jmp next; next: hlt: a write to the page that is executed
                Arguments.of("code that changes itself", real("c6 06 07 10 90 eb 00 00 f4")));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("writingGuests")
    void nothingOfAClosedMachineShowsInTheNextOne(String what, VcpuConfig guest) {
        try (VirtualMachine machine = EmulatorEngine.instance().createMachine(SIZE, 1)) {
            machine.vcpu(0)
                    .setState(BootLoader.load(machine.memory(), List.of(guest)).get(0));
            machine.memory().write(SIZE - 5, new byte[] {1, 2, 3, 4, 5});

            assertThat(machine.vcpu(0).run()).isInstanceOf(VmExit.Halt.class);
            assertThat(machine.memory().read(0, SIZE)).isNotEqualTo(new byte[SIZE]);
        }
        try (VirtualMachine next = EmulatorEngine.instance().createMachine(SIZE, 1)) {
            assertThat(next.memory().read(0, SIZE)).isEqualTo(new byte[SIZE]);
        }
    }

    @Test
    void codeOfAClosedMachineIsNotExecutedByTheNextOne() {
        assertThat(runFirstByte("b0 01 f4")).isEqualTo(1); // mov al,1; hlt
        assertThat(runFirstByte("b0 02 f4")).isEqualTo(2);
    }

    private static long runFirstByte(String code) {
        try (VirtualMachine machine = EmulatorEngine.instance().createMachine(SIZE, 1)) {
            machine.vcpu(0)
                    .setState(BootLoader.load(machine.memory(), List.of(real(code)))
                            .get(0));
            machine.vcpu(0).run();
            return machine.vcpu(0).state().get(Register.RAX);
        }
    }

    @Test
    void machineClosedTwiceGivesItsRamBackOnce() {
        VirtualMachine machine = EmulatorEngine.instance().createMachine(SIZE, 1);
        machine.close();
        try (VirtualMachine one = EmulatorEngine.instance().createMachine(SIZE, 1)) {
            machine.close();
            try (VirtualMachine other = EmulatorEngine.instance().createMachine(SIZE, 1)) {
                one.memory().writeByte(0x5000, 1);

                assertThat(other.memory().readByte(0x5000)).isZero();
            }
        }
    }

    @Test
    void ramClosedByItsUserStaysWithItsMachine() {
        try (VirtualMachine machine = EmulatorEngine.instance().createMachine(SIZE, 1)) {
            // mov byte [0x3000],1; hlt
            machine.vcpu(0)
                    .setState(BootLoader.load(machine.memory(), List.of(real("c6 06 00 30 01 f4")))
                            .get(0));
            machine.memory().close();
            try (VirtualMachine other = EmulatorEngine.instance().createMachine(SIZE, 1)) {
                assertThat(machine.vcpu(0).run()).isInstanceOf(VmExit.Halt.class);

                assertThat(other.memory().readByte(0x3000)).isZero();
            }
        }
    }

    @Test
    void closedMachineRefusesEveryAccess() {
        VirtualMachine machine = EmulatorEngine.instance().createMachine(SIZE, 1);
        GuestMemory memory = machine.memory();
        machine.close();

        assertThatIllegalStateException().isThrownBy(() -> memory.writeByte(0, 1));
        assertThatIllegalStateException()
                .isThrownBy(() -> machine.vcpu(0).run())
                .withMessage("vCPU 0 is closed");
        machine.vcpu(0).interrupt();
        machine.vcpu(0).finish();
    }

    @Test
    void machineThatIsTooLargeIsRefused() {
        assertThatThrownBy(() -> EmulatorEngine.instance().createMachine((63L << 30) + 4096, 1))
                .isInstanceOf(VmmException.class)
                .hasMessage(
                        "the emulator gives a guest 63 GiB of RAM at most, as far as its physical addresses of 36 bits"
                                + " reach; 67645739008 bytes were asked for");
        assertThatThrownBy(() -> EmulatorEngine.instance().createMachine(SIZE, 1000))
                .isInstanceOf(VmmException.class)
                .hasMessage("the emulator has at most 64 vCPUs a machine; 1000 were asked for");
    }

    @Test
    void framesOfAClosedMachineAreClean() {
        long at = 5L << 30;
        byte[] ones = new byte[3 << 20];
        Arrays.fill(ones, (byte) -1);
        try (VirtualMachine machine = EmulatorEngine.instance().createMachine(16L << 30, 1)) {
            machine.memory().write(at, ones);
            assertThat(machine.memory().usedBytes()).isEqualTo(ones.length);
        }
        try (VirtualMachine next = EmulatorEngine.instance().createMachine(16L << 30, 1)) {
            // The pages are given frames.
            for (int page = 0; page < ones.length; page += 4096) {
                next.memory().writeByte(at + page, 0);
            }
            assertThat(next.memory().read(at, ones.length)).isEqualTo(new byte[ones.length]);
        }
    }

    @Test
    void poolHandsEachBufferOutOnce() {
        RamPool pool = new RamPool(4);
        ByteBuffer first = pool.take(0x10000);
        ByteBuffer second = pool.take(0x10000);
        pool.give(first);
        pool.give(second);

        Map<ByteBuffer, Boolean> taken = new IdentityHashMap<>();
        for (int i = 0; i < 4; i++) {
            taken.put(pool.take(0x10000), true);
        }

        assertThat(taken).hasSize(4);
        assertThat(taken.containsKey(first)).isTrue();
        assertThat(taken.containsKey(second)).isTrue();
    }

    @Test
    void poolKeepsSizesApart() {
        RamPool pool = new RamPool(4);
        pool.give(pool.take(0x10000));

        assertThat(pool.take(0x20000).capacity()).isEqualTo(0x20000);
    }
}
