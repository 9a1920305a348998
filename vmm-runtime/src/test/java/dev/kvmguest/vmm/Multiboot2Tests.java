package dev.kvmguest.vmm;

import static dev.kvmguest.vmm.internal.boot.Multiboot2Kernel.CODE;
import static dev.kvmguest.vmm.internal.boot.Multiboot2Kernel.LOAD;
import static dev.kvmguest.vmm.internal.boot.Multiboot2Kernel.addresses;
import static dev.kvmguest.vmm.internal.boot.Multiboot2Kernel.header;
import static dev.kvmguest.vmm.internal.boot.Multiboot2Kernel.kernel;
import static dev.kvmguest.vmm.internal.boot.Multiboot2Kernel.tag;
import static dev.kvmguest.vmm.internal.boot.MultibootKernel.join;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.NeedsKvm.Device;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.BootModule;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.internal.boot.Multiboot2Kernel;
import dev.kvmguest.vmm.internal.engine.Feature;
import dev.kvmguest.vmm.outcome.Outcome;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a Multiboot 2 kernel sees of its machine, written to ports by the kernel itself. */
@OnEachEngine
@Timeout(60)
class Multiboot2Tests {

    private static final int PORT = 0x510;

    /**
     * Goes through the tags to the one whose type is in ECX. {@code lea esi,[ebx+8]; next: mov eax,[esi]; cmp eax,ecx;
     * je found; mov eax,[esi+4]; add eax,7; and eax,-8; add esi,eax; jmp next; found:}
     */
    private static final String FIND = "8d 73 08 8b 06 39 c8 74 0d 8b 46 04 83 c0 07 83 e0 f8 01 c6 eb ed";

    private final EngineChoice engine;

    Multiboot2Tests(EngineChoice engine) {
        Device.assumeFor(engine);
        Device.assumeFor(engine, Feature.neededBy(BootMode.MULTIBOOT2));
        this.engine = engine;
    }

    @Test
    void registersAreThoseOfTheSpecification() {
        // mov dx,0x510; out dx,eax; mov eax,ebx; out dx,eax; mov eax,cr0; out dx,eax; mov eax,cs; out dx,eax;
        // mov eax,ds; out dx,eax; mov eax,ss; out dx,eax; mov eax,esp; out dx,eax; hlt
        byte[] code = TestGuest.bytes("66 ba 10 05 ef 89 d8 ef 0f 20 c0 ef 8c c8 ef 8c d8 ef 8c d0 ef 89 e0 ef f4");

        List<Integer> words = words(Multiboot2Kernel.flat(code));

        int afterTheImage = LOAD + CODE + code.length + 7 & -8;
        assertThat(words).containsExactly(0x36d7_6289, afterTheImage, 0x11, 0x10, 0x18, 0x18, 0x7_ff00);
    }

    @Test
    void commandLineAndModuleAreFoundThroughTheTags() {
        // mov ecx,1; FIND; add esi,8; call puts; mov ecx,3; FIND; mov edi,esi; add esi,16; call puts; mov esi,[edi+8];
        // bytes: cmp esi,[edi+12]; je end; lodsb; out 0xe9,al; jmp bytes; end: hlt
        // puts: lodsb; test al,al; je done; out 0xe9,al; jmp puts; done: mov al,'|'; out 0xe9,al; ret
        VcpuConfig kernel = Multiboot2Kernel.flat(TestGuest.bytes("bc 00 80 00 00"
                        + "b9 01 00 00 00" + FIND + "83 c6 08 e8 33 00 00 00"
                        + "b9 03 00 00 00" + FIND + "89 f7 83 c6 10 e8 0e 00 00 00"
                        + "8b 77 08 3b 77 0c 74 05 ac e6 e9 eb f6 f4"
                        + "ac 84 c0 74 04 e6 e9 eb f7 b0 7c e6 e9 c3"))
                .withCommandLine("verbose=1 root=ram")
                .withModules(List.of(new BootModule("initrd x", "first".getBytes())));

        assertThat(run(kernel).console()).isEqualTo("verbose=1 root=ram|initrd x|first");
    }

    @Test
    void memoryMapIsFoundThroughTheTags() {
        // mov ecx,6; FIND; mov ecx,[esi+4]; shr ecx,2; mov dx,0x510; rep outsd; hlt
        List<Integer> words = words(Multiboot2Kernel.flat(
                TestGuest.bytes("b9 06 00 00 00" + FIND + "8b 4e 04 c1 e9 02 66 ba 10 05 f3 6f f4")));

        assertThat(words)
                .containsExactly(
                        6, 112, 24, 0, 0, 0, 0x9_fc00, 0, 1, 0, 0x9_fc00, 0, 0x400, 0, 2, 0, 0xf_0000, 0, 0x1_0000, 0,
                        2, 0, 0x10_0000, 0, 0xf0_0000, 0, 1, 0);
    }

    @Test
    void framebufferCanBeWrittenAndReadBack() {
        // mov ecx,8; FIND; mov edi,[esi+8]; mov dword [edi],0x00ff8000; mov eax,[edi]; mov dx,0x510; out dx,eax;
        // mov eax,edi; out dx,eax; hlt
        byte[] code = TestGuest.bytes(
                "b9 08 00 00 00" + FIND + "8b 7e 08 c7 07 00 80 ff 00 8b 07 66 ba 10 05 ef 89 f8 ef f4");
        byte[] tag = tag(5, 0, 320, 200, 32);

        List<Integer> words = words(kernel(join(header(addresses(LOAD, CODE + tag.length), tag), code)));

        // 320 x 200 x 4 bytes below 16 MiB, at a whole page
        assertThat(words).containsExactly(0x00ff_8000, 0xfc_1000);
    }

    @Test
    void movedKernelRunsWhereItIs() {
        // call next; next: pop eax; mov dx,0x510; out dx,eax; hlt
        byte[] code = TestGuest.bytes("e8 00 00 00 00 58 66 ba 10 05 ef f4");
        byte[] tag = tag(10, 0, 0x40_0000, 0x80_0000, 0x10_0000, 2);

        List<Integer> words = words(kernel(join(header(addresses(LOAD, CODE + tag.length), tag), code)));

        assertThat(words).containsExactly(0x70_0000 + CODE + tag.length + 5);
    }

    @Test
    void kernelWithTheLoadersStackIsWarnedOf() {
        // call next; next: hlt
        Outcome outcome = run(Multiboot2Kernel.flat(TestGuest.bytes("e8 00 00 00 00 f4")));

        assertThat(outcome.run().diagnosis().warnings())
                .singleElement()
                .asString()
                .startsWith("the guest's stack is the boot loader's: ESP was 0x7ff00 at entry and is 0x7fefc;");
    }

    private List<Integer> words(VcpuConfig kernel) {
        ByteBuffer written = ByteBuffer.wrap(run(kernel).run().port(PORT)).order(ByteOrder.LITTLE_ENDIAN);
        return IntStream.range(0, written.capacity() / 4)
                .mapToObj(i -> written.getInt(4 * i))
                .toList();
    }

    private Outcome run(VcpuConfig kernel) {
        return TestGuest.run(kernel, engine);
    }
}
