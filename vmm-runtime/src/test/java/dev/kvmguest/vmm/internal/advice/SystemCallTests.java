package dev.kvmguest.vmm.internal.advice;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class SystemCallTests {

    /** Where the kernel's entry for system calls is in the image. */
    private static final int ENTRY = 0x400;

    private static final String READY = LongGuest.STACK + LongGuest.systemCalls(ENTRY);

    /** mov rsp, 0x7ffff0000000; syscall */
    private static final String CALL_WITH_STRAY_STACK = "48 bc 00 00 00 f0 ff 7f 00 00 0f 05";

    private static String about(LongGuest guest) {
        return guest.advice().stream()
                .filter(sentence -> sentence.contains("SYSCALL")
                        || sentence.contains("EFER.SCE")
                        || sentence.contains("IA32_FMASK"))
                .findFirst()
                .orElse("nothing");
    }

    @Test
    void instructionThatIsSwitchedOffIsToldOf() {
        // syscall
        assertThat(about(LongGuest.of(LongGuest.STACK + LongGuest.RING_3 + "0f 05")))
                .contains("is #UD, since EFER.SCE (bit 0 of MSR 0xc0000080) is clear;");
        // nop; sysret
        assertThat(about(LongGuest.of("90 48 0f 07"))).contains("o64 sysret at 0x100001 is #UD, since EFER.SCE");
    }

    @Test
    void entryThatWasNeverSetIsToldOf() {
        String switchedOn = LongGuest.wrmsr(0xc000_0080, 0x501) + LongGuest.wrmsr(0xc000_0081, 0x0010_0008_0000_0000L);

        // syscall
        assertThat(about(LongGuest.of(LongGuest.STACK + switchedOn + LongGuest.RING_3 + "0f 05")))
                .startsWith("execution went to 0x0, ")
                .contains("; SYSCALL goes to the address in IA32_LSTAR (MSR 0xc0000082), which is 0:");
    }

    @Test
    void entryThatLostItsUpperHalfIsFound() {
        String entry = LongGuest.wrmsr(0xc000_0082, 0x8010_0400L);

        // syscall
        assertThat(about(LongGuest.of(READY + entry + LongGuest.RING_3 + "0f 05")))
                .contains("which has lost its upper half: 0xffffffff80100400 is in the image;");
    }

    @Test
    void entryInUnmappedMemoryIsToldOf() {
        String entry = LongGuest.wrmsr(0xc000_0082, 0xffff_8000_8010_0000L);

        // syscall
        assertThat(about(LongGuest.of(READY + entry + LongGuest.RING_3 + "0f 05")))
                .startsWith("execution went to 0xffff800080100000, which is not mapped, after syscall at ")
                .contains("IA32_LSTAR (MSR 0xc0000082): see what was written there");
    }

    @Test
    void entryThatIsThereIsNotBlamed() {
        // syscall; at the entry: ud2
        assertThat(about(LongGuest.of(READY + LongGuest.RING_3 + "0f 05").at(ENTRY, "0f 0b")))
                .isEqualTo("nothing");
    }

    @Test
    void stackOfTheProgramIsToldOf() {
        // push rcx
        assertThat(about(LongGuest.of(READY + LongGuest.RING_3 + CALL_WITH_STRAY_STACK)
                        .at(ENTRY, "51")))
                .startsWith(
                        "push rcx at 0x100400 uses the stack at RSP, 0x7ffff0000000, which is still the program's:");
    }

    @Test
    void stackOfTheProgramIsNotCalledUnmappedBesides() {
        // push rcx
        assertThat(LongGuest.of(READY + LongGuest.RING_3 + CALL_WITH_STRAY_STACK)
                        .at(ENTRY, "51")
                        .advice())
                .noneMatch(sentence -> sentence.contains("no stack is there"));
    }

    @Test
    void stackThatTheKernelHasLoadedIsNotTheProgramsAnyMore() {
        // mov rsp, 0x7ffff0000000; push rcx
        assertThat(about(
                        LongGuest.of(READY + LongGuest.RING_3 + "0f 05").at(ENTRY, "48 bc 00 00 00 f0 ff 7f 00 00 51")))
                .isEqualTo("nothing");
    }

    @Test
    void otherFaultOfTheKernelIsNotBlamedOnItsStack() {
        // mov rax, 0x7ff000000000; mov rax, [rax]
        assertThat(about(LongGuest.of(READY + LongGuest.RING_3 + CALL_WITH_STRAY_STACK)
                        .at(ENTRY, "48 b8 00 00 00 00 f0 7f 00 00 48 8b 00")))
                .isEqualTo("nothing");
    }

    @Test
    void singleStepOfAProgramIsKeptOutOfTheKernel() {
        String stepped = LongGuest.RING_3.replace("6a 02 6a 23", "68 02 01 00 00 6a 23");

        // syscall; at the entry: nop
        assertThat(about(LongGuest.of(READY + stepped + "0f 05").at(ENTRY, "90")))
                .startsWith(
                        "#DB came at the entry of system calls, 0x100400, since the program had TF set and IA32_FMASK,"
                                + " 0x200, doesn't clear it;");
    }

    @Test
    void directionOfAProgramIsKeptOutOfTheKernel() {
        String downwards = LongGuest.RING_3.replace("6a 02 6a 23", "68 02 04 00 00 6a 23");

        // mov rdi, 0x7ffff0000000; syscall; at the entry: rep stosq
        assertThat(about(LongGuest.of(READY + downwards + "48 bf 00 00 00 f0 ff 7f 00 00 0f 05")
                        .at(ENTRY, "f3 48 ab")))
                .contains(
                        "DF is set, so that rep stosq", "as the program had it at syscall", "have IA32_FMASK clear DF");
    }

    @Test
    void fastSystemCallWithoutASelectorIsToldOf() {
        assertThat(LongGuest.of("90 0f 34").advice().get(0)) // nop; sysenter
                .startsWith("sysenter at 0x100001 raises #GP, since IA32_SYSENTER_CS (MSR 0x174) has no selector;");
    }

    @Test
    void fastSystemCallWithASelectorGoesWhereItsRegisterSays() {
        // sysenter
        assertThat(LongGuest.of(LongGuest.wrmsr(0x174, 8) + "0f 34").advice())
                .noneMatch(sentence -> sentence.contains("IA32_SYSENTER_CS"));
    }

    /** Sets the 8259A up for vectors from 0x20 on, lets IRQ 0 through, and has the timer raise it: MOV to AL and OUT. */
    private static final String TIMER =
            "b0 11 e6 20 b0 20 e6 21 b0 04 e6 21 b0 01 e6 21 b0 fe e6 21 b0 34 e6 43 b0 00 e6 40 b0 10 e6 40";

    private static String interrupted(String entry) {
        String open = READY + TIMER + LongGuest.LIDT + LongGuest.wrmsr(0xc000_0084, 0) + LongGuest.RING_3;

        return about(LongGuest.of(open.replace("6a 02 6a 23", "68 02 02 00 00 6a 23") + CALL_WITH_STRAY_STACK)
                .at(ENTRY, entry)
                .at(0x500, "48 cf") // iretq
                .gate(0x20, 0x500, 0));
    }

    @Test
    void interruptBeforeTheKernelHasItsStackIsToldOf() {
        // nop; jmp 0x100400
        assertThat(interrupted("90 eb fd"))
                .startsWith("interrupt 32 came at 0x10040")
                .contains(
                        ", where RSP, 0x7ffff0000000, is still the program's:",
                        "with IF among the flags that IA32_FMASK");
    }

    @Test
    void interruptWhereTheKernelHasLoadedAStackIsNotBlamedOnTheProgram() {
        // mov rsp, 0x7ffff0000000; jmp 0x10040a
        assertThat(interrupted("48 bc 00 00 00 f0 ff 7f 00 00 eb fe")).isEqualTo("nothing");
    }
}
