package dev.kvmguest.vmm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.kvmguest.vmm.NeedsKvm.Device;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.BootModule;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.image.ElfBuilder;
import dev.kvmguest.vmm.internal.boot.PvhKernel;
import dev.kvmguest.vmm.internal.engine.Feature;
import dev.kvmguest.vmm.outcome.Outcome;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a PVH kernel sees of its machine, written to ports by the kernel itself. */
@OnEachEngine
@Timeout(60)
class PvhTests {

    private static final int PORT = 0x510;

    private final EngineChoice engine;

    PvhTests(EngineChoice engine) {
        Device.assumeFor(engine);
        Device.assumeFor(engine, Feature.neededBy(BootMode.PVH));
        this.engine = engine;
    }

    @Test
    void registersAreThoseOfTheSpecification() {
        // mov dx,0x510; mov eax,[ebx]; out dx,eax; mov eax,[ebx+4]; out dx,eax; mov eax,cr0; out dx,eax;
        // mov eax,cr4; out dx,eax; xor eax,eax; str ax; out dx,eax; hlt
        List<Integer> words = words("66 ba 10 05 8b 03 ef 8b 43 04 ef 0f 20 c0 ef 0f 20 e0 ef 31 c0 66 0f 00 c8 ef f4");

        assertThat(words).containsExactly(0x336e_c578, 1, 0x11, 0, 0);
    }

    @Test
    void kernelOf64BitsIsEnteredIn32() {
        byte[] code = TestGuest.bytes("b8 4b 00 00 00 e6 e9 f4");
        VcpuConfig kernel =
                PvhKernel.kernel(PvhKernel.code(ElfBuilder.of64(), code).notes(PvhKernel.entry(8, PvhKernel.LOAD)));

        assertThat(run(kernel).console()).isEqualTo("K");
    }

    @Test
    void thereAreNeitherModulesNorAcpiTables() {
        // mov dx,0x510; mov ecx,4; lea esi,[ebx+8]; rep outsd; lea esi,[ebx+32]; mov cl,2; rep outsd; hlt
        List<Integer> words = words("66 ba 10 05 b9 04 00 00 00 8d 73 08 f3 6f 8d 73 20 b1 02 f3 6f f4");

        // flags, number of modules, their list; RSDP
        assertThat(words).containsExactly(0, 0, 0, 0, 0, 0);
    }

    @Test
    void memoryMapIsThatOfAPc() {
        // mov dx,0x510; mov ecx,[ebx+48]; imul ecx,ecx,6; mov esi,[ebx+40]; rep outsd; hlt
        assertThat(words("66 ba 10 05 8b 4b 30 6b c9 06 8b 73 28 f3 6f f4"))
                .containsExactly(
                        0, 0, 0x9_fc00, 0, 1, 0, 0x9_fc00, 0, 0x400, 0, 2, 0, 0xf_0000, 0, 0x1_0000, 0, 2, 0, 0x10_0000,
                        0, 0xf0_0000, 0, 1, 0);
    }

    @Test
    void commandLineAndModulesAreFoundThroughTheStructure() {
        // mov esp,0x8000; mov esi,[ebx+24]; call puts; mov edi,[ebx+16]; mov ecx,[ebx+12];
        // next: mov esi,[edi+16]; call puts; mov esi,[edi]; mov ebp,[edi+8];
        // bytes: test ebp,ebp; jz end; dec ebp; lodsb; out 0xe9,al; jmp bytes;
        // end: add edi,32; loop next; hlt
        // puts: lodsb; test al,al; je done; out 0xe9,al; jmp puts; done: mov al,'|'; out 0xe9,al; ret
        VcpuConfig kernel = PvhKernel.of(TestGuest.bytes("bc 00 80 00 00 8b 73 18 e8 26 00 00 00 8b 7b 10 8b 4b 0c"
                        + "8b 77 10 e8 18 00 00 00 8b 37 8b 6f 08 85 ed 74 06 4d ac e6 e9 eb f6 83 c7 20 e2 e4 f4 90 90 90"
                        + "ac 84 c0 74 04 e6 e9 eb f7 b0 7c e6 e9 c3"))
                .withCommandLine("verbose=1")
                .withModules(List.of(
                        new BootModule("initrd", "first".getBytes()), new BootModule("fonts x", "second".getBytes())));

        assertThat(run(kernel).console()).isEqualTo("verbose=1|initrd|firstfonts x|second");
    }

    @Test
    void entryOutsideTheImageIsRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> run(PvhKernel.kernel(PvhKernel.code(new ElfBuilder(), new byte[] {(byte) 0xf4})
                        .notes(PvhKernel.entry(4, 0x20_0000)))))
                .withMessageStartingWith("entry 0x200000 lies outside image kernel");
    }

    @Test
    void anotherLoadAddressIsRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> run(PvhKernel.of(new byte[] {(byte) 0xf4}).withLoad(0x20_0000)))
                .withMessage("load 0x200000 contradicts image kernel, whose program headers say that it is to be loaded"
                        + " at 0x100000; leave load out, or link the image for that address");
    }

    private List<Integer> words(String code) {
        ByteBuffer written = ByteBuffer.wrap(
                        run(PvhKernel.of(TestGuest.bytes(code))).run().port(PORT))
                .order(ByteOrder.LITTLE_ENDIAN);
        return IntStream.range(0, written.capacity() / 4)
                .mapToObj(i -> written.getInt(4 * i))
                .toList();
    }

    private Outcome run(VcpuConfig kernel) {
        return TestGuest.run(kernel, engine);
    }
}
