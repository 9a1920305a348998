package dev.kvmguest.junit;

import dev.kvmguest.vmm.compare.GuestComparison;
import dev.kvmguest.vmm.outcome.Outcome;
import org.assertj.core.api.AbstractAssert;

/**
 * Assertions on what a guest does on each engine of this host. Every failure shows the table of the runs.
 *
 * <pre>{@code
 * MachineConfig config = MachineConfig.builder()
 *         .vcpu(VcpuConfig.of(GuestImage.read(Path.of("kernel.elf"))).withBoot(BootMode.MULTIBOOT))
 *         .build();
 * assertThat(GuestComparison.of(config)).enginesAgree().allEnded(Outcome.Kind.HALTED);
 * }</pre>
 */
public class GuestComparisonAssert extends AbstractAssert<GuestComparisonAssert, GuestComparison> {

    /** Starts assertions on a comparison. AssertJ needs this constructor for soft assertions. */
    public GuestComparisonAssert(GuestComparison actual) {
        super(actual, GuestComparisonAssert.class);
    }

    /** Verifies that at least two engines ran the guest, and that it ended alike in all runs. */
    public GuestComparisonAssert enginesAgree() {
        isNotNull();
        if (!actual.enginesAgree()) {
            throw failure("%s", "expected the engines to agree about guest " + actual.guest() + "\n" + actual.table());
        }
        return this;
    }

    /** Verifies that an engine ran the guest in each boot mode, so that it is one of those that agree. */
    public GuestComparisonAssert ranOn(String engine) {
        isNotNull();
        boolean known = actual.runs().stream().anyMatch(run -> run.engine().id().equals(engine));
        boolean ran = actual.runs().stream()
                .filter(run -> run.engine().id().equals(engine))
                .allMatch(run -> run.outcome().isPresent());
        if (!known || !ran) {
            throw failure(
                    "%s", "expected engine " + engine + " to have run guest " + actual.guest() + "\n" + actual.table());
        }
        return this;
    }

    /** Verifies that the guest ended so in each run that was made. */
    public GuestComparisonAssert allEnded(Outcome.Kind kind) {
        isNotNull();
        boolean all = actual.outcomes().stream().allMatch(outcome -> outcome.kind() == kind);
        if (!all || actual.outcomes().isEmpty()) {
            throw failure(
                    "%s",
                    "expected guest " + actual.guest() + " to end by " + kind.id() + " on every engine\n"
                            + actual.table());
        }
        return this;
    }
}
