package dev.kvmguest.vmm.config;

import dev.kvmguest.vmm.diagnosis.Diagnosis;
import dev.kvmguest.vmm.image.GuestTestCase;
import dev.kvmguest.vmm.memory.RamMap;
import dev.kvmguest.vmm.text.Notation;
import java.time.Duration;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.List;

/**
 * A machine to be made: its vCPUs and what they run, its RAM, its time limit and its engine.
 *
 * @param vcpus what each vCPU runs, in the order of their numbers; at least one, and as many as the host allows
 * @param memorySize RAM in bytes: a multiple of 4096, from 64 KiB to 63 GiB; {@link RamMap} says where it is. The host
 *     needs memory for what the guest uses of it
 * @param timeout the longest that the guest may run, on the host's clock; see {@link TimeFactor}
 * @param engine what executes the guest
 * @param date what the guest's CMOS clock shows when it starts, in years 0 to 9999
 * @param watchExceptions whether to record the exceptions that the guests take and survive
 * @param qemuArguments further arguments of {@link EngineChoice#QEMU}'s program, such as {@code -device}, {@code edu};
 *     none for other engines
 */
public record MachineConfig(
        List<VcpuConfig> vcpus,
        long memorySize,
        Duration timeout,
        EngineChoice engine,
        LocalDateTime date,
        boolean watchExceptions,
        List<String> qemuArguments) {

    /** The default RAM: 16 MiB. */
    public static final long DEFAULT_MEMORY = 16L << 20;

    /** The default time limit: 10 s. */
    public static final Duration DEFAULT_TIMEOUT = Duration.ofSeconds(10);

    /** The default date, the same in every run: midnight on 1 January 2026. */
    public static final LocalDateTime DEFAULT_DATE = LocalDateTime.of(2026, 1, 1, 0, 0);

    private static final long PAGE = 4096;
    private static final long MIN_MEMORY = 64L << 10;
    /**
     * The most RAM, in bytes: the emulated processor has physical addresses of 36 bits, 64 GiB, of which one is left to
     * devices.
     */
    public static final long MAX_MEMORY = 63L << 30;

    public MachineConfig {
        vcpus = List.copyOf(vcpus);
        qemuArguments = List.copyOf(qemuArguments);
        if (vcpus.isEmpty()) {
            throw new IllegalArgumentException("a machine needs at least one vCPU with an image to run");
        }
        if (memorySize < MIN_MEMORY || memorySize > MAX_MEMORY || memorySize % PAGE != 0) {
            throw new IllegalArgumentException(
                    "memory of " + memorySize + " bytes can't be had; use a multiple of 4K from 64K to 63G");
        }
        Notation.positive("timeout", timeout);
        if (date.getYear() < 0 || date.getYear() > 9999) {
            throw new IllegalArgumentException("date " + date + " has a year beyond 0 to 9999, all that CMOS can hold");
        }
        vcpus.forEach(MachineConfig::requireUsableBootInformation);
        if (vcpus.size() > 1 && vcpus.stream().anyMatch(vcpu -> vcpu.boot() != BootMode.REAL)) {
            throw new IllegalArgumentException(
                    "several vCPUs with an image each must boot in real mode; the descriptor tables of the other modes"
                            + " would be shared");
        }
    }

    private static void requireUsableBootInformation(VcpuConfig vcpu) {
        if (!vcpu.boot().hasLoader()
                && !(vcpu.commandLine().isEmpty() && vcpu.modules().isEmpty())) {
            throw new IllegalArgumentException(
                    (vcpu.commandLine().isEmpty() ? "modules" : "command line \"" + vcpu.commandLine() + "\"")
                            + " can't be given to " + vcpu.image().name() + " in boot mode " + vcpu.boot()
                            + "; only boot mode " + BootMode.withLoader() + " passes a command line and modules on");
        }
    }

    /**
     * Returns a copy whose guest is asked to run one of its tests.
     *
     * @throws IllegalArgumentException if there are several vCPUs, of which only one could be meant
     */
    public MachineConfig withGuestTest(GuestTestCase test) {
        if (vcpus.size() > 1) {
            throw new IllegalArgumentException("a guest's tests run on one vCPU, but there are " + vcpus.size());
        }
        return withVcpu(vcpus.get(0).withGuestTest(test));
    }

    /** Returns a copy with this one vCPU. */
    public MachineConfig withVcpu(VcpuConfig vcpu) {
        return new MachineConfig(List.of(vcpu), memorySize, timeout, engine, date, watchExceptions, qemuArguments);
    }

    /** Returns a copy for another engine, without arguments for QEMU. */
    public MachineConfig withEngine(EngineChoice choice) {
        return new MachineConfig(vcpus, memorySize, timeout, choice, date, watchExceptions, List.of());
    }

    /** Returns a copy with another time limit. */
    public MachineConfig withTimeout(Duration limit) {
        return new MachineConfig(vcpus, memorySize, limit, engine, date, watchExceptions, qemuArguments);
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
        private LocalDateTime date = DEFAULT_DATE;
        private boolean watchExceptions;
        private List<String> qemuArguments = List.of();

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

        /** Sets what the CMOS clock shows at the start. */
        public Builder date(LocalDateTime start) {
            date = start;
            return this;
        }

        /** Records the exceptions that the guests take and survive, for {@link Diagnosis#exceptions}. */
        public Builder watchExceptions(boolean watch) {
            watchExceptions = watch;
            return this;
        }

        /** Sets further arguments of QEMU's command line; see {@link MachineConfig#qemuArguments}. */
        public Builder qemuArguments(List<String> arguments) {
            qemuArguments = List.copyOf(arguments);
            return this;
        }

        /**
         * Returns the configuration.
         *
         * @throws IllegalArgumentException if a value is out of range, or there is no vCPU
         */
        public MachineConfig build() {
            return new MachineConfig(vcpus, memorySize, timeout, engine, date, watchExceptions, qemuArguments);
        }
    }
}
