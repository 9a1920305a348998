package dev.kvmguest.vmm;

import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * Runs a guest once more on the emulator, which sees what led to its death where the engine that ran it doesn't: KVM
 * delivers exceptions without a word, and on AMD resets the vCPU in the end.
 */
final class SecondRun {

    /** What has died on KVM has done so within its own limit; nobody waits longer than this for the reason. */
    private static final Duration LONGEST = Duration.ofSeconds(5);

    private SecondRun() {}

    /**
     * Runs the guest, with all that was typed for it there from the start.
     *
     * @param first the machine in which the guest triple-faulted, with one vCPU
     * @param typed all that was typed for it
     * @param console what it wrote
     * @return what led to its triple fault; empty if this time it ended otherwise
     */
    static Optional<Fault> faultOf(MachineConfig first, byte[] typed, byte[] console) {
        MachineConfig again = new MachineConfig(
                List.of(first.vcpus().get(0).withInput("")),
                first.memorySize(),
                first.timeout().compareTo(LONGEST) < 0 ? first.timeout() : LONGEST,
                EngineChoice.EMULATOR,
                first.date());
        try (Machine machine = Machine.create(again)) {
            machine.type(0, typed);
            Outcome outcome = machine.run();
            boolean same = Arrays.equals(outcome.run().consoleBytes(), console);
            return outcome.fault()
                    .map(fault -> fault.seenBy("the emulator, where the guest was run again"
                            + (same ? "" : " and wrote something else to its console: the engines may differ")));
        } catch (RuntimeException e) {
            // What the first run has found out must not be lost because nothing can be added to it.
            return Optional.empty();
        }
    }
}
