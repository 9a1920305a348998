package dev.kvmguest.vmm.internal.advice.past;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.Machine;
import dev.kvmguest.vmm.TestGuest;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.image.GuestImage.Segment;
import dev.kvmguest.vmm.image.GuestImage.Symbol;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Kernels linked at 0xffffffff80100000, in boot mode {@code long}. */
class LowerHalvesTests {

    private static final long LINKED = 0xffff_ffff_8010_0000L;

    private static List<String> adviceFor(String code) {
        byte[] bytes = TestGuest.bytes(code);
        GuestImage kernel = new GuestImage(
                "kernel",
                GuestImage.Format.ELF64,
                List.of(new Segment(0x10_0000, LINKED, bytes, 0x1000)),
                OptionalLong.of(LINKED),
                List.of(new Symbol("ready", LINKED + 0x800, 8)));
        MachineConfig.Builder config =
                MachineConfig.builder().vcpu(VcpuConfig.of(kernel).withBoot(BootMode.LONG));
        try (Machine machine = TestGuest.hanging(config, EngineChoice.EMULATOR)) {
            return machine.run().run().diagnosis().standstill().orElseThrow().advice();
        }
    }

    @Test
    void flagThatIsReadAtItsLowerHalfIsTold() {
        // mov ebx,0x80100800; here: cmp dword [rbx],1; jne here
        assertThat(adviceFor("bb 00 08 10 80 83 3b 01 75 fb").get(0))
                .startsWith("the kernel used memory at 0x80100800, where no RAM is: that is the lower half of"
                        + " 0xffffffff80100800 (ready), and 32 bits of an address are left; compile for such addresses with"
                        + " -mcmodel=kernel");
    }

    @Test
    void pointerThatIsReadAtALowerHalfAndUsedIsToldToo() {
        // mov ebx,0x80100800; mov rcx,[rbx]: all ones; here: cmp dword [rcx],1; jne here
        assertThat(adviceFor("bb 00 08 10 80 48 8b 0b 83 39 01 75 fb").get(0))
                .startsWith("the kernel used memory at 0x80100800, where no RAM is: that is the lower half of");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                // mov ebx,0x90000000; here: cmp dword [rbx],1; jne here: no address of the image
                "bb 00 00 00 90 83 3b 01 75 fb",
                // The guest looks for RAM, by mov eax,[0x90000000], before the flag.
                "67 a1 00 00 00 90 bb 00 08 10 80 83 3b 01 75 fb",
                // mov rbx,0xffffffff80100800; here: cmp dword [rbx],1; jne here
                "48 c7 c3 00 08 10 80 83 3b 01 75 fb",
            })
    void otherAddressesAreNotTold(String code) {
        assertThat(adviceFor(code)).noneMatch(sentence -> sentence.contains("32 bits of an address"));
    }
}
