package dev.kvmguest.vmm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.NeedsKvm.Device;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.BootModule;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.internal.boot.MultibootKernel;
import dev.kvmguest.vmm.internal.engine.Feature;
import dev.kvmguest.vmm.outcome.Outcome;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a Multiboot kernel sees of its machine, written to ports by the kernel itself. */
@OnEachEngine
@Timeout(60)
class MultibootTests {

    private static final int PORT = 0x510;

    private final EngineChoice engine;

    MultibootTests(EngineChoice engine) {
        Device.assumeFor(engine);
        Device.assumeFor(engine, Feature.neededBy(BootMode.MULTIBOOT));
        this.engine = engine;
    }

    @Test
    void registersAreThoseOfTheSpecification() {
        // mov dx,0x510; out dx,eax; mov eax,ebx; out dx,eax; mov eax,cr0; out dx,eax; mov eax,cs; out dx,eax;
        // mov eax,ds; out dx,eax; mov eax,ss; out dx,eax; hlt
        List<Integer> words = words("66 ba 10 05 ef 89 d8 ef 0f 20 c0 ef 8c c8 ef 8c d8 ef 8c d0 ef f4");

        assertThat(words.get(0)).isEqualTo(0x2BAD_B002);
        assertThat(words.get(1)).isEqualTo(0x1_0000);
        assertThat(words.subList(2, 6)).containsExactly(0x11, 0x10, 0x18, 0x18);
    }

    @Test
    void timerAndKeyboardInterruptsAreOpenAsFirmwareLeavesThem() {
        // xor eax,eax; in al,0x21; mov dx,0x510; out dx,eax; in al,0xa1; out dx,eax; hlt
        assertThat(words("31 c0 e4 21 66 ba 10 05 ef e4 a1 ef f4")).containsExactly(0xf8, 0xff);
    }

    @Test
    void kernelMayLoadItsOwnTablesAtOnce() {
        // lgdt [0x100038]; mov ax,0x10; mov ds,ax; mov ss,ax; jmp 0x8:0x100048
        // (at 0x100038) limit 0x17, base 0x100050; (at 0x100048) mov al,'k'; out 0xe9,al; hlt
        // (at 0x100050) null, code, data
        Outcome outcome = run(kernel("0f 01 15 38 00 10 00  66 b8 10 00  8e d8  8e d0  ea 48 00 10 00 08 00  90 90"
                + "17 00 50 00 10 00  00 00 00 00 00 00 00 00 00 00"
                + "b0 6b e6 e9 f4 00 00 00"
                + "00 00 00 00 00 00 00 00  ff ff 00 00 00 9a cf 00  ff ff 00 00 00 92 cf 00"));

        assertThat(outcome.kind()).isEqualTo(Outcome.Kind.HALTED);
        assertThat(outcome.console()).isEqualTo("k");
    }

    @Test
    void kernelWithoutAGdtOfItsOwnUsesTheCodeSegmentsOfEitherLoader() {
        // jmp 0x8:0x100027; (at 0x100027) jmp 0x10:0x10002e; (at 0x10002e) push 'k'; pop eax; out 0xe9,al; hlt
        assertThat(run(kernel("ea 27 00 10 00 08 00 ea 2e 00 10 00 10 00 6a 6b 58 e6 e9 f4"))
                        .console())
                .isEqualTo("k");
    }

    @Test
    void memoryAbove1MiBIsOpenAtOnce() {
        // mov byte [0x200000],0x55; mov byte [0x300000],0xaa; movzx eax,byte [0x200000]; mov dx,0x510; out dx,eax; hlt
        List<Integer> words = words("c6 05 00 00 20 00 55 c6 05 00 00 30 00 aa 0f b6 05 00 00 20 00 66 ba 10 05 ef f4");

        assertThat(words).containsExactly(0x55);
    }

    @Test
    void memorySizesAndMapAreFoundThroughTheStructure() {
        // mov dx,0x510; mov eax,[ebx+4]; out dx,eax; mov eax,[ebx+8]; out dx,eax; mov esi,[ebx+48]; mov ecx,[ebx+44];
        // shr ecx,2; rep outsd; hlt
        List<Integer> words = words("66 ba 10 05 8b 43 04 ef 8b 43 08 ef 8b 73 30 8b 4b 2c c1 e9 02 f3 6f f4");

        assertThat(words)
                .containsExactly(
                        639, 15 * 1024, 20, 0, 0, 0x9_fc00, 0, 1, 20, 0x9_fc00, 0, 0x400, 0, 2, 20, 0xf_0000, 0,
                        0x1_0000, 0, 2, 20, 0x10_0000, 0, 0xf0_0000, 0, 1);
    }

    @Test
    void commandLineAndModulesAreFoundThroughTheStructure() {
        // mov esi,[ebx+16]; call puts; mov edi,[ebx+24]; mov ecx,[ebx+20];
        // next: mov esi,[edi+8]; call puts; mov esi,[edi]; bytes: cmp esi,[edi+4]; je end; lodsb; out 0xe9,al; jmp
        // bytes;
        // end: add edi,16; loop next; hlt
        // puts: lodsb; test al,al; je done; out 0xe9,al; jmp puts; done: mov al,'|'; out 0xe9,al; ret
        VcpuConfig kernel = kernel("bc 00 80 00 00  8b 73 10 e8 22 00 00 00 8b 7b 18 8b 4b 14"
                        + "8b 77 08 e8 14 00 00 00 8b 37 3b 77 04 74 05 ac e6 e9 eb f6 83 c7 10 e2 e7 f4"
                        + "ac 84 c0 74 04 e6 e9 eb f7 b0 7c e6 e9 c3")
                .withCommandLine("verbose=1 root=ram")
                .withModules(List.of(
                        new BootModule("initrd", "first".getBytes()), new BootModule("fonts x", "second".getBytes())));

        assertThat(run(kernel).console()).isEqualTo("verbose=1 root=ram|initrd|firstfonts x|second");
    }

    private List<Integer> words(String code) {
        ByteBuffer written = ByteBuffer.wrap(run(kernel(code)).run().port(PORT)).order(ByteOrder.LITTLE_ENDIAN);
        return IntStream.range(0, written.capacity() / 4)
                .mapToObj(i -> written.getInt(4 * i))
                .toList();
    }

    private static VcpuConfig kernel(String code) {
        return MultibootKernel.flat(TestGuest.bytes(code));
    }

    private Outcome run(VcpuConfig kernel) {
        return TestGuest.run(kernel, engine);
    }
}
