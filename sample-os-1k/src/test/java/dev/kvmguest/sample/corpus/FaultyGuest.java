package dev.kvmguest.sample.corpus;

import dev.kvmguest.vmm.BootMode;
import dev.kvmguest.vmm.EngineChoice;
import dev.kvmguest.vmm.EntryPoint;
import dev.kvmguest.vmm.GuestManifest;
import dev.kvmguest.vmm.Machine;
import dev.kvmguest.vmm.MachineConfig;
import dev.kvmguest.vmm.Outcome;
import dev.kvmguest.vmm.VcpuConfig;
import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;

/**
 * A guest of the corpus, which makes one mistake and dies of it: a case of {@code src/test/guest/corpus/MODE}. The cases of
 * a mode are one image with an entry for each.
 *
 * @param name of the case, its symbol
 * @param vcpu what boots it
 */
record FaultyGuest(String name, VcpuConfig vcpu) {

    /** The modes that have a folder. */
    static final List<BootMode> MODES = List.of(BootMode.REAL, BootMode.PROTECTED, BootMode.PAGED, BootMode.PAGED_4K);

    /** So that what runs through empty memory is at its end soon. */
    private static final long MEMORY = 2 << 20;

    private static final Duration LIMIT = Duration.ofSeconds(5);

    /** Returns the cases of a mode in the order of their addresses. */
    static List<FaultyGuest> in(BootMode mode) throws IOException {
        String id = "corpus-" + mode.id();
        GuestManifest.Located image = GuestManifest.find(FaultyGuest.class.getClassLoader(), id);
        // Something is typed, for those that wait for the keyboard.
        VcpuConfig vcpu = VcpuConfig.of(image).withInput("x");
        return globalCode(new URL(image.url(), id + ".sym"))
                .map(symbol ->
                        new FaultyGuest(symbol[2], vcpu.withEntry(EntryPoint.linear(Long.parseLong(symbol[0], 16)))))
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

    BootMode boot() {
        return vcpu.boot();
    }

    Outcome run(EngineChoice engine) {
        MachineConfig config = MachineConfig.builder()
                .vcpu(vcpu)
                .engine(engine)
                .memory(MEMORY)
                .timeout(LIMIT)
                .build();
        try (Machine machine = Machine.create(config)) {
            return machine.run();
        }
    }
}
