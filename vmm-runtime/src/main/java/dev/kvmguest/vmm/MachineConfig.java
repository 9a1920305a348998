package dev.kvmguest.vmm;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * A machine to be made: its vCPUs and what they run, its RAM, its time limit and its engine.
 *
 * @param vcpus what each vCPU runs, in the order of their numbers; at least one, and as many as the host allows
 * @param memorySize RAM in bytes: a multiple of 4096, from 64 KiB to 2 GiB less one page
 * @param timeout the longest that the guest may run, on the host's clock; see {@link TimeFactor}
 * @param engine what executes the guest
 */
public record MachineConfig(List<VcpuConfig> vcpus, long memorySize, Duration timeout, EngineChoice engine) {

    /** RAM where nothing else is asked for: 16 MiB. */
    public static final long DEFAULT_MEMORY = 16L << 20;

    /** The time limit where nothing else is asked for: 10 s. */
    public static final Duration DEFAULT_TIMEOUT = Duration.ofSeconds(10);

    private static final long PAGE = 4096;
    private static final long MIN_MEMORY = 64L << 10;
    /** Guest RAM is one Java buffer, whose size is an int. */
    private static final long MAX_MEMORY = (2L << 30) - PAGE;

    public MachineConfig {
        vcpus = List.copyOf(vcpus);
        if (vcpus.isEmpty()) {
            throw new IllegalArgumentException("a machine needs at least one vCPU with an image to run");
        }
        if (memorySize < MIN_MEMORY || memorySize > MAX_MEMORY || memorySize % PAGE != 0) {
            throw new IllegalArgumentException("memory of " + memorySize
                    + " bytes can't be had; use a multiple of 4K from 64K to 2G less 4K (2097148K)");
        }
        Notation.positive("timeout", timeout);
        if (vcpus.size() > 1 && vcpus.stream().anyMatch(vcpu -> vcpu.boot() != BootMode.REAL)) {
            throw new IllegalArgumentException(
                    "several vCPUs with an image each must boot in real mode; the descriptor tables of the other modes"
                            + " would be shared");
        }
    }

    /** Returns a builder with the defaults and no vCPU. */
    public static Builder builder() {
        return new Builder();
    }

    /** Collects the parts of a {@link MachineConfig}. */
    public static final class Builder {

        private final List<VcpuConfig> vcpus = new ArrayList<>();
        private long memorySize = DEFAULT_MEMORY;
        private Duration timeout = DEFAULT_TIMEOUT;
        private EngineChoice engine = EngineChoice.AUTO;

        private Builder() {}

        /** Adds the next vCPU. */
        public Builder vcpu(VcpuConfig vcpu) {
            vcpus.add(vcpu);
            return this;
        }

        /** Sets the RAM in bytes. */
        public Builder memory(long bytes) {
            memorySize = bytes;
            return this;
        }

        /** Sets the time limit. */
        public Builder timeout(Duration limit) {
            timeout = limit;
            return this;
        }

        /** Sets the engine. */
        public Builder engine(EngineChoice choice) {
            engine = choice;
            return this;
        }

        /**
         * Returns the configuration.
         *
         * @throws IllegalArgumentException if a value is out of range, or there is no vCPU
         */
        public MachineConfig build() {
            return new MachineConfig(vcpus, memorySize, timeout, engine);
        }
    }
}
