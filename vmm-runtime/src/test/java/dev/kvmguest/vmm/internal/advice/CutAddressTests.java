package dev.kvmguest.vmm.internal.advice;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.TestGuest;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.image.GuestImage.Segment;
import dev.kvmguest.vmm.image.GuestImage.Symbol;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Kernels linked at 0xffffffff80100000, whose code begins 8 bytes after that. */
class CutAddressTests {

    private static final Symbol COUNTER = new Symbol("counter", MappedGuest.KERNEL + 0x10_0800, 8);

    private static List<String> adviceFor(String code) {
        return DeadGuest.adviceFor(MappedGuest.higherHalf(code, COUNTER));
    }

    @Test
    void addressWithoutItsUpperHalfIsTold() {
        assertThat(adviceFor("bb 00 08 10 80 8b 03").get(0)) // mov ebx,0x80100800; mov eax,[rbx]
                .isEqualTo(
                        "0x80100800, where no page is, is the lower half of 0xffffffff80100800 (counter): 32 bits of an"
                                + " address are left, after mov ebx, 0x80100800 at 0xffffffff80100008; compile for such addresses with"
                                + " -mcmodel=kernel, and with MOVABS, LEA with RIP or a sign-extended number in assembly, and keep them"
                                + " in pointers or uintptr_t, not in int");
    }

    @Test
    void jumpToAnAddressWithoutItsUpperHalfIsTold() {
        assertThat(adviceFor("bb 10 00 10 80 ff e3")) // mov ebx,0x80100010; jmp rbx
                .satisfies(advice -> assertThat(advice.get(0))
                        .startsWith("0x80100010, where no page is, is the lower half of 0xffffffff80100010: 32 bits"))
                .noneMatch(sentence -> sentence.startsWith("execution went"));
    }

    @Test
    void jumpToWhereTheBootTablesHaveNoRamIsToldToo() {
        byte[] code = TestGuest.bytes("bb 10 00 10 80 ff e3"); // mov ebx,0x80100010; jmp rbx
        GuestImage image = new GuestImage(
                "kernel",
                GuestImage.Format.ELF64,
                List.of(new Segment(0x10_0000, MappedGuest.KERNEL + 0x10_0000, code, 0x1000)),
                OptionalLong.of(MappedGuest.KERNEL + 0x10_0000),
                List.of());

        assertThat(DeadGuest.image(image, BootMode.LONG).get(0))
                .startsWith("0x80100010, where no RAM is, is the lower half of 0xffffffff80100010: 32 bits");
    }

    @Test
    void signThatWasExtendedWronglyIsTold() {
        // mov rbx,0xffffffff80200000; mov eax,[rbx]
        VcpuConfig low = MappedGuest.paged("48 c7 c3 00 00 20 80 8b 03", Map.of());
        Segment above2G = new Segment(0x10_2000, 0x8020_0000L, new byte[8], 8);

        assertThat(DeadGuest.adviceFor(MappedGuest.with(low, above2G)).get(0))
                .startsWith(
                        "0xffffffff80200000, where no page is, is the lower half of 0x80200000 with its bit 31 in all bits"
                                + " above: 32 bits of an address are left, after mov rbx, 0xffffffff80200000 at 0x100008; compile for"
                                + " such addresses with -mcmodel=large or -fPIE");
        assertThat(DeadGuest.adviceFor(low)).noneMatch(sentence -> sentence.contains("32 bits of an address"));
    }

    @Test
    void pointerThatWasSeenCutIsToldOutsideTheImageToo() {
        // mov rsp,0xffffffff80180000; lea rax,[rsp-8]; mov edi,eax; mov [rdi],eax
        assertThat(adviceFor("48 c7 c4 00 00 18 80 48 8d 44 24 f8 89 c7 89 07").get(0))
                .startsWith(
                        "0x8017fff8, where no page is, is the lower half of 0xffffffff8017fff8: 32 bits of an address are"
                                + " left, after mov edi, eax at 0xffffffff80100014; ");
    }

    @Test
    void pointerThatWasAnIntIsTold() {
        // Two entries map physical 0 at 0xffff800000000000, too: mov qword [0xffffffff80110800],0x111007;
        // mov qword [0xffffffff80111000],0x112007; mov rsp,0xffff800000180000
        String map = "48 c7 04 25 00 08 11 80 07 10 11 00 48 c7 04 25 00 10 11 80 07 20 11 00"
                + "48 bc 00 00 18 00 00 80 ff ff";

        // mov eax,0x180000; cdqe; mov eax,[rax]
        assertThat(adviceFor(map + "b8 00 00 18 00 48 98 8b 00").get(0))
                .startsWith(
                        "0x180000, where no page is, is the lower half of 0xffff800000180000: 32 bits of an address are"
                                + " left, after cdqe at 0xffffffff8010002f; keep addresses in pointers or uintptr_t, never in int");
        // mov edi,0x180000; mov edi,edi; mov eax,[rdi]: it may be a physical address
        assertThat(adviceFor(map + "bf 00 00 18 00 89 ff 8b 07"))
                .noneMatch(sentence -> sentence.contains("32 bits of an address"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "bb 00 08 10 00 8b 03", // mov ebx,0x100800; mov eax,[rbx]: the physical address
                "bb 00 00 00 90 8b 03", // mov ebx,0x90000000; mov eax,[rbx]
                "48 bb 00 08 10 80 01 00 00 00 8b 03", // mov rbx,0x180100800; mov eax,[rbx]
                "b8 00 50 00 00 48 98 8b 00", // mov eax,0x5000; cdqe; mov eax,[rax]: a number
                // mov edi,0x80180000; mov edi,edi; mov eax,[rdi]: a device's or a physical address
                "bf 00 00 18 80 89 ff 8b 07",
            })
    void otherAddressesAreNone(String code) {
        assertThat(adviceFor(code)).noneMatch(sentence -> sentence.contains("32 bits of an address"));
    }
}
