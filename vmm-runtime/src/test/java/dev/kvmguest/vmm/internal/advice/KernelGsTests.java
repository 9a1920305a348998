package dev.kvmguest.vmm.internal.advice;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class KernelGsTests {

    private static final int ENTRY = 0x400;
    private static final int HANDLER = 0x500;
    private static final int GS_BASE = 0xc000_0101;
    private static final int KERNEL_GS_BASE = 0xc000_0102;
    /** What a kernel would have for each processor, in the image. */
    private static final long OWN = LongGuest.BASE + 0x1800;

    private static final long UNMAPPED = 0x7000_0000_0000L;

    /** Has IRETQ to ring 3 leave the base of GS alone, as it does for null selectors only: xor eax, eax; mov gs, eax */
    private static final String NULL_GS = "31 c0 8e e8";

    private static String about(LongGuest guest) {
        return guest.advice().stream()
                .filter(sentence -> sentence.contains("uses GS"))
                .findFirst()
                .orElse("nothing");
    }

    private static LongGuest calling(long base, long other, String entry) {
        return LongGuest.of(LongGuest.STACK
                        + LongGuest.systemCalls(ENTRY)
                        + NULL_GS
                        + LongGuest.wrmsr(GS_BASE, base)
                        + LongGuest.wrmsr(KERNEL_GS_BASE, other)
                        + LongGuest.RING_3
                        + "0f 05") // syscall
                .at(ENTRY, entry);
    }

    @Test
    void systemCallWithoutAnExchangeIsToldOf() {
        // mov rsp, [gs:0]; push rcx
        assertThat(about(calling(0, OWN, "65 48 8b 24 25 00 00 00 00 51")))
                .startsWith(
                        "mov rsp, [gs:0x0] at 0x100400 uses GS with the base 0x0 while IA32_KERNEL_GS_BASE has 0x101800,"
                                + " the kernel's: there was no SWAPGS after SYSCALL;");
    }

    @Test
    void stackThatCameOfItIsNotExplainedBesides() {
        // mov rsp, [gs:0]; push rcx
        assertThat(calling(0, OWN, "65 48 8b 24 25 00 00 00 00 51").advice())
                .noneMatch(sentence -> sentence.contains("still the program's") || sentence.contains("no stack"));
    }

    @Test
    void kernelThatNeverExchangesIsNotBlamed() {
        // mov rsp, [gs:0]; push rcx
        assertThat(about(calling(UNMAPPED, 0, "65 48 8b 24 25 00 00 00 00 51"))).isEqualTo("nothing");
    }

    @Test
    void kernelsOwnBaseIsNotBlamedForWhatIsThere() {
        // mov rax, [gs:0]; mov rax, [rax]; the base is right, and the pointer there is wild
        assertThat(about(calling(OWN, UNMAPPED, "65 48 8b 04 25 00 00 00 00 48 8b 00")
                        .at(0x1800, "00 00 00 f0 ff 7f 00 00")))
                .isEqualTo("nothing");
    }

    @Test
    void faultThatHasNothingToDoWithItIsNotBlamedOnIt() {
        // mov rax, [gs:0]; mov rbx, 0x7ffff0000000; mov rbx, [rbx]
        assertThat(about(calling(0, OWN, "65 48 8b 04 25 00 00 00 00 48 bb 00 00 00 f0 ff 7f 00 00 48 8b 1b")))
                .isEqualTo("nothing");
    }

    @Test
    void returnWithoutAnExchangeIsFoundAtTheNextCall() {
        // swapgs; mov rsp, [gs:0]; push rcx; the kernel's base was in GS already
        assertThat(about(calling(OWN, UNMAPPED, "0f 01 f8 65 48 8b 24 25 00 00 00 00 51")))
                .contains(
                        "swapgs at 0x100400 exchanged them though GS had the kernel's; the kernel had gone to ring 3 without"
                                + " SWAPGS:");
    }

    @Test
    void exchangeInAHandlerOfRing0IsToldOf() {
        LongGuest guest = LongGuest.of(LongGuest.STACK
                        + LongGuest.LIDT
                        + LongGuest.wrmsr(GS_BASE, OWN)
                        + LongGuest.wrmsr(KERNEL_GS_BASE, UNMAPPED)
                        + "0f 0b") // ud2
                .gate(6, HANDLER, 0)
                // swapgs; mov rax, [gs:0]; swapgs; iretq
                .at(HANDLER, "0f 01 f8 65 48 8b 04 25 00 00 00 00 0f 01 f8 48 cf");

        assertThat(about(guest))
                .startsWith("mov rax, [gs:0x0] at 0x100503 uses GS with the base 0x700000000000")
                .contains(
                        "swapgs at 0x100500 exchanged them though GS had the kernel's; execute it in an interrupt's handler"
                                + " only if CS on its frame has RPL 3");
    }

    @Test
    void programWithTheKernelsBaseIsToldOf() {
        String bases =
                NULL_GS + LongGuest.wrmsr(GS_BASE, 0xffff_ffff_8010_1800L) + LongGuest.wrmsr(KERNEL_GS_BASE, 0x19_0000);

        // mov rax, [gs:0]
        assertThat(about(LongGuest.of(LongGuest.STACK + bases + LongGuest.RING_3 + "65 48 8b 04 25 00 00 00 00")))
                .contains(
                        "uses GS in ring 3 with the base 0xffffffff80101800, where only the kernel may access memory,")
                .contains("the kernel went to ring 3 without SWAPGS;");
    }

    @Test
    void programWithABaseOfItsOwnIsNotBlamedOnTheKernel() {
        String bases = NULL_GS + LongGuest.wrmsr(GS_BASE, UNMAPPED) + LongGuest.wrmsr(KERNEL_GS_BASE, OWN);

        // mov rax, [gs:0]
        assertThat(about(LongGuest.of(LongGuest.STACK + bases + LongGuest.RING_3 + "65 48 8b 04 25 00 00 00 00")))
                .isEqualTo("nothing");
    }

    @Test
    void pointerThatWasFoundThroughTheWrongBaseIsFollowed() {
        // mov rax, [gs:0]; mov rax, [rax]; at address 0 there are vectors of firmware, which are no address
        assertThat(about(calling(0, OWN, "65 48 8b 04 25 00 00 00 00 48 8b 00")))
                .contains("there was no SWAPGS after SYSCALL;");
        // mov rax, [gs:0]; mov rbx, rax; mov rcx, [rbx]
        assertThat(about(calling(0, OWN, "65 48 8b 04 25 00 00 00 00 48 89 c3 48 8b 0b")))
                .contains("there was no SWAPGS after SYSCALL;");
    }

    @Test
    void baseThatHasLostItsUpperHalfIsToldOf() {
        // swapgs; mov rax, [gs:0]; mov rcx, 0x7ffff0000000; mov rax, [rax+rcx]
        assertThat(about(calling(
                        0,
                        0x8010_1800L,
                        "0f 01 f8 65 48 8b 04 25 00 00 00 00 48 b9 00 00 00 f0 ff 7f 00 00 48 8b 04 08")))
                .contains("uses GS with the base 0x80101800, where no RAM is, and 0xffffffff80101800 is the kernel's;")
                .endsWith("put the upper half of the address there");
    }

    @Test
    void baseInTheLowerHalfThatIsThereIsNotCalledCut() {
        // swapgs; mov rax, [gs:0]; mov rax, [rax]; the pointer there is wild
        assertThat(about(calling(0, OWN, "0f 01 f8 65 48 8b 04 25 00 00 00 00 48 8b 00")
                        .at(0x1800, "00 00 00 f0 ff 7f 00 00")))
                .isEqualTo("nothing");
    }
}
