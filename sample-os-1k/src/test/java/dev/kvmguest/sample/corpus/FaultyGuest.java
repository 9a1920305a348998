package dev.kvmguest.sample.corpus;

import dev.kvmguest.vmm.Machine;
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
import java.util.List;
import java.util.stream.Stream;

/**
 * A guest of the corpus, which makes one mistake: a case of its folder.
 *
 * @param folder where its source is
 * @param name of the case, its symbol
 * @param vcpu what boots it
 */
record FaultyGuest(CorpusFolder folder, String name, VcpuConfig vcpu) {

    /** Returns the cases of a folder in the order of their addresses. */
    static List<FaultyGuest> in(CorpusFolder folder) throws IOException {
        String id = "corpus-" + folder.id();
        GuestManifest.Located image = GuestManifest.find(FaultyGuest.class.getClassLoader(), id);
        VcpuConfig vcpu = VcpuConfig.of(image).withInput(folder.input());
        return globalCode(new URL(image.url(), id + ".sym"))
                .map(symbol -> new FaultyGuest(
                        folder, symbol[2], vcpu.withEntry(EntryPoint.linear(Long.parseUnsignedLong(symbol[0], 16)))))
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
                .memory(folder.memory())
                .timeout(folder.limit())
                .build();
        try (Machine machine = Machine.create(config)) {
            return machine.run();
        }
    }
}
