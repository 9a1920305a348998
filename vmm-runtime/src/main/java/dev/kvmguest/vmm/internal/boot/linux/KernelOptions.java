package dev.kvmguest.vmm.internal.boot.linux;

import java.util.Optional;
import java.util.stream.Stream;

/** The options of a kernel's command line. */
public final class KernelOptions {

    private KernelOptions() {}

    /**
     * Returns the value of an option, of several the last one's, as the kernel has it; empty without one.
     *
     * @param name its name and the equals sign
     */
    public static Optional<String> last(String commandLine, String name) {
        return Stream.of(commandLine.split("\\s+"))
                .filter(option -> option.startsWith(name))
                .map(option -> option.substring(name.length()))
                .reduce((earlier, later) -> later);
    }
}
