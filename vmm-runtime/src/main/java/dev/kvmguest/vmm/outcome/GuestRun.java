package dev.kvmguest.vmm.outcome;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.diagnosis.Diagnosis;
import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.memory.MemoryLayout;
import dev.kvmguest.vmm.text.Notation;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.NavigableSet;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/**
 * What is known of a run after its end.
 *
 * @param guest the image's name
 * @param boot the state at entry
 * @param vcpu the number of the vCPU, from 0
 * @param engine the engine that ran the guest, such as {@code kvm}
 * @param engineReason why this engine, in words
 * @param consoleBytes what the guest wrote to 0xE9, COM1 and the hypercall port, in the order written
 * @param ports what the guest wrote to each port, wide values as little-endian bytes
 * @param unclaimedPorts the ports without a device that the guest used
 * @param unclaimedMemory the guest physical addresses without RAM that the guest used, the first few
 * @param instructions instructions retired, if the engine counts them
 * @param wallTime the time from the start to the end on the host's clock
 * @param registers the vCPU's registers at the end; empty if the engine lost them
 * @param layout what was where in memory when the machine was made, with warnings of near misses
 * @param screen what the machine's screen showed at the end; blank if nothing was written to text memory or a
 *     framebuffer
 * @param guestTest the result of the test that the guest was asked to run, if any
 * @param diagnosis what was found out about its end
 * @param symbols the names of the image's functions and other labels, as the linker wrote them
 */
public record GuestRun(
        String guest,
        BootMode boot,
        int vcpu,
        String engine,
        String engineReason,
        byte[] consoleBytes,
        Map<Integer, byte[]> ports,
        NavigableSet<Integer> unclaimedPorts,
        NavigableSet<Long> unclaimedMemory,
        OptionalLong instructions,
        Duration wallTime,
        Optional<CpuState> registers,
        MemoryLayout layout,
        Screen screen,
        Optional<GuestTestResult> guestTest,
        Diagnosis diagnosis,
        Set<String> symbols) {

    /** Creates a run of an image without symbols. */
    public GuestRun(
            String guest,
            BootMode boot,
            int vcpu,
            String engine,
            String engineReason,
            byte[] consoleBytes,
            Map<Integer, byte[]> ports,
            NavigableSet<Integer> unclaimedPorts,
            NavigableSet<Long> unclaimedMemory,
            OptionalLong instructions,
            Duration wallTime,
            Optional<CpuState> registers,
            MemoryLayout layout,
            Screen screen,
            Optional<GuestTestResult> guestTest,
            Diagnosis diagnosis) {
        this(
                guest,
                boot,
                vcpu,
                engine,
                engineReason,
                consoleBytes,
                ports,
                unclaimedPorts,
                unclaimedMemory,
                instructions,
                wallTime,
                registers,
                layout,
                screen,
                guestTest,
                diagnosis,
                Set.of());
    }

    public GuestRun {
        symbols = Set.copyOf(symbols);
    }

    /** Returns a copy with what was found out about its end. */
    public GuestRun with(Diagnosis found) {
        return new GuestRun(
                guest,
                boot,
                vcpu,
                engine,
                engineReason,
                consoleBytes,
                ports,
                unclaimedPorts,
                unclaimedMemory,
                instructions,
                wallTime,
                registers,
                layout,
                screen,
                guestTest,
                found,
                symbols);
    }

    /** Returns the console output, decoded as UTF-8; malformed bytes become U+FFFD. */
    public String console() {
        return new String(consoleBytes, StandardCharsets.UTF_8);
    }

    /**
     * Returns what the guest wrote to a port; empty if nothing.
     *
     * @throws IllegalArgumentException if the port is not from 0 to 0xffff
     */
    public byte[] port(int number) {
        return ports.getOrDefault(Notation.requirePort("port", number), new byte[0]);
    }

    /** Returns what led to the shutdown of a guest, as {@link Outcome#fault} does. */
    public Optional<Fault> fault() {
        return diagnosis.fault();
    }

    /** Returns the wall time in milliseconds. */
    public double wallMillis() {
        return wallTime.toNanos() / 1e6;
    }
}
