package dev.kvmguest.vmm.internal.advice;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.TestGuest;
import org.junit.jupiter.api.Test;

class ReturnAddressTests {

    @Test
    void writePastALocalVariableIsNamed() {
        // mov esp,0x9000; call f; hlt; f: sub esp,8; mov dword [esp+8],0x70000000; add esp,8; ret
        assertThat(DeadGuest.reported(TestGuest.flat(
                                "bc 00 90 00 00 e8 01 00 00 00 f4 83 ec 08 c7 44 24 08 00 00 00 70 83 c4 08 c3"))
                        .get(0))
                .startsWith(
                        "execution went to 0x70000000, where no RAM is, after ret at 0x1019; the return address at 0x8ffc"
                                + " was overwritten by mov dword [esp+8], 0x70000000 at 0x100e, 2 instructions before the end: look"
                                + " for writes past the end of a local variable");
    }

    @Test
    void pushThatWasNotPoppedIsNamed() {
        // mov esp,0x9000; call f; hlt; f: push 0x70000000; ret
        assertThat(DeadGuest.reported(TestGuest.flat("bc 00 90 00 00 e8 01 00 00 00 f4 68 00 00 00 70 c3"))
                        .get(0))
                .contains(
                        "; what RET took from 0x8ff8 had been pushed by push 0x70000000 at 0x100b, 1 instruction before the"
                                + " end, and is no return address: look for pushes that were not popped");
    }

    @Test
    void wordsOf64BitStacksAreWhole() {
        // mov esp,0x180000; call f; hlt; f: sub rsp,8; mov rax,0x7ff000000000; mov [rsp+8],rax; add rsp,8; ret
        assertThat(DeadGuest.reported(MappedGuest.flat("bc 00 00 18 00 e8 01 00 00 00 f4 48 83 ec 08"
                                + "48 b8 00 00 00 00 f0 7f 00 00 48 89 44 24 08 48 83 c4 08 c3"))
                        .get(0))
                .startsWith(
                        "execution went to 0x7ff000000000, which is not mapped, after ret at 0x100022; the return address"
                                + " at 0x17fff8 was overwritten by mov [rsp+8], rax at 0x100019, 2 instructions before the end");
    }

    @Test
    void stackOfAnotherThreadIsNamedWithWhatRanOverIt() {
        // mov esp,0xa000; mov dword [0x2000],0x9004; mov dword [0x9004],0x70000000; mov esp,[0x2000]; ret
        assertThat(DeadGuest.reported(TestGuest.flat("bc 00 a0 00 00 c7 05 00 20 00 00 04 90 00 00"
                                + "c7 05 04 90 00 00 00 00 00 70 8b 25 00 20 00 00 c3"))
                        .get(0))
                .contains(
                        "; mov esp, [0x2000] at 0x1019 loaded ESP with another stack, of which the return address at 0x9004"
                                + " had been overwritten by mov dword [0x9004], 0x70000000 at 0x100f, 2 instructions before the end: if"
                                + " that is code of a stack above this one, that stack has run over");
    }

    @Test
    void whereNobodyIsKnownTheGeneralAdviceStays() {
        assertThat(DeadGuest.flat("bc 00 90 00 00 e8 01 00 00 00 f4 68 00 00 00 70 c3")
                        .get(0))
                .contains("look for pushes that were not popped and for writes past local variables");
    }
}
