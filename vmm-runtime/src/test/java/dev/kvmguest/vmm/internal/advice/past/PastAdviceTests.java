package dev.kvmguest.vmm.internal.advice.past;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.Machine;
import dev.kvmguest.vmm.TestGuest;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.EntryPoint;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.diagnosis.Diagnosis;
import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.diagnosis.Standstill;
import dev.kvmguest.vmm.image.GuestImage;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class PastAdviceTests {

    private static List<String> halted(VcpuConfig guest) {
        return TestGuest.run(guest, EngineChoice.EMULATOR)
                .run()
                .diagnosis()
                .standstill()
                .orElseThrow()
                .advice();
    }

    private static List<String> hung(VcpuConfig guest) {
        MachineConfig.Builder config = MachineConfig.builder().vcpu(guest);
        try (Machine machine = TestGuest.hanging(config, EngineChoice.EMULATOR)) {
            Diagnosis diagnosis = machine.run().run().diagnosis();
            // In real mode zeros lead round to address 0, where the interrupt vectors are no code.
            return diagnosis
                    .standstill()
                    .map(Standstill::advice)
                    .or(() -> diagnosis.fault().map(Fault::advice))
                    .orElseThrow();
        }
    }

    @Test
    void jumpToWhereTheLinkerPutWhatWasLoadedElsewhereIsTold() {
        // jmp 8:0x300010, linked for 0x300000 and loaded at 0x1000
        VcpuConfig linked = VcpuConfig.of(new GuestImage(
                        "kernel",
                        GuestImage.Format.FLAT,
                        List.of(new GuestImage.Segment(
                                0, 0x30_0000, TestGuest.bytes("ea 10 00 30 00 08 00" + "f4".repeat(16)), 23)),
                        OptionalLong.empty(),
                        List.of(new GuestImage.Symbol("main", 0x30_0010, 7))))
                .withBoot(BootMode.PROTECTED);

        assertThat(hung(linked))
                .contains("execution went to 0x8:0x300010 (main), outside the image, and on through zeros, after jmp"
                        + " 0x8:0x300010 at 0x1000: the linker put it there, but it was loaded at physical 0x1010; load the"
                        + " image at the address that it is linked for, or link it for the one that it is loaded at");
        // The same of bytes of which nobody knows where they are linked
        assertThat(hung(TestGuest.flat("ea 10 00 30 00 08 00")))
                .noneMatch(said -> said.contains("linker"))
                .anyMatch(said -> said.startsWith("execution went to 0x8:0x300010, outside the image"));
    }

    private static VcpuConfig sector(String code) {
        return TestGuest.real(code).withLoad(0x7c00).withEntry(EntryPoint.linear(0x7c00));
    }

    private static String ascii(String text) {
        return HexFormat.of().formatHex((text + "\0").getBytes(StandardCharsets.US_ASCII));
    }

    @Test
    void textThatIsReadFromAnotherOriginIsTold() {
        // cli; xor ax,ax; mov ds,ax; mov si,0x10; lodsb; test al,al; jnz -5; hlt; nop; text
        assertThat(halted(sector("fa 31 c0 8e d8 be 10 00 ac 84 c0 75 fb f4 90 90" + ascii("Loading...")))
                        .get(0))
                .startsWith(
                        "the text that the instruction at 0x7c05 points to, by 0x10, was read from 0x10, outside the"
                                + " image, as DS is 0x0; at 0x7c10 there is one, \"Loading...\": the origin that the code is assembled"
                                + " for (ORG, -Ttext) and 16 times DS must add up to 0x7c00");
    }

    @Test
    void originOnTopOfTheSegmentIsToldToo() {
        // cli; mov ax,0x7c0; mov ds,ax; mov bx,0x7c10; mov al,[bx]; hlt; nop; text
        assertThat(halted(sector("fa b8 c0 07 8e d8 bb 10 7c 8a 07 f4 90 90 90 90" + ascii("Loading...")))
                        .get(0))
                .contains("by 0x7c10, was read from 0xf810, outside the image, as DS is 0x7c0; at 0x7c10 there is one");
    }

    @Test
    void textThatIsFoundWhereItIsLookedForIsNoMistake() {
        // The same with DS 0x7c0, for which 0x10 is right
        assertThat(halted(sector("fa b8 c0 07 8e d8 be 10 00 ac 84 c0 75 fb f4 90" + ascii("Loading..."))))
                .isEmpty();
        // cli; xor ax,ax; mov ds,ax; mov dword [0x10],"Load"; mov word [0x14],0; mov si,0x10; hlt: it has put one there
        assertThat(halted(sector("fa 31 c0 8e d8 66 c7 06 10 00 4c 6f 61 64 c7 06 14 00 00 00 be 10 00 f4")))
                .isEmpty();
    }

    @Test
    void textThatWasReadBeforeDsBecameAnotherOneIsNoMistake() {
        // mov ax,0x7c0; mov ds,ax; mov si,0x20; lodsb; test al,al; jnz -5; xor ax,ax; mov ds,ax; cli; hlt
        assertThat(halted(sector("b8 c0 07 8e d8 be 20 00 ac 84 c0 75 fb 31 c0 8e d8 fa f4" + "90".repeat(13)
                        + ascii("Loading..."))))
                .isEmpty();
        // xor ax,ax; mov ds,ax; mov si,0x7c20; lodsb; test al,al; jnz -5; mov ax,0xb800; mov ds,ax; cli; hlt
        assertThat(halted(sector("31 c0 8e d8 be 20 7c ac 84 c0 75 fb b8 00 b8 8e d8 fa f4" + "90".repeat(13)
                        + ascii("Loading..."))))
                .isEmpty();
    }

    @Test
    void codeThatTheStackHasOverwrittenDidNotRunPastItsEnd() {
        // The stack is the end of the image: mov esp,0x1013; push 0; push 0; nop; nop; nop; nop; nop; nop; nop; nop;
        // nop; nop
        assertThat(hung(TestGuest.flat("bc 13 10 00 00 6a 00 6a 00 90 90 90 90 90 90 90 90 90 90"))
                        .get(0))
                .contains(
                        "which is not what the image's file has there: the code was overwritten, and ESP is 0x100b, in the"
                                + " image: the stack ran into the code");
    }

    @Test
    void guestThatExecutesWhatItsStackHasLeftOfItsCodeIsTold() {
        // mov esp,0x1014; mov eax,0xfeeb; push eax; room; what the loop jumps to is a part of EAX: jmp $
        assertThat(hung(TestGuest.flat("bc 14 10 00 00 b8 eb fe eb fe 50 eb 03 90 90 90 f4 f4 f4 f4"))
                        .get(0))
                .startsWith("what the guest executed at its end, at 0x1010, is not what the image's file has there: the"
                        + " stack ran into the code and has overwritten it by push eax at 0x100a, ")
                .endsWith("; end the recursion, or give the stack more room above the code");
        // The same with HLT in EAX
        assertThat(halted(TestGuest.flat("bc 14 10 00 00 b8 f4 f4 f4 f4 50 eb 03 90 90 90 eb fe eb fe"))
                        .get(0))
                .startsWith("what the guest executed at its end, at 0x1010, is not what the image's file has there");
    }

    @Test
    void recursionThatOverwritesItsOwnCodeAndHaltsInWhatIsLeftIsTold() {
        // mov esp,0x1200; mov eax,0xf4f4f4f4; deeper: push eax; push eax; push eax; call deeper
        assertThat(halted(TestGuest.flat("bc 00 12 00 00 b8 f4 f4 f4 f4 50 50 50 e8 f8 ff ff ff c3"))
                        .get(0))
                .contains("the stack ran into the code", "is on it");
    }

    @Test
    void codeThatIsWrittenOnPurposeAndUsedStackInTheImageAreNoMistake() {
        // mov word [0x100a],0xfeeb; ud2 is patched to jmp $
        assertThat(hung(TestGuest.flat("66 c7 05 09 10 00 00 eb fe 0f 0b")))
                .noneMatch(advice -> advice.contains("stack ran into"));
        // mov esp,0x1010; push eax; jmp $: it lies over code that was executed, and is not needed any more
        assertThat(hung(TestGuest.flat("bc 05 10 00 00 50 eb fe")))
                .noneMatch(advice -> advice.contains("stack ran into"));
    }

    @Test
    void numberThatIsNoPointerAnyMoreIsNoOffset() {
        // cli; xor ax,ax; mov ds,ax; mov si,0x10; mov si,0x5; hlt; nop.. ; text
        assertThat(halted(sector("fa 31 c0 8e d8 be 10 00 be 05 00 f4 90 90 90 90" + ascii("Loading..."))))
                .isEmpty();
    }

    @Test
    void jumpThroughTheBytesOfCodeIsTold() {
        // mov ax,0x1000; mov es,ax; xor bx,bx; mov dword [es:bx],0xe9e66bb0; mov word [es:bx+4],0xfeeb; jmp [es:bx]
        assertThat(hung(sector("b8 00 10 8e c0 31 db 26 66 c7 07 b0 6b e6 e9 26 c7 47 04 eb fe 26 ff 27"))
                        .get(0))
                .startsWith(
                        "execution went to 0000:6bb0, outside the image, and on through zeros, after jmp word [es:bx] at"
                                + " 0x7c15: JMP took its target 0x6bb0 from memory at 0x10000 (1000:0000), where there is code (b0 6b"
                                + " e6 e9 eb fe: mov al, 0x6b; out 0xe9, al; jmp ")
                .endsWith("and no address: jump to that place itself, by a register or a far jump, not through it");
    }

    @Test
    void jumpThroughAPointerThatWasNotSetIsToldWithItsPlace() {
        // xor ax,ax; mov ds,ax; mov word [0x9000],0x8000; jmp [0x9000]
        assertThat(hung(sector("31 c0 8e d8 c7 06 00 90 00 80 ff 26 00 90")).get(0))
                .contains(
                        "execution went to 0x8000, which is outside the image and has no code (bytes 0x0), after jmp word"
                                + " [0x9000] at 0x7c0a");
    }

    @Test
    void codeThatWasNeverLoadedIsTold() {
        // jmp 0x7e00, and a sector of 512 bytes
        assertThat(hung(sector("e9 fd 01" + "00".repeat(507) + "55 aa")).get(0))
                .endsWith(
                        "after jmp 0x7e00 at 0x7c00; the image ends before that, at 0x7dff after 512 bytes, so that what"
                                + " belongs there was never loaded; boot the whole file, or have the guest load the rest of it first");
    }

    @Test
    void loopInCodeThatTheGuestHasMadeIsNotLost() {
        // xor ax,ax; mov ds,ax; mov word [0x9000],0xfeeb; jmp 0x9000
        assertThat(hung(sector("31 c0 8e d8 c7 06 00 90 eb fe e9 f3 13")))
                .noneMatch(sentence -> sentence.contains("outside the image"));
    }

    @Test
    void localVariablesWhereNoRamIsAreTheStacksFault() {
        // push ebp; mov ebp,esp; sub esp,16; cmp dword [ebp-4],5; jne -6
        assertThat(hung(TestGuest.flat("55 89 e5 83 ec 10 83 7d fc 05 75 fa")))
                .anyMatch(sentence ->
                        sentence.startsWith("ESP is 0xffffffec, where no RAM is, so that what the loop reads of"
                                + " its local variables is always 0xffffffff: ESP was never set"))
                .noneMatch(sentence -> sentence.contains("has no device"));
    }

    @Test
    void arrayThatTookTheStackBelowZeroIsToldOfALoopToo() {
        // mov esp,0x90000; sub esp,0x100000; out 0xe9,al; jmp -4
        assertThat(hung(TestGuest.flat("bc 00 00 09 00 81 ec 00 00 10 00 e6 e9 eb fc"))
                        .get(0))
                .startsWith("ESP is 0xfff90000, below 0 and where no RAM is: sub esp, 0x100000 at 0x1005 makes room");
    }

    @Test
    void arrayForWhichThereIsRoomIsNotToldOfALoop() {
        // mov esp,0x200000; sub esp,0x100000; out 0xe9,al; jmp -4
        assertThat(hung(TestGuest.flat("bc 00 00 20 00 81 ec 00 00 10 00 e6 e9 eb fc")))
                .noneMatch(sentence -> sentence.contains("makes room"));
    }

    @Test
    void kernelThatReadsTheVendorsNameAsItsBootInformationIsTold() {
        // A Multiboot header for a flat image; _start: xor eax,eax; cpuid; mov eax,[ebx]; cli; hlt
        byte[] image =
                TestGuest.bytes("02 b0 ad 1b 00 00 01 00 fe 4f 51 e4 00 00 10 00 00 00 10 00 00 00 00 00 00 00 00 00"
                        + "20 00 10 00 31 c0 0f a2 8b 03 fa f4");
        VcpuConfig guest = VcpuConfig.of(GuestImage.of("kernel", image)).withBoot(BootMode.MULTIBOOT);

        assertThat(halted(guest).get(0))
                .startsWith(
                        "the kernel read its boot information at 0x756e6547, where no RAM is: that is \"Genu\", what CPUID"
                                + " puts into EBX");
    }

    @Test
    void kernelThatUsesOtherMemoryThanThatIsNotTold() {
        // The same with mov eax,[0x70000000]
        byte[] image =
                TestGuest.bytes("02 b0 ad 1b 00 00 01 00 fe 4f 51 e4 00 00 10 00 00 00 10 00 00 00 00 00 00 00 00 00"
                        + "20 00 10 00 a1 00 00 00 70 fa f4 90");
        VcpuConfig guest = VcpuConfig.of(GuestImage.of("kernel", image)).withBoot(BootMode.MULTIBOOT);

        assertThat(halted(guest)).isEmpty();
    }
}
