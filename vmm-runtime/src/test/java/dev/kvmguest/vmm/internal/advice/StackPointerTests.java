package dev.kvmguest.vmm.internal.advice;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.TestGuest;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.image.GuestImage;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class StackPointerTests {

    /** Returns an ELF image at 0x80001000 whose stack, by its symbols, is from 0x80400000 to 0x80401000. */
    private static GuestImage withStack(String code) {
        byte[] bytes = TestGuest.bytes(code);
        return new GuestImage(
                "kernel",
                GuestImage.Format.ELF32,
                List.of(new GuestImage.Segment(0x1000, 0x8000_1000L, bytes, bytes.length)),
                OptionalLong.of(0x8000_1000L),
                List.of(
                        new GuestImage.Symbol("stack_bottom", 0x8000_4000L, 0),
                        new GuestImage.Symbol("stack_top", 0x8000_5000L, 0)));
    }

    @ParameterizedTest
    @CsvSource({
        "50, 'ESP is 0x0, as it is at entry'", // push eax
        "e8 00 00 00 00, 'ESP is 0x0, as it is at entry'", // call
        "83 ec 1c 89 04 24, 'ESP is 0xffffffe4, 28 bytes below 0, which it is at entry'", // sub esp,0x1c; mov [esp],eax
        "0f 0b, 'ESP is 0x0, as it is at entry'", // ud2, after the gate for it
    })
    void guestThatNeverSetEspIsToldSo(String code, String expected) {
        // mov dword [0x558],0x00080000; mov dword [0x55c],0x80008e00: IDT[6]
        String gate = "c7 05 58 05 00 00 00 00 08 00 c7 05 5c 05 00 00 00 8e 00 80";

        assertThat(DeadGuest.paged(gate + code).get(0))
                .startsWith(expected + ": the guest has no stack; set ESP to the end");
    }

    @Test
    void espOfZeroIsNoCauseWhereNothingIsPushed() {
        assertThat(DeadGuest.paged("0f 0b")).noneMatch(sentence -> sentence.contains("ESP")); // ud2 without a gate
        assertThat(DeadGuest.flat("0f 0b")).noneMatch(sentence -> sentence.contains("ESP"));
    }

    @Test
    void returnFromWhereNoRamIsTellsOfTheMissingStack() {
        assertThat(DeadGuest.flat("cf").get(0)) // iretd
                .startsWith("ESP is 0x0, as it is at entry: the guest has no stack");
    }

    /** mov dword [0x102000+0xc],0: unmaps 0x80003000; mov eax,cr3; mov cr3,eax; mov esp,0x80005000; here: call here. */
    private static final String ENDLESS_RECURSION =
            "c7 05 0c 10 10 00 00 00 00 00 0f 20 d8 0f 22 d8 bc 00 50 00 80 e8 fb ff ff ff";

    @Test
    void stackOfTheImagesSymbolsIsNamedWhenItIsFull() {
        assertThat(DeadGuest.image(withStack(ENDLESS_RECURSION), BootMode.PAGED_4K)
                        .get(0))
                .startsWith(
                        "the stack of image kernel at 0x4000-0x4fff is full: ESP is 0x80004000, 0 bytes above its lower"
                                + " end, and the page below is not mapped; the return address 0x8000101a is on it 1024 times: end the"
                                + " recursion, or make the stack larger");
    }

    @Test
    void stackThatHasRunOffItsPageIsToldWithoutSymbolsToo() {
        assertThat(DeadGuest.adviceFor(TestGuest.real(ENDLESS_RECURSION).withBoot(BootMode.PAGED_4K))
                        .get(0))
                .startsWith(
                        "ESP is 0x80004000, and the page of 0x80003ffc is not mapped though the one above it is: the"
                                + " stack has run off its page; the return address 0x8000101a is on it 1024 times: end the"
                                + " recursion, or map more pages");
    }

    @Test
    void stackThatIsFullOfOtherThingsIsNotCalledRecursion() {
        // The same, but here: push 0x80001015; jmp here: numbers, behind no call
        String code = "c7 05 0c 10 10 00 00 00 00 00 0f 20 d8 0f 22 d8 bc 00 50 00 80 68 15 10 00 80 eb f9";

        assertThat(DeadGuest.adviceFor(TestGuest.real(code).withBoot(BootMode.PAGED_4K))
                        .get(0))
                .contains("has run off its page; look for endless recursion and large local variables, or map");
    }

    /** mov esp,0x80005000; mov ecx,(times); here: dec ecx; jz on; call here; on: ud2. */
    private static String recursion(String times) {
        return "bc 00 50 00 80 b9" + times + "49 74 05 e8 f8 ff ff ff 0f 0b";
    }

    @Test
    void stackThatHasRunOverIntoMappedMemoryIsToldByItsRecursion() {
        // 1026 times: 1025 return addresses, one more than the stack has room for
        assertThat(DeadGuest.image(withStack(recursion("02 04 00 00")), BootMode.PAGED)
                        .get(0))
                .startsWith(
                        "the stack of image kernel at 0x4000-0x4fff has run over: ESP is 0x80003ffc, 4 bytes below its"
                                + " lower end, and the return address 0x80001012 is on it 1025 times; end the recursion");
    }

    @Test
    void stackThatHasJustRoomForItsRecursionHasNotRunOver() {
        assertThat(DeadGuest.image(withStack(recursion("01 04 00 00")), BootMode.PAGED))
                .noneMatch(sentence -> sentence.contains("ESP"));
    }

    @Test
    void stackBelowTheOneThatSymbolsNameIsAnotherOne() {
        // mov esp,0x80003ffc; ud2
        assertThat(DeadGuest.image(withStack("bc fc 3f 00 80 0f 0b"), BootMode.PAGED))
                .noneMatch(sentence -> sentence.contains("ESP"));
    }

    @Test
    void stackInTheMiddleOfNowhereIsNotCalledFull() {
        assertThat(DeadGuest.paged("bc 00 00 00 70 50").get(0)) // mov esp,0x70000000; push eax
                .startsWith("ESP is 0x70000000, and the page of 0x6ffffffc is not mapped, nor is the one above it");
    }

    @Test
    void pageFaultElsewhereIsNotTheStacks() {
        // mov esp,0x80005000; mov eax,[0x70000000]
        assertThat(DeadGuest.paged("bc 00 50 00 80 a1 00 00 00 70")).noneMatch(sentence -> sentence.contains("ESP"));
    }

    @Test
    void stackInsideATableOfTheBootIsTold() {
        assertThat(DeadGuest.flat("bc 20 06 00 00 50 0f 0b").get(0)) // mov esp,0x620; push eax; ud2
                .startsWith("ESP is 0x61c, inside the boot IDT at 0x528-0xd27, which is overwritten by what is pushed");
    }

    @Test
    void stackInsideATableOfTheGuestsOwnIsTold() {
        // lidt [0x1020]: base 0x9000, limit 0x7ff; mov esp,0x9100; ud2
        String idt = "0f 01 1d 20 10 00 00 bc %s 00 00 0f 0b" + "f4".repeat(0x20 - 14) + "ff 07 00 90 00 00";

        assertThat(DeadGuest.flat(idt.formatted("00 91")))
                .anyMatch(
                        sentence -> sentence.startsWith(
                                "ESP is 0x9100, inside the IDT at 0x9000-0x97ff, which is overwritten by what is pushed; move"));
        assertThat(DeadGuest.flat(idt.formatted("00 98"))).noneMatch(sentence -> sentence.contains("ESP"));
        assertThat(DeadGuest.flat(idt.formatted("00 90"))).noneMatch(sentence -> sentence.contains("ESP"));
    }

    @Test
    void stackJustAboveATableIsNotInIt() {
        assertThat(DeadGuest.flat("bc 2c 0d 00 00 50 0f 0b")) // mov esp,0xd2c; push eax; ud2
                .noneMatch(sentence -> sentence.contains("ESP"));
        assertThat(DeadGuest.flat("bc 00 05 00 00 0f 0b")) // mov esp,0x500; ud2: all of it below
                .noneMatch(sentence -> sentence.contains("ESP"));
    }

    @Test
    void returnByAStackWhereNoRamIsIsToldAfterwardsToo() {
        // call on; hlt; on: ret
        assertThat(DeadGuest.flat("e8 01 00 00 00 f4 c3").get(0))
                .startsWith(
                        "ret at 0x1006 took a return address from 0xfffffffc, where no RAM is: ESP was not set, and is 0"
                                + " at entry; set ESP");
        // mov esp,0x70000000; call on; hlt; on: ret
        assertThat(DeadGuest.flat("bc 00 00 00 70 e8 01 00 00 00 f4 c3").get(0))
                .startsWith("ret at 0x100b took a return address from 0x6ffffffc, where no RAM is; set ESP");
    }

    @Test
    void returnAddressOfAllOnesInRamIsNotTheStacksPlace() {
        // mov esp,0x9000; push -1; ret
        assertThat(DeadGuest.flat("bc 00 90 00 00 6a ff c3").get(0))
                .startsWith("execution went to 0xffffffff, where no RAM is, after ret at 0x1007; the return address");
    }

    @Test
    void stackFarBelowTheOneThatSymbolsNameIsAnotherOne() {
        // mov esp,0x80000000; push ecx: the page below is not mapped, and those up to the stack are
        assertThat(DeadGuest.image(withStack("bc 00 00 00 80 51"), BootMode.PAGED)
                        .get(0))
                .startsWith("ESP is 0x80000000, and the page of 0x7ffffffc is not mapped though the one above it is");
    }

    @Test
    void largeLocalArrayIsToldByTheFramePointer() {
        // mov ebp,0x80004ff0; mov esp,0x7ffff000; push ecx
        assertThat(DeadGuest.image(withStack("bd f0 4f 00 80 bc 00 f0 ff 7f 51"), BootMode.PAGED)
                        .get(0))
                .startsWith("the stack of image kernel at 0x4000-0x4fff is full: ESP is 0x7ffff000,");
    }

    @Test
    void fewCallsThatCrossAnEndAreNoRecursion() {
        // mov esp,0x80004004; and 3 return addresses by the code of recursion()
        assertThat(DeadGuest.image(
                        withStack("bc 04 40 00 80 b9 04 00 00 00 49 74 05 e8 f8 ff ff ff 0f 0b"), BootMode.PAGED))
                .noneMatch(sentence -> sentence.contains("has run over"));
    }

    @Test
    void guestOf64BitsThatNeverSetRspIsToldSo() {
        // call on; hlt; on: ret
        assertThat(MappedGuest.advice("e8 01 00 00 00 f4 c3").get(0))
                .startsWith(
                        "ret at 0x100006 took a return address from 0xfffffffffffffff8, where no RAM is: RSP was not set,"
                                + " and is 0 at entry; set RSP to");
        // push rax, with nothing mapped there
        assertThat(DeadGuest.adviceFor(MappedGuest.paged("50", Map.of())).get(0))
                .startsWith("RSP is 0x0, as it is at entry: the guest has no stack; set RSP to the end of memory");
    }

    @Test
    void stackOf64BitsThatHasRunOffItsPageIsTold() {
        // mov rsp,0x122000; here: sub rsp,24; call here: page 0x120000 is not mapped
        assertThat(DeadGuest.adviceFor(
                                MappedGuest.paged("48 c7 c4 00 20 12 00 48 83 ec 18 e8 f7 ff ff ff", Map.of(0x120, 0L)))
                        .get(0))
                .isEqualTo(
                        "RSP is 0x120fe8, and the page of 0x120fe0 is not mapped though the one above it is: the stack has run"
                                + " off its page; the return address 0x100018 is on it 128 times: end the recursion, or map more pages"
                                + " for the stack");
    }

    @Test
    void stackOf64BitsInsideATableIsTold() {
        // mov rsp,0x70100; push rax; ud2
        assertThat(MappedGuest.advice("48 c7 c4 00 01 07 00 50 0f 0b").get(0))
                .startsWith(
                        "RSP is 0x700f8, inside the boot IDT at 0x70000-0x70fff, which is overwritten by what is pushed");
    }

    @Test
    void accessNearTheStackIsNoPush() {
        // mov rsp,0x11fff8; mov rsi,0x120000; mov eax,[rsi]: page 0x120000 is not mapped
        assertThat(DeadGuest.adviceFor(
                        MappedGuest.paged("48 c7 c4 f8 ff 11 00 48 c7 c6 00 00 12 00 8b 06", Map.of(0x120, 0L))))
                .noneMatch(sentence -> sentence.contains("RSP"));
        // mov rsp,0x121000; mov rsi,0x120ff8; mov eax,[rsi]
        assertThat(DeadGuest.adviceFor(
                        MappedGuest.paged("48 c7 c4 00 10 12 00 48 c7 c6 f8 0f 12 00 8b 06", Map.of(0x120, 0L))))
                .noneMatch(sentence -> sentence.contains("RSP"));
    }

    @Test
    void returnWithAPrefixIsAReturnToo() {
        // call on; hlt; on: rep ret
        assertThat(DeadGuest.flat("e8 01 00 00 00 f4 f3 c3").get(0))
                .startsWith(
                        "rep ret at 0x1006 took a return address from 0xfffffffc, where no RAM is: ESP was not set");
    }
}
