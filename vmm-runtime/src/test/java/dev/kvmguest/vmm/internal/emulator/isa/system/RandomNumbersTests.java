package dev.kvmguest.vmm.internal.emulator.isa.system;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.internal.emulator.exec.EmulatedGuest;
import dev.kvmguest.vmm.internal.engine.VcpuState;
import dev.kvmguest.vmm.internal.x86.Flag;
import org.junit.jupiter.api.Test;

class RandomNumbersTests {

    private static final String RDRAND = "0f c7 f0";

    @Test
    void everyRunHasTheSameNumbersAndEachNumberIsAnother() {
        try (EmulatedGuest guest = EmulatedGuest.flat(0);
                EmulatedGuest again = EmulatedGuest.flat(0)) {
            guest.run("0f c7 f0 0f c7 f3 0f c7 f1"); // rdrand eax, rdrand ebx, rdrand ecx
            again.run("0f c7 f0 0f c7 f3 0f c7 f1");

            assertThat(again.get(Register.RAX))
                    .isEqualTo(guest.get(Register.RAX))
                    .isNotEqualTo(guest.get(Register.RBX));
            assertThat(again.get(Register.RBX))
                    .isEqualTo(guest.get(Register.RBX))
                    .isNotEqualTo(guest.get(Register.RCX));
        }
    }

    @Test
    void numbersAreTheSameStepByStep() {
        try (EmulatedGuest guest = EmulatedGuest.flat(0);
                EmulatedGuest stepped = EmulatedGuest.flat(0)) {
            guest.run("90 0f c7 f0 0f c7 f3");
            stepped.put(EmulatedGuest.CODE, "90 0f c7 f0 0f c7 f3 f4");
            for (int i = 0; i < 3; i++) {
                stepped.step();
            }

            assertThat(stepped.get(Register.RAX)).isEqualTo(guest.get(Register.RAX));
            assertThat(stepped.get(Register.RBX)).isEqualTo(guest.get(Register.RBX));
        }
    }

    @Test
    void savedVcpuGoesOnWithTheNumbersThatItWouldHaveHad() {
        try (EmulatedGuest guest = EmulatedGuest.flat(0);
                EmulatedGuest other = EmulatedGuest.flat(0)) {
            guest.put(EmulatedGuest.CODE, "0f c7 f0 0f c7 f0 f4").step();
            VcpuState saved = guest.vcpu().save();
            guest.step();
            other.put(EmulatedGuest.CODE, "0f c7 f0 0f c7 f0 f4").vcpu().restore(saved);
            other.step();

            assertThat(other.get(Register.RAX))
                    .isEqualTo(guest.get(Register.RAX))
                    .isNotEqualTo(saved.registers().get(Register.RAX));
        }
    }

    @Test
    void carrySaysThatThereIsANumberAndOtherFlagsAreCleared() {
        try (EmulatedGuest guest = EmulatedGuest.flat(0)) {
            guest.flags(Flag.ARITHMETIC & ~Flag.CF).run(RDRAND);

            assertThat(guest.get(Register.RFLAGS) & Flag.ARITHMETIC).isEqualTo(Flag.CF);
        }
    }

    @Test
    void sixteenBitsLeaveTheOthers() {
        try (EmulatedGuest guest = EmulatedGuest.flat(0)) {
            guest.set(Register.RAX, 0x1234_0000L).run("66 0f c7 f0"); // rdrand ax

            assertThat(guest.get(Register.RAX) >>> 16).isEqualTo(0x1234);
            assertThat(guest.get(Register.RAX) & 0xffff).isNotZero();
        }
    }

    @Test
    void bitsAreSetAboutHalfTheTime() {
        try (EmulatedGuest guest = EmulatedGuest.flat(0)) {
            // mov edx,1000; mov edi,0x9000; next: rdrand eax; stosd; dec edx; jnz next
            guest.run("ba e8 03 00 00 bf 00 90 00 00 0f c7 f0 ab 4a 75 f9");

            int[] set = new int[32];
            for (int i = 0; i < 1000; i++) {
                int number = guest.memory().readInt(EmulatedGuest.DATA + 4L * i);
                for (int bit = 0; bit < set.length; bit++) {
                    set[bit] += number >>> bit & 1;
                }
            }
            for (int count : set) {
                assertThat(count).isBetween(400, 600);
            }
        }
    }
}
