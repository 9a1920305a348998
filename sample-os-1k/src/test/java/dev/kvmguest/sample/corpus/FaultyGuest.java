package dev.kvmguest.sample.corpus;

import dev.kvmguest.vmm.Machine;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.EntryPoint;
import dev.kvmguest.vmm.config.GuestManifest;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.outcome.Outcome;
import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;

/**
 * A guest of the corpus, which makes one mistake: a case of {@code src/test/guest/corpus/FOLDER}. The cases of a folder are
 * one image with an entry for each.
 *
 * @param folder a boot mode's, or {@link #HANGS}
 * @param name of the case, its symbol
 * @param vcpu what boots it
 * @param limit how long it may run
 */
record FaultyGuest(String folder, String name, VcpuConfig vcpu, Duration limit) {

    /** The modes that have a folder of guests which die. */
    static final List<BootMode> MODES = List.of(BootMode.REAL, BootMode.PROTECTED, BootMode.PAGED, BootMode.PAGED_4K);

    /** The folder of those that don't. */
    static final String HANGS = "hangs";

    /** So that what runs through empty memory is at its end soon. */
    private static final long MEMORY = 2 << 20;

    private static final Duration LIMIT = Duration.ofSeconds(5);
    private static final Duration LIMIT_OF_HANGS = Duration.ofMillis(250);

    /** Returns the cases of a mode in the order of their addresses. Something is typed, for those that wait for a key. */
    static List<FaultyGuest> dyingIn(BootMode mode) throws IOException {
        return in(mode.id(), "x", LIMIT);
    }

    /** Returns those that hang or halt, in the order of their addresses. */
    static List<FaultyGuest> hanging() throws IOException {
        return in(HANGS, "", LIMIT_OF_HANGS);
    }

    private static List<FaultyGuest> in(String folder, String input, Duration limit) throws IOException {
        String id = "corpus-" + folder;
        GuestManifest.Located image = GuestManifest.find(FaultyGuest.class.getClassLoader(), id);
        VcpuConfig vcpu = VcpuConfig.of(image).withInput(input);
        return globalCode(new URL(image.url(), id + ".sym"))
                .map(symbol -> new FaultyGuest(
                        folder, symbol[2], vcpu.withEntry(EntryPoint.linear(Long.parseLong(symbol[0], 16))), limit))
                .toList();
    }

    /** Returns the lines of a list of symbols that are of global code: address, type and name. */
    private static Stream<String[]> globalCode(URL symbols) throws IOException {
        try (InputStream in = symbols.openStream()) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .map(line -> line.split(" "))
                    .filter(symbol -> symbol[1].equals("T"));
        }
    }

    Outcome run(EngineChoice engine) {
        MachineConfig config = MachineConfig.builder()
                .vcpu(vcpu)
                .engine(engine)
                .memory(MEMORY)
                .timeout(limit)
                .build();
        try (Machine machine = Machine.create(config)) {
            return machine.run();
        }
    }
}
