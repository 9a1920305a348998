package dev.kvmguest.vmm.internal.inspection;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.TestGuest;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.diagnosis.Inspection.Frame;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.image.GuestImage.Symbol;
import dev.kvmguest.vmm.memory.GuestMemory;
import dev.kvmguest.vmm.memory.MemoryLayout;
import dev.kvmguest.vmm.memory.MemoryLayout.Kind;
import dev.kvmguest.vmm.memory.MemoryLayout.Range;
import dev.kvmguest.vmm.outcome.Outcome;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CallChainTests {

    /** 1000: mov esp,0x9000; call main; 100a: hlt */
    private static final String START = "bc 00 90 00 00 e8 01 00 00 00 f4";

    /** 100b: push ebp; mov ebp,esp; sub esp,8; call middle; 1016: leave; ret */
    private static final String MAIN = "55 89 e5 83 ec 08 e8 02 00 00 00 c9 c3";

    /** 1018: push ebp; mov ebp,esp; push ebx; test eax,eax; je 1023; pop ebx; pop ebp; ret; 1023: call inner; 1028: pop ebx... */
    private static final String MIDDLE = "55 89 e5 53 85 c0 74 03 5b 5d c3 e8 03 00 00 00 5b 5d c3";

    private static final List<Symbol> SYMBOLS = List.of(
            new Symbol("start", 0x1000, 11),
            new Symbol("main", 0x100b, 13),
            new Symbol("middle", 0x1018, 19),
            new Symbol("inner", 0x102b, 64));

    @ParameterizedTest
    @ValueSource(
            strings = {
                "0f 0b", // ud2 before anything
                "55 0f 0b", // push ebp; ud2
                "55 89 e5 0f 0b", // push ebp; mov ebp,esp; ud2
                "55 89 e5 83 ec 20 83 e4 f0 0f 0b", // push ebp; mov ebp,esp; sub esp,0x20; and esp,-16; ud2
                "55 89 e5 eb 03 c9 c3 90 0f 0b", // push ebp; mov ebp,esp; jmp 7; leave; ret; nop; ud2
                "51 50 60 9c 83 ec 10 0f 0b", // push ecx; push eax; pushad; pushfd; sub esp,16; ud2
                "55 bd 07 00 00 00 0f 0b", // push ebp; mov ebp,7; ud2
                "c8 10 00 00 0f 0b", // enter 16,0; ud2
                "55 89 e5 83 ec 20 8d 65 fc 0f 0b" // push ebp; mov ebp,esp; sub esp,0x20; lea esp,[ebp-4]; ud2
            })
    void chainIsCertainWhereverAFunctionDies(String inner) {
        assertThat(chain(START + MAIN + MIDDLE + inner, SYMBOLS))
                .containsExactly("0x1028 middle+0x10", "0x1016 main+0xb", "0x100a start+0xa");
    }

    @Test
    void functionThatIsAboutToReturnHasItsReturnAddressAtTheTopOfTheStack() {
        // push ebp; mov ebp,esp; jmp to the next; pop ebp; sti; hlt; ret: EIP is behind the hlt
        List<String> chain = chain(START + MAIN + MIDDLE + "55 89 e5 eb 00 5d fb f4 c3", SYMBOLS);

        assertThat(chain).containsExactly("0x1028 middle+0x10", "0x1016 main+0xb", "0x100a start+0xa");
    }

    @Test
    void codeWithoutSymbolsProvesItByReachingThePlace() {
        // Without symbols nothing says that what follows a return in MIDDLE belongs to it.
        String middle = "55 89 e5 53 85 c0 74 00 90 90 90 e8 03 00 00 00 5b 5d c3";

        assertThat(chain(START + MAIN + middle + "55 89 e5 0f 0b", List.of()))
                .containsExactly("0x1028", "0x1016", "0x100a");
        assertThat(chain(START + MAIN + MIDDLE + "55 89 e5 0f 0b", List.of()))
                .containsExactly("0x1028", "0x1016 ?", "0x100a ?");
    }

    @Test
    void functionThatHasSetUpItsStackItselfWasCalledByNobody() {
        // 1000: mov esp,0x9000; push 0x100c, which is behind a call; ud2; 100c: call 1007
        String start = "bc 00 90 00 00 68 11 10 00 00 0f 0b e8 f6 ff ff ff f4";

        assertThat(chain(start, List.of(new Symbol("start", 0x1000, 12)))).isEmpty();
    }

    @Test
    void callerIsFoundThroughFunctionsWithoutFramePointers() {
        // 100b: push esi; push ebx; sub esp,20; push 1; call 101d; 1017: add esp,24; pop ebx; pop esi; ret
        String main = "56 53 83 ec 14 6a 01 e8 06 00 00 00 83 c4 18 5b 5e c3";
        // 101d: push ebp; sub esp,12; mov ebp,3; call 1031; 102b: add esp,12; pop ebp; ret; nop; 1031: push edi; ud2
        String direct = "55 83 ec 0c bd 03 00 00 00 e8 06 00 00 00 83 c4 0c 5d c3 90 57 0f 0b";
        // 101d: the same with mov eax,0x1032; call eax; 102d: ...; 1032: push edi; ud2
        String indirect = "55 83 ec 0c bd 03 00 00 00 b8 32 10 00 00 ff d0 83 c4 0c 5d c3 57 0f 0b";

        assertThat(chain(START + main + direct, List.of())).containsExactly("0x102b", "0x1017", "0x100a");
        assertThat(chain(START + main + indirect, List.of())).containsExactly("0x102d ?", "0x1017 ?", "0x100a ?");
        assertThat(chain(START + main + indirect, List.of(new Symbol("inner", 0x1032, 3))))
                .containsExactly("0x102d ?", "0x1017 ?", "0x100a ?");
    }

    @Test
    void oldReturnAddressIsAtMostGuessed() {
        // 100b: call deep; call inner; 1015: hlt; deep: push eax; push eax; call inner; 101d: pop eax; pop eax; ret
        String code = START + "e8 06 00 00 00 e8 0b 00 00 00 f4 50 50 e8 03 00 00 00 58 58 c3";
        // 1020: sub esp,32; inc ecx; cmp ecx,2; jne over; ud2; add esp,32; ret
        String straight = "83 ec 20 41 83 f9 02 75 02 0f 0b 83 c4 20 c3";
        // 1020: sub esp,32; inc ecx; cmp ecx,2; je over; add esp,32; ret; ud2
        String behindReturn = "83 ec 20 41 83 f9 02 74 04 83 c4 20 c3 0f 0b";

        assertThat(chain(code + straight, List.of())).containsExactly("0x1015", "0x100a");
        assertThat(chain(code + behindReturn, List.of(new Symbol("inner", 0x1020, 15))))
                .isNotEmpty()
                .allSatisfy(frame -> assertThat(frame).endsWith(" ?"));
    }

    @Test
    void handlerHasInterruptedAFunctionThatWasCalled() {
        // 100b: push ebp; mov ebp,esp; mov dword [0x2030],0x8103e; mov dword [0x2034],0x8e00, the gate of #UD;
        // mov word [0x3000],55; mov dword [0x3002],0x2000; lidt [0x3000]; 103c: ud2
        String main = "55 89 e5 c7 05 30 20 00 00 3e 10 08 00 c7 05 34 20 00 00 00 8e 00 00"
                + "66 c7 05 00 30 00 00 37 00 c7 05 02 30 00 00 00 20 00 00 0f 01 1d 00 30 00 00 0f 0b";
        // 103e: push 0; push 6; jmp 1045; push eax; 1045: pushad; call 104c; 104b: hlt; 104c: push ebp; mov ebp,esp;
        // int3
        String handler = "6a 00 6a 06 eb 01 50 60 e8 01 00 00 00 f4 55 89 e5 cc";

        assertThat(chain(START + main + handler, List.of(new Symbol("main", 0x100b, 51))))
                .containsExactly("0x104b", "0x103c main+0x31 interrupted", "0x100a");
    }

    @Test
    void exceptionWithAnErrorCodeIsFoundBehindIt() {
        // 100b: push ebp; mov ebp,esp; mov dword [0x2068],0x81043; mov dword [0x206c],0x8e00, the gate of #GP;
        // mov word [0x3000],0x6f; mov dword [0x3002],0x2000; lidt [0x3000]; mov eax,0x50; 1041: mov ds,eax
        String main = "55 89 e5 c7 05 68 20 00 00 43 10 08 00 c7 05 6c 20 00 00 00 8e 00 00"
                + "66 c7 05 00 30 00 00 6f 00 c7 05 02 30 00 00 00 20 00 00 0f 01 1d 00 30 00 00 b8 50 00 00 00 8e d8";
        // 1043: push ebx; sti; hlt, for which nothing comes
        String handler = "53 fb f4 90";

        assertThat(chain(START + main + handler, List.of(new Symbol("main", 0x100b, 56))))
                .containsExactly("0x1041 main+0x36 interrupted", "0x100a");
    }

    @Test
    void placeBehindAJumpInAFunctionWithoutFramePointerIsAGuess() {
        // push ecx; jmp to the next; ud2
        assertThat(chain(START + MAIN + MIDDLE + "51 eb 00 0f 0b", SYMBOLS))
                .containsExactly("0x1028 middle+0x10 ?", "0x1016 main+0xb ?", "0x100a start+0xa ?");
    }

    @Test
    void whatIsBeyondTheStacksEndOrCallsWhatIsNoCodeIsNoCaller() {
        GuestMemory memory = new GuestMemory(ByteBuffer.allocate(0x1_0000), () -> {});
        memory.write(0x1000, TestGuest.bytes("e8 fb 0f 00 00"));
        memory.writeInt(0x9004, 0x1005);
        CpuState registers = CpuState.builder()
                .set(Register.CR0, CpuState.CR0_PE)
                .set(Register.RIP, 0x1800)
                .set(Register.RSP, 0x8ff0)
                .segment(SegmentRegister.CS, SegmentState.flatCode(8))
                .segment(SegmentRegister.SS, SegmentState.flatData(16))
                .build();
        Range image = new Range(Kind.IMAGE, "image", 0x1000, 0x3000);
        Range stack = new Range(Kind.STACK, "stack", 0x8000, 0x9000);

        assertThat(framesOf(registers, memory, image)).containsExactly("0x1005 ?");
        assertThat(framesOf(registers, memory, new Range(Kind.IMAGE, "image without what is called", 0x1000, 0x2000)))
                .isEmpty();
        assertThat(framesOf(registers, memory, image, stack)).isEmpty();
    }

    private static List<String> framesOf(CpuState registers, GuestMemory memory, Range... ranges) {
        MemoryLayout layout = new MemoryLayout(List.of(ranges), List.of());
        GuestImage image = GuestImage.flat("test", new byte[1]);
        return text(CallChain.of(registers, new LinearMemory(memory, registers), layout, image));
    }

    @Test
    void callOfNothingIsNamedByTheReturnAddressAtTheTopOfTheStack() {
        // 100b: push ebp; mov ebp,esp; mov dword [0x400],0x0b0f0b0f; mov eax,0x400; call eax; pop ebp; ret
        String main = "55 89 e5 c7 05 00 04 00 00 0f 0b 0f 0b b8 00 04 00 00 ff d0 5d c3";

        assertThat(chain(START + main, List.of(new Symbol("start", 0x1000, 11), new Symbol("main", 0x100b, 22))))
                .containsExactly("0x101f main+0x14 ?", "0x100a start+0xa ?");
    }

    @Test
    void nearCallsOfRealModeAreFound() {
        // 1000: mov sp,0x900; mov ax,5; call 100a; 1009: hlt; 100a: push ax; call 1010; 100e: pop ax; ret
        String outer = "bc 00 09 b8 05 00 e8 01 00 f4 50 e8 02 00 58 c3";
        // 1010: push bp; mov bp,sp; lidt [0x800], a table with limit 0; ud2
        String inner = "55 89 e5 0f 01 1e 00 08 0f 0b";

        assertThat(chain(outer + inner, List.of(), BootMode.REAL)).containsExactly("0x100e", "0x1009");
    }

    private static List<String> chain(String code, List<Symbol> symbols) {
        return chain(code, symbols, BootMode.PROTECTED);
    }

    private static List<String> chain(String code, List<Symbol> symbols, BootMode boot) {
        GuestImage flat = GuestImage.flat("test", TestGuest.bytes(code));
        GuestImage image =
                new GuestImage("test", GuestImage.Format.FLAT, flat.segments(), OptionalLong.empty(), symbols);
        Outcome outcome = TestGuest.run(VcpuConfig.of(image).withBoot(boot), EngineChoice.EMULATOR);
        return text(outcome.run().diagnosis().inspection().orElseThrow().callChain());
    }

    private static List<String> text(List<Frame> frames) {
        return frames.stream()
                .map(frame -> "0x" + Long.toHexString(frame.eip())
                        + frame.symbol().map(symbol -> " " + symbol).orElse("")
                        + (frame.interrupted() ? " interrupted" : "")
                        + (frame.certain() ? "" : " ?"))
                .toList();
    }
}
