package dev.kvmguest.vmm.export;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * How QEMU boots a guest.
 *
 * @param line the command line, for a POSIX shell in the folder of the files
 * @param files what the files are to contain, by their names; not changeable
 * @param notes in what QEMU's machine differs, or what is odd at the terminal: sentences without a full stop
 */
public record QemuCommand(String line, Map<String, byte[]> files, List<String> notes) {

    public QemuCommand {
        files = Collections.unmodifiableMap(new LinkedHashMap<>(files));
        notes = List.copyOf(notes);
    }
}
