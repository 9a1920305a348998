package dev.kvmguest.vmm.internal.boot.limine;

import dev.kvmguest.vmm.internal.boot.layout.LinearFramebuffer;
import dev.kvmguest.vmm.internal.boot.limine.LimineMemory.Entry;
import dev.kvmguest.vmm.internal.boot.limine.LimineRequests.Request;
import dev.kvmguest.vmm.memory.GuestMemory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;

/**
 * The answers to a Limine kernel's requests.
 *
 * <p>Source: The Limine Boot Protocol, base revision 6, "Feature List" and "File Structure".
 */
final class LimineResponses {

    private static final String NAME = "kvmguest";
    private static final String VERSION = "1";

    private static final int RGB = 1;
    private static final int MODE_REVISION = 1;
    private static final int MODULES_REVISION = 2;

    /** As many as Limine's own loader gives. */
    private static final long MOST_ENTROPY = 4096;
    /** The same for each run, as all of a guest's machine is. */
    private static final long SEED = 0x6b76_6d67;

    /**
     * A file in memory.
     *
     * @param file the file
     * @param address the physical address of its first byte
     */
    record Placed(LimineFile file, long address) {}

    /**
     * What kernels are told.
     *
     * @param commandLine the kernel's
     * @param date what the clock shows
     * @param framebuffer the video memory, if there is some
     * @param kernel the kernel's file, if it is in memory
     * @param modules the modules; empty if there is nothing to tell of them
     */
    record Facts(
            String commandLine,
            LocalDateTime date,
            Optional<LinearFramebuffer> framebuffer,
            Optional<Placed> kernel,
            Optional<List<Placed>> modules) {}

    private final LimineExecutable executable;
    private final LimineRequests requests;
    private final Facts facts;

    private final Map<Request, Long> answers = new LinkedHashMap<>();
    private long address;
    private byte[] bytes;

    LimineResponses(LimineExecutable executable, LimineRequests requests, Facts facts) {
        this.executable = executable;
        this.requests = requests;
        this.facts = facts;
    }

    /**
     * Puts them together, and returns their bytes.
     *
     * @param physical the physical address of the first one
     * @param map the memory map
     */
    byte[] build(long physical, List<Entry> map) {
        LimineBlock block = new LimineBlock(LimineHandover.HHDM + physical);
        long commandLine = block.add(facts.commandLine());
        answers.clear();
        for (LimineFeature feature : LimineFeature.values()) {
            requests.of(feature).ifPresent(request -> answer(block, feature, request, map, commandLine)
                    .ifPresent(response -> answers.put(request, response)));
        }
        address = physical;
        bytes = block.bytes();
        return bytes;
    }

    private OptionalLong answer(
            LimineBlock block, LimineFeature feature, Request request, List<Entry> map, long commandLine) {
        return switch (feature) {
            case BOOTLOADER_INFO -> OptionalLong.of(block.add(0, block.add(NAME), block.add(VERSION)));
            case COMMAND_LINE -> OptionalLong.of(block.add(0, commandLine));
            // An x86 BIOS; and as for paging, 4 levels.
            case FIRMWARE_TYPE, PAGING_MODE -> OptionalLong.of(block.add(0L, 0L));
            case HHDM -> OptionalLong.of(block.add(0, LimineHandover.HHDM));
            case FRAMEBUFFER ->
                facts.framebuffer().stream()
                        .mapToLong(video -> framebuffer(block, video))
                        .findFirst();
            case MP -> {
                // One processor with the local APIC ID 0; x2APIC isn't on.
                long processors = block.add(block.add(0L, 0L, 0L, 0L));
                yield OptionalLong.of(block.add(0, 0, 1, processors));
            }
            case MEMORY_MAP -> OptionalLong.of(memoryMap(block, map));
            case STACK_SIZE, ENTRY_POINT, KEEP_IOMMU -> OptionalLong.of(block.add(0L));
            case EXECUTABLE_FILE ->
                facts.kernel().stream()
                        .mapToLong(kernel -> block.add(
                                0, kernel.file().describe(block, LimineHandover.HHDM + kernel.address(), commandLine)))
                        .findFirst();
            case MODULES ->
                facts.modules().stream()
                        .mapToLong(modules -> modules(block, modules))
                        .findFirst();
            case DATE_AT_BOOT -> OptionalLong.of(block.add(0, facts.date().toEpochSecond(ZoneOffset.UTC)));
            case EXECUTABLE_ADDRESS ->
                OptionalLong.of(block.add(0, executable.physicalBase(), executable.virtualBase()));
            case ENTROPY -> OptionalLong.of(entropy(block, request));
            case RSDP,
                    SMBIOS,
                    EFI_SYSTEM_TABLE,
                    TPM_EVENT_LOG,
                    EFI_MEMORY_MAP,
                    DEVICE_TREE,
                    BSP_HART_ID,
                    PERFORMANCE,
                    TSC_FREQUENCY,
                    FLANTERM,
                    TERMINAL,
                    FIVE_LEVEL_PAGING -> OptionalLong.empty();
        };
    }

    private static long framebuffer(LimineBlock block, LinearFramebuffer video) {
        long mode = block.add(
                video.pitch(), video.width(), video.height(), colours(LinearFramebuffer.DEPTH), LinearFramebuffer.BLUE);
        long description = block.add(
                LimineHandover.HHDM + video.address(),
                video.width(),
                video.height(),
                video.pitch(),
                colours(LinearFramebuffer.DEPTH),
                LinearFramebuffer.BLUE,
                0,
                0,
                1,
                block.add(mode));
        return block.add(MODE_REVISION, 1, block.add(description));
    }

    /** Returns the eight bytes from the depth on: bits of a pixel, memory model, and masks up to blue's size. */
    private static long colours(int depth) {
        return ByteBuffer.allocate(Long.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putShort((short) depth)
                .put((byte) RGB)
                .put((byte) LinearFramebuffer.COLOUR_BITS)
                .put((byte) LinearFramebuffer.RED)
                .put((byte) LinearFramebuffer.COLOUR_BITS)
                .put((byte) LinearFramebuffer.GREEN)
                .put((byte) LinearFramebuffer.COLOUR_BITS)
                .getLong(0);
    }

    private static long memoryMap(LimineBlock block, List<Entry> map) {
        List<Long> entries = new ArrayList<>();
        for (Entry entry : map) {
            entries.add(block.add(
                    entry.start(), entry.end() - entry.start(), entry.type().number()));
        }
        return block.add(0, map.size(), block.add(entries));
    }

    private static long modules(LimineBlock block, List<Placed> modules) {
        List<Long> files = new ArrayList<>();
        for (Placed module : modules) {
            long text = block.add(module.file().string());
            files.add(module.file().describe(block, LimineHandover.HHDM + module.address(), text));
        }
        return block.add(MODULES_REVISION, files.size(), block.add(files));
    }

    private long entropy(LimineBlock block, Request request) {
        long wanted = requests.argument(request, 0).orElse(0);
        long count = Long.compareUnsigned(wanted, MOST_ENTROPY) > 0 ? MOST_ENTROPY : wanted;
        long values = count == 0 ? 0 : block.add(new Random(SEED).longs(count).toArray());
        return block.add(0, count, values);
    }

    /** Writes them, what they refer to, and the pointers to them in the kernel's requests. */
    void write(GuestMemory memory) {
        facts.kernel()
                .ifPresent(file -> memory.write(file.address(), file.file().bytes()));
        facts.modules()
                .ifPresent(files -> files.forEach(
                        file -> memory.write(file.address(), file.file().bytes())));
        memory.write(address, bytes);
        answers.forEach((request, response) -> memory.writeLong(executable.physical(request.response()), response));
    }
}
