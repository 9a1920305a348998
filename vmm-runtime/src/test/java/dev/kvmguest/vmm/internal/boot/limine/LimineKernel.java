package dev.kvmguest.vmm.internal.boot.limine;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.image.ElfBuilder;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.image.LimineMagic;
import dev.kvmguest.vmm.internal.boot.BootLoader;
import dev.kvmguest.vmm.internal.inspection.LinearMemory;
import dev.kvmguest.vmm.memory.GuestMemory;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;

/**
 * Limine kernels for tests: a page of code with the function {@code _start}, a page of constants, and data, in which the
 * requests are.
 */
public final class LimineKernel {

    public static final long TEXT = 0xffff_ffff_8000_0000L;
    public static final long RODATA = TEXT + 0x1000;
    public static final long DATA = TEXT + 0x2000;

    private static final int MEMORY = 16 << 20;

    private byte[] code = {(byte) 0xf4};
    private final ByteArrayOutputStream data = new ByteArrayOutputStream();
    private int bss;

    /** What a kernel finds when it is entered. */
    record Booted(CpuState state, GuestMemory memory, LinearMemory linear, BootLoader loader) {

        long word(long address) {
            return linear.readLong(address).orElseThrow();
        }

        /** Returns the 32 bits at an address. */
        long half(long address) {
            return word(address) & 0xffff_ffffL;
        }

        String text(long address) {
            StringBuilder text = new StringBuilder();
            for (long at = address; (word(at) & 0xff) != 0; at++) {
                text.append((char) (word(at) & 0xff));
            }
            return text.toString();
        }

        /** Returns where the response is of a request at an address; 0 if there is none. */
        long response(long request) {
            return word(request + 40);
        }
    }

    public LimineKernel code(String hex) {
        return code(HexFormat.of().parseHex(hex.replace(" ", "")));
    }

    public LimineKernel code(byte[] bytes) {
        code = bytes.clone();
        return this;
    }

    /** Adds 64-bit values to the data. */
    public LimineKernel words(long... words) {
        ByteBuffer buffer = ByteBuffer.allocate(words.length * Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        buffer.asLongBuffer().put(words);
        data.writeBytes(buffer.array());
        return this;
    }

    /** Adds a text with its NUL, up to a boundary of 8 bytes. */
    public LimineKernel text(String text) {
        byte[] bytes = (text + "\0").getBytes(StandardCharsets.UTF_8);
        data.writeBytes(bytes);
        data.writeBytes(new byte[-bytes.length & 7]);
        return this;
    }

    public LimineKernel bss(int bytes) {
        bss = bytes;
        return this;
    }

    /** Returns the address of what is added to the data next. */
    public long next() {
        return DATA + data.size();
    }

    public LimineKernel baseRevision(long number) {
        return words(LimineMagic.BASE_REVISION.number(0), LimineMagic.BASE_REVISION.number(1), number);
    }

    public LimineKernel startMarker() {
        return words(
                LimineMagic.START_MARKER.number(0),
                LimineMagic.START_MARKER.number(1),
                LimineMagic.START_MARKER.number(2),
                LimineMagic.START_MARKER.number(3));
    }

    public LimineKernel endMarker() {
        return words(LimineMagic.END_MARKER.number(0), LimineMagic.END_MARKER.number(1));
    }

    /** Adds a request by the name of its feature, of revision 0. */
    public LimineKernel request(String feature) {
        return request(LimineFeature.valueOf(feature), 0);
    }

    /** Adds a request, with what comes after the pointer to its response. */
    LimineKernel request(LimineFeature feature, long revision, long... arguments) {
        return request(feature.low(), feature.high(), revision, arguments);
    }

    LimineKernel request(long low, long high, long revision, long... arguments) {
        return words(LimineMagic.REQUEST.number(0), LimineMagic.REQUEST.number(1), low, high, revision, 0)
                .words(arguments);
    }

    ElfBuilder elf() {
        byte[] bytes = data.toByteArray();
        ElfBuilder elf = ElfBuilder.of64()
                .entry(TEXT)
                .load(TEXT, code.length, 5, code)
                .load(RODATA, 8, 4, "constant".getBytes(StandardCharsets.US_ASCII));
        return (bytes.length + bss > 0 ? elf.load(DATA, bytes.length + bss, 6, bytes) : elf)
                .symbol("_start", TEXT, code.length, 2)
                .symbol("constant", RODATA, 8, 1);
    }

    public byte[] file() {
        return elf().build();
    }

    public VcpuConfig config() {
        return config(file());
    }

    static VcpuConfig config(byte[] file) {
        return VcpuConfig.of(GuestImage.of("kernel.elf", file)).withBoot(BootMode.LIMINE);
    }

    Booted boot() {
        return boot(config());
    }

    static Booted boot(VcpuConfig guest) {
        return boot(guest, MEMORY);
    }

    static Booted boot(VcpuConfig guest, int memorySize) {
        BootLoader loader = new BootLoader(
                MachineConfig.builder().memory(memorySize).vcpu(guest).build());
        GuestMemory memory = new GuestMemory(ByteBuffer.allocate(memorySize), () -> {});
        loader.load(memory);
        CpuState state = loader.states().get(0);
        return new Booted(state, memory, new LinearMemory(memory, state), loader);
    }

    /** Returns the features by name that the protocol has now. */
    static Stream<String> features() {
        return List.of(LimineFeature.values()).stream().map(LimineFeature::name);
    }
}
