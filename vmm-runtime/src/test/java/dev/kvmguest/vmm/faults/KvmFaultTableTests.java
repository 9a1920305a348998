package dev.kvmguest.vmm.faults;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import dev.kvmguest.vmm.KvmKind;
import dev.kvmguest.vmm.NeedsKvm;
import dev.kvmguest.vmm.config.TimeFactor;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.internal.engine.Capabilities;
import dev.kvmguest.vmm.internal.engine.Feature;
import dev.kvmguest.vmm.internal.engine.VirtualMachine;
import dev.kvmguest.vmm.internal.engine.VmExit;
import dev.kvmguest.vmm.internal.kvm.KvmEngine;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicContainer;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;

/** Runs every line of the fault tables on this host's KVM: what a real processor does is what the tables say. */
@NeedsKvm
@Tag("differential")
class KvmFaultTableTests {

    private static final Duration LIMIT_OF_A_LINE = TimeFactor.stretch(Duration.ofSeconds(1));

    private static final int TSS_BUSY = 2;

    private static final ScheduledExecutorService WATCHDOG = Executors.newSingleThreadScheduledExecutor(task -> {
        Thread thread = new Thread(task, "watchdog of the fault tables on KVM");
        thread.setDaemon(true);
        return thread;
    });

    private final Capabilities kvm = KvmEngine.instance().capabilities();
    private final List<KvmFaultDifference> known = KvmFaultDifference.list().stream()
            .filter(difference -> Set.of(
                            KvmKind.ofThisHost().word(), KvmKind.ofThisHost().wordHere())
                    .contains(difference.kind()))
            .toList();
    private final Set<KvmFaultDifference> needed = new HashSet<>();

    @TestFactory
    Stream<DynamicContainer> everyCheckOfTheManualGivesItsFaultOnKvm() {
        Stream<DynamicContainer> tables =
                FaultTableTests.TABLES.stream().map(name -> DynamicContainer.dynamicContainer(name, table(name)));
        Stream<DynamicTest> list = known.stream()
                .filter(difference -> !difference.isNotRun())
                .map(difference -> DynamicTest.dynamicTest(difference.toString(), () -> assertThat(needed)
                        .as("differences that were seen")
                        .contains(difference)));
        return Stream.concat(
                tables, Stream.of(DynamicContainer.dynamicContainer("listed differences are still there", list)));
    }

    private Stream<DynamicTest> table(String name) {
        return FaultLine.table(name).stream()
                .filter(line -> known.stream().noneMatch(listed -> listed.isNotRun() && listed.isAbout(name, line)))
                .map(line -> DynamicTest.dynamicTest(line.toString(), () -> compare(name, line)));
    }

    private void compare(String table, FaultLine line) {
        Optional<String> whyNot = needs(line).stream()
                .flatMap(feature -> kvm.whyNot(feature).map(seen -> feature.words() + ": " + seen).stream())
                .findFirst();
        if (whyNot.isPresent()) {
            abort("this KVM can't run " + whyNot.get());
        }
        List<KvmFaultDifference> listed =
                known.stream().filter(one -> one.isAbout(table, line)).toList();
        List<String> differences = new ArrayList<>(differences(line));
        for (KvmFaultDifference one : listed) {
            if (differences.removeIf(one::isMissingBits)) {
                needed.add(one);
            }
        }
        String rest = String.join("; ", differences);
        for (KvmFaultDifference one : listed) {
            if (one.effect().equals(rest)) {
                needed.add(one);
                return;
            }
        }
        assertThat(rest).as(table + ": " + line).isEmpty();
    }

    /**
     * Lines of real mode too are for a KVM that leaves exceptions to the processor: those that don't are no measure, see
     * {@link KvmKind#PVM}.
     */
    private static List<Feature> needs(FaultLine line) {
        String start = line.setup()[0];
        if (start.startsWith("long") || start.startsWith("compat")) {
            return List.of(Feature.LONG_MODE);
        }
        return start.equals("real") || start.startsWith("flat")
                ? List.of(Feature.PROTECTED_MODE_INTERRUPTS)
                : List.of(Feature.PROTECTED_MODE_INTERRUPTS, Feature.PAGING_4K, Feature.PAGING_4M);
    }

    private static List<String> differences(FaultLine line) {
        try (VirtualMachine machine = KvmEngine.instance().createMachine(GuestWorld.SIZE, 1)) {
            Scenario scenario = new Scenario(line, machine.memory());
            ScheduledFuture<?> limit =
                    WATCHDOG.schedule(machine.vcpu(0)::interrupt, LIMIT_OF_A_LINE.toMillis(), TimeUnit.MILLISECONDS);
            VmExit exit = scenario.run(machine.vcpu(0), start(scenario.state()));
            limit.cancel(false);
            return new Expected(scenario).differences(exit, machine.vcpu(0).state());
        }
    }

    /**
     * QEMU takes the busy TSS that TR has for none when it needs the stack of an inner ring, and aborts, the whole lab
     * with it: LTR leaves a TSS in its own TR that is available, and so does this.
     */
    private static CpuState start(CpuState state) {
        SegmentState task = state.segment(SegmentRegister.TR);
        return KvmKind.ofThisHost() != KvmKind.AMD_TCG
                ? state
                : state.with(builder -> builder.segment(
                        SegmentRegister.TR,
                        new SegmentState(task.selector(), task.base(), task.limit(), task.accessRights() & ~TSS_BUSY)));
    }
}
