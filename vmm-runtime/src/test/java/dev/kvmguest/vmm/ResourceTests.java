package dev.kvmguest.vmm;

import static dev.kvmguest.vmm.TestGuest.flat;
import static dev.kvmguest.vmm.TestGuest.real;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kvmguest.vmm.NeedsKvm.Device;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.EntryPoint;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.Milestone;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.outcome.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;

/** Many guests in one JVM leave nothing behind. */
@Isolated("counts what the process has open, mapped and running")
@OnEachEngine
class ResourceTests {

    private static final int GUESTS = 150;
    /** So many machines of a snapshot, one after the other. */
    private static final int RESTORES = Integer.getInteger("kvmguest.snapshot.machines", 200);

    /** Large, so that a single mapping left behind by KVM outweighs whatever the JVM itself maps meanwhile. */
    private static final long MEMORY = 512L << 20;

    /** The emulator's RAM is never sparse; 16 MiB left behind by each guest would be 2.3 GiB. */
    private static final long DENSE_MEMORY = 16L << 20;

    private static final VcpuConfig HALTING = real("b0 61 e6 e9 f4"); // mov al,'a'; out 0xe9,al; hlt
    private static final VcpuConfig DYING = flat("0f 0b"); // ud2
    private static final VcpuConfig HANGING = real("eb fe"); // here: jmp here
    private static final VcpuConfig LEAVING = real("b0 05 e6 f4"); // mov al,5; out 0xf4,al

    private final EngineChoice engine;

    ResourceTests(EngineChoice engine) {
        Device.assumeFor(engine);
        this.engine = engine;
    }

    @Test
    void manyGuestsLeaveNoDescriptorMappingOrThread() throws IOException {
        runGuests(50);
        Usage before = Usage.now();

        runGuests(GUESTS);

        assertNothingIsLeft(before);
    }

    /** More than are kept for the next time, one after the other and at once; one goes on after its snapshot is closed. */
    @Test
    void machinesOfASnapshotLeaveNothing() throws IOException {
        runFromSnapshot();
        Usage before = Usage.now();

        runFromSnapshot();

        assertNothingIsLeft(before);
    }

    private static void assertNothingIsLeft(Usage before) throws IOException {
        Usage after = Usage.now();
        assertThat(after.descriptors).as("open file descriptors").isEqualTo(before.descriptors);
        assertThat(after.vcpuMappings).as("mapped kvm_run pages").isZero();
        assertThat(after.threads).as("threads %s", after.threads).isEqualTo(before.threads);
        assertThat(after.mapped).as("bytes mapped").isLessThan(before.mapped + MEMORY);
    }

    private void runFromSnapshot() {
        List<Machine> machines = new ArrayList<>();
        try (Snapshot snapshot = snapshot()) {
            for (int i = 0; i < RESTORES; i++) {
                try (Machine machine = Machine.create(snapshot)) {
                    assertThat(machine.run().kind()).isEqualTo(Outcome.Kind.HALTED);
                }
            }
            for (int i = 0; i < 20; i++) {
                machines.add(Machine.create(snapshot));
            }
            machines.remove(0).close();
        }
        for (Machine machine : machines) {
            assertThat(machine.run().console()).isEqualTo("a");
            machine.close();
        }
    }

    private Snapshot snapshot() {
        try (Machine machine = Machine.create(config(HALTING))) {
            assertThat(machine.runUntil(Milestone.console("a"))).isTrue();
            return machine.snapshot();
        }
    }

    @Test
    @NeedsQemu
    void guestsInQemuLeaveNoDescriptorAndNoThread() throws Exception {
        runInQemu();
        Usage before = Usage.now();

        runInQemu();

        Usage after = Usage.now();
        assertThat(after.descriptors).as("open file descriptors").isEqualTo(before.descriptors);
        assertThat(after.threads).as("threads %s", after.threads).isEqualTo(before.threads);
    }

    /** One that ends, one that is never run, and one that QEMU refuses. */
    private void runInQemu() {
        MachineConfig.Builder config = MachineConfig.builder().vcpu(HALTING).engine(EngineChoice.QEMU);
        try (Machine machine = Machine.create(config.build())) {
            assertThat(machine.run().kind()).isEqualTo(Outcome.Kind.HALTED);
        }
        Machine.create(config.build()).close();
        MachineConfig refused =
                config.qemuArguments(List.of("-device", "no-such-device")).build();
        assertThatThrownBy(() -> Machine.create(refused)).isInstanceOf(VmmException.class);
    }

    private void runGuests(int count) {
        for (int i = 0; i < count; i++) {
            switch (i % 10) {
                case 0 -> {
                    if (i % 50 == 0) {
                        assertThat(run(HANGING)).isEqualTo(Outcome.Kind.TIMED_OUT);
                    } else {
                        closeWhileRunning();
                    }
                }
                case 1, 2 -> assertThat(run(DYING)).isEqualTo(Outcome.Kind.TRIPLE_FAULT);
                case 3 -> assertThat(run(LEAVING)).isEqualTo(Outcome.Kind.DEBUG_EXIT);
                case 4 -> refuse();
                default -> assertThat(run(HALTING)).isEqualTo(Outcome.Kind.HALTED);
            }
        }
    }

    private MachineConfig config(VcpuConfig guest) {
        return MachineConfig.builder()
                .vcpu(guest)
                .memory(engine == EngineChoice.KVM ? MEMORY : DENSE_MEMORY)
                .engine(engine)
                .timeout(guest == HANGING ? Duration.ofMillis(20) : MachineConfig.DEFAULT_TIMEOUT)
                .build();
    }

    private Outcome.Kind run(VcpuConfig guest) {
        try (Machine machine = Machine.create(config(guest))) {
            return machine.run().kind();
        }
    }

    private void closeWhileRunning() {
        try (Machine machine = Machine.create(config(HANGING))) {
            machine.start();
        }
    }

    private void refuse() {
        VcpuConfig outsideRam = HALTING.withLoad(MEMORY).withEntry(EntryPoint.linear(0));
        try (Machine machine = Machine.create(config(outsideRam))) {
            throw new AssertionError("an image outside RAM was loaded into " + machine);
        } catch (IllegalArgumentException e) {
            assertThat(e).hasMessageContaining("entry 0x0 lies outside image");
        }
    }

    private record Usage(List<String> descriptors, long vcpuMappings, List<String> threads, long mapped) {

        static Usage now() throws IOException {
            List<String> maps = Files.readAllLines(Path.of("/proc/self/maps"));
            return new Usage(
                    OpenDescriptors.now(),
                    maps.stream().filter(line -> line.contains("kvm-vcpu")).count(),
                    Thread.getAllStackTraces().keySet().stream()
                            .map(Thread::getName)
                            .filter(name -> name.startsWith("kvmguest"))
                            // It ends by itself when it has had nothing to do for a while.
                            .filter(name -> !name.equals("kvmguest-alarm"))
                            .sorted()
                            .toList(),
                    maps.stream().mapToLong(Usage::length).sum());
        }

        private static long length(String mapsLine) {
            String[] range = mapsLine.substring(0, mapsLine.indexOf(' ')).split("-");
            return Long.parseUnsignedLong(range[1], 16) - Long.parseUnsignedLong(range[0], 16);
        }
    }
}
