package dev.kvmguest.vmm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.NeedsKvm.Device;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.internal.boot.LinuxKernel;
import dev.kvmguest.vmm.internal.engine.Feature;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.outcome.Picture;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a kernel that is booted by Linux's protocol sees of its machine, written to ports by the kernel itself. */
@OnEachEngine
@Timeout(60)
class LinuxTests {

    private static final int PORT = 0x510;

    private final EngineChoice engine;

    LinuxTests(EngineChoice engine) {
        Device.assumeFor(engine);
        this.engine = engine;
    }

    @Test
    void kernelOf32BitsIsEnteredInProtectedMode() {
        // mov dx,0x510; mov eax,cs; out dx,eax; mov eax,ds; out dx,eax; mov eax,cr0; out dx,eax; mov eax,ebx;
        // or eax,ebp; or eax,edi; out dx,eax; mov eax,[esi+0x202]; out dx,eax; hlt
        VcpuConfig kernel = new LinuxKernel(TestGuest.bytes(
                        "66 ba 10 05 8c c8 ef 8c d8 ef 0f 20 c0 ef 89 d8 09 e8 09 f8" + "ef 8b 86 02 02 00 00 ef f4"))
                .guest();

        assertThat(words(kernel)).containsExactly(0x10, 0x18, 0x11, 0, 0x5372_6448);
    }

    @Test
    void kernelOf64BitsIsEnteredInLongMode() {
        // mov dx,0x510; mov eax,cs; out dx,eax; mov eax,ds; out dx,eax; mov rax,cr0; out dx,eax; mov ecx,0xc0000080;
        // rdmsr; mov dx,0x510; out dx,eax; mov eax,[rsi+0x202]; out dx,eax; hlt
        VcpuConfig kernel = LinuxKernel.of64(TestGuest.bytes("66 ba 10 05 8c c8 ef 8c d8 ef 0f 20 c0 ef"
                        + "b9 80 00 00 c0 0f 32 66 ba 10 05 ef 8b 86 02 02 00 00 ef f4"))
                .guest();

        assertThat(words(kernel)).containsExactly(0x10, 0x18, 0x8000_0011, 0x500, 0x5372_6448);
    }

    @Test
    void kernelMayReadItsCommandLine() {
        // mov esi,[esi+0x228]; next: lodsb; out 0xe9,al; test al,al; jne next; hlt
        VcpuConfig kernel = new LinuxKernel(TestGuest.bytes("8b b6 28 02 00 00 ac e6 e9 84 c0 75 f9 f4"))
                .guest()
                .withCommandLine("quiet");

        assertThat(run(kernel).console()).isEqualTo("quiet\0");
    }

    @Test
    void kernelDrawsIntoTheFramebufferThatItsCommandLineAsksFor() {
        // mov edi,[esi+0x18]; movzx ecx,word [esi+0x24]; mov eax,0xff8000; shr ecx,2; rep stosd; hlt: one row
        VcpuConfig kernel =
                new LinuxKernel(TestGuest.bytes("8b 7e 18 0f b7 4e 24 b8 00 80 ff 00 c1 e9 02 f3 ab f4")).guest();

        assertThat(run(kernel.withCommandLine("vga=0x312")).screen().framebuffer())
                .hasValue(Picture.of(640, 480, (x, y) -> y == 0 ? 0xff8000 : 0));
    }

    private List<Integer> words(VcpuConfig kernel) {
        ByteBuffer written = ByteBuffer.wrap(run(kernel).run().port(PORT)).order(ByteOrder.LITTLE_ENDIAN);
        return IntStream.range(0, written.capacity() / 4)
                .mapToObj(i -> written.getInt(4 * i))
                .toList();
    }

    private Outcome run(VcpuConfig kernel) {
        Device.assumeFor(engine, Feature.neededBy(Feature.modeOf(kernel)));
        return TestGuest.run(kernel, engine);
    }
}
