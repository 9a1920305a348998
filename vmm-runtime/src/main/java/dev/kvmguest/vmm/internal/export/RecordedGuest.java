package dev.kvmguest.vmm.internal.export;

import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.export.KvmReproducer;
import dev.kvmguest.vmm.export.QemuCommand;
import dev.kvmguest.vmm.internal.replay.Recording;
import dev.kvmguest.vmm.memory.RamMap;
import dev.kvmguest.vmm.outcome.Outcome;

/**
 * A run that has ended, as the runtime has it.
 *
 * @param config the machine
 * @param outcome how its first vCPU ended
 * @param recording what that exchanged with the machine
 */
public record RecordedGuest(MachineConfig config, Outcome outcome, Recording recording) implements KvmReproducer {

    private static final String NAME = "[A-Za-z0-9._-]+";

    @Override
    public String toC(String name) {
        requireExportable(name);
        return new CProgram(config, outcome, Exchanges.of(recording), EntryImage.of(config)).text(name);
    }

    @Override
    public QemuCommand toQemu(String name) {
        requireExportable(name);
        return new QemuLine(config, outcome).command(name);
    }

    private void requireExportable(String name) {
        if (!name.matches(NAME)) {
            throw new IllegalArgumentException(
                    "name \"" + name + "\" has characters other than letters, digits, dots, underscores and hyphens");
        }
        if (config.memorySize() > RamMap.DEVICES) {
            throw new IllegalArgumentException("a guest with " + config.memorySize()
                    + " bytes of memory can't be exported; export one with 3G at most");
        }
        if (config.vcpus().size() > 1) {
            throw new IllegalArgumentException(
                    "a machine with " + config.vcpus().size()
                            + " vCPUs can't be exported: in which order they ran is not recorded; export each guest alone");
        }
    }
}
