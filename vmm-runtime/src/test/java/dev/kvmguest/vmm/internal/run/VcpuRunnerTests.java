package dev.kvmguest.vmm.internal.run;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.FakeVirtualCpu;
import dev.kvmguest.vmm.TestGuest;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.internal.engine.Capabilities;
import dev.kvmguest.vmm.internal.engine.Engine;
import dev.kvmguest.vmm.internal.engine.Feature;
import dev.kvmguest.vmm.internal.engine.VirtualMachine;
import dev.kvmguest.vmm.internal.engine.VmExit;
import dev.kvmguest.vmm.memory.GuestMemory;
import dev.kvmguest.vmm.memory.MemoryLayout;
import dev.kvmguest.vmm.outcome.GuestRun;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.outcome.Screen;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Runs to every kind of end, without an engine. */
@Timeout(30)
class VcpuRunnerTests {

    private static final Duration LONG = Duration.ofMinutes(10);
    private static final Duration SHORT = Duration.ofMillis(1);
    private static final VmExit HLT = new VmExit.Halt();

    private static final GuestMemory MEMORY = new GuestMemory(ByteBuffer.allocateDirect(4096), () -> {});

    /** An engine whose probes saw that it can do nothing but these. */
    private record FakeEngine(Set<Feature> works) implements Engine {
        @Override
        public String name() {
            return "fake";
        }

        @Override
        public Capabilities capabilities() {
            Map<Feature, Capabilities.Finding> findings = new EnumMap<>(Feature.class);
            works.forEach(feature -> findings.put(feature, new Capabilities.Finding(true, "")));
            return new Capabilities(findings);
        }

        @Override
        public VirtualMachine createMachine(long memorySize, int vcpus) {
            throw new UnsupportedOperationException();
        }
    }

    /** out 0x80,al, and what {@code PagingReplayTests} has */
    private static final VcpuConfig PAGING =
            TestGuest.flat("e6 80 0f 20 e0 0c 10 0f 22 e0 c7 05 00 80 00 00 83 00 00 00"
                    + " b8 00 80 00 00 0f 22 d8 0f 20 c0 0d 00 00 00 80 0f 22 c0 b0 78 e6 e9 fa f4");

    private final FakeVirtualCpu cpu = new FakeVirtualCpu();
    private Set<Feature> works = EnumSet.allOf(Feature.class);
    private Partition partition;

    @Test
    void guestEndsByItself() throws Exception {
        cpu.counting(1234)
                .then(out(0xe9, 'H'))
                .then(out(0x510, 7))
                .then(new VmExit.Interrupted())
                .then(HLT);

        Outcome outcome = run(runner(LONG));

        assertThat(outcome).isInstanceOf(Outcome.Halted.class);
        GuestRun run = outcome.run();
        assertThat(run.guest()).isEqualTo("hello");
        assertThat(run.boot()).isEqualTo(BootMode.REAL);
        assertThat(run.vcpu()).isEqualTo(3);
        assertThat(run.engine()).isEqualTo("fake");
        assertThat(run.engineReason()).isEqualTo("asked for");
        assertThat(run.console()).isEqualTo("H");
        assertThat(run.port(0x510)).containsExactly(7);
        assertThat(run.unclaimedPorts()).containsExactly(0x510);
        assertThat(run.unclaimedMemory()).isEmpty();
        assertThat(run.instructions()).hasValue(1234);
        assertThat(run.wallTime()).isPositive();
        assertThat(run.registers()).contains(cpu.state());
        assertThat(run.screen()).isSameAs(Screen.BLANK);
    }

    @Test
    void guestThatTurnsOnPagingOnAKvmWithoutItHasNotDiedByItself() throws Exception {
        works = EnumSet.of(Feature.PROTECTED_MODE);
        cpu.then(out(0x80, 0)).then(new VmExit.Shutdown());

        Outcome outcome = run(runner(MachineConfig.builder().vcpu(PAGING).build(), 0));

        assertThat(outcome).isInstanceOfSatisfying(Outcome.Unsupported.class, ended -> assertThat(ended.isOfHost())
                .isTrue());
        assertThat(outcome.describe())
                .isEqualTo("turned on paging by mov cr0, eax at 0x1024, 0f 22 c0: this host's KVM can't page 32-bit"
                        + " guests, which shut down there; 32-bit paging with 4 KiB pages: not tried; choose engine"
                        + " emulator, which runs it on from there");
        assertThat(outcome.run().diagnosis().parting()).isEmpty();
    }

    @Test
    void guestThatTurnsOnPagingHasDiedWhereKvmCanPage() throws Exception {
        works = EnumSet.of(Feature.PROTECTED_MODE, Feature.PAGING_4K);
        cpu.then(out(0x80, 0)).then(new VmExit.Shutdown());

        Outcome outcome = run(runner(MachineConfig.builder().vcpu(PAGING).build(), 0));

        assertThat(outcome).isInstanceOf(Outcome.TripleFault.class);
        assertThat(outcome.run().diagnosis().divergence().orElseThrow())
                .contains("on fake the guest shut down, on the emulator it wrote 0x78 to port 0xe9");
    }

    @Test
    void inputIsThereFromTheStartAndCanBeAdded() throws Exception {
        ByteBuffer read = ByteBuffer.allocate(3);
        cpu.then(new VmExit.PortIn(0x3f8, 1, read)).then(HLT);
        VcpuRunner runner = runner(LONG, config().withInput("1"));
        partition.input().add(new byte[] {'2', '3'});

        run(runner);

        assertThat(read.array()).containsExactly('1', '2', '3');
    }

    @Test
    void hypercallPutsBlOnTheConsole() throws Exception {
        cpu.withState(CpuState.builder().set(Register.RBX, 0x1241).build())
                .then(out(0x500, 1))
                .then(out(0x500, 0));

        assertThat(run(runner(LONG)).console()).isEqualTo("A");
    }

    @Test
    void guestAtItsTimeLimitIsInterrupted() throws Exception {
        Outcome outcome = run(runner(SHORT));

        assertThat(outcome).isEqualTo(new Outcome.TimedOut(SHORT, outcome.run()));
    }

    @Test
    void guestThatKeepsComingBackCanBeStopped() throws Exception {
        CountDownLatch comingBack = new CountDownLatch(1);
        VcpuRunner runner = runner(LONG);
        keepComingBack(comingBack);
        runner.start();
        comingBack.await();

        runner.stop();

        assertThat(runner.outcome().get()).isInstanceOf(Outcome.Stopped.class);
    }

    private void keepComingBack(CountDownLatch comingBack) {
        cpu.then(() -> {
            comingBack.countDown();
            keepComingBack(comingBack);
            return new VmExit.SingleStep();
        });
    }

    @Test
    void longestTimeLimitIsNone() throws Exception {
        cpu.then(HLT);

        assertThat(run(runner(Duration.ofSeconds(Long.MAX_VALUE)))).isInstanceOf(Outcome.Halted.class);
    }

    @Test
    void stoppedGuestHasNoVerdict() throws Exception {
        VcpuRunner runner = runner(LONG);
        runner.start();

        runner.stop();

        assertThat(runner.outcome().get()).isInstanceOf(Outcome.Stopped.class);
        runner.join();
    }

    @Test
    void guestStoppedBeforeItsStartDoesNotRun() throws Exception {
        cpu.then(HLT);
        VcpuRunner runner = runner(LONG);

        runner.stop();

        assertThat(run(runner)).isInstanceOf(Outcome.Stopped.class);
        assertThat(cpu.left()).isOne();
    }

    @Test
    void stoppingAfterTheEndChangesNothing() throws Exception {
        cpu.then(HLT);
        VcpuRunner runner = runner(LONG);
        Outcome outcome = run(runner);

        runner.stop();

        assertThat(runner.outcome().get()).isSameAs(outcome);
    }

    @Test
    void firstToEndItFromOutsideWins() throws Exception {
        VcpuRunner runner = runner(SHORT);
        runner.stop();
        runner.stop();

        assertThat(run(runner)).isInstanceOf(Outcome.Stopped.class);
    }

    @Test
    void outcomeCompletesOnce() throws Exception {
        cpu.then(out(0xf4, 3)).then(HLT);
        VcpuRunner runner = runner(LONG);
        AtomicInteger completions = new AtomicInteger();
        CompletableFuture<Void> counted = runner.outcome().thenAccept(outcome -> completions.incrementAndGet());

        assertThat(run(runner).exitCode()).hasValue(3);

        counted.get();
        assertThat(completions).hasValue(1);
        assertThat(cpu.left()).isOne();
    }

    @Test
    void failureOfTheHostIsAnEngineErrorInItsOwnWords() throws Exception {
        cpu.then(() -> {
            throw new VmmException("KVM_RUN failed: Bad address (errno 14)");
        });

        assertThat(run(runner(LONG)).describe())
                .isEqualTo("was ended by a failure of the engine: KVM_RUN failed: Bad address (errno 14)");
    }

    @Test
    void exceptionIsAnEngineError() throws Exception {
        cpu.then(() -> {
            throw new IllegalStateException("vCPU 0 is closed");
        });

        assertThat(run(runner(LONG)).describe())
                .isEqualTo("was ended by a failure of the engine: java.lang.IllegalStateException: vCPU 0 is closed");
    }

    @Test
    void javaErrorIsAnEngineErrorToo() throws Exception {
        cpu.then(() -> {
            throw new StackOverflowError();
        });

        assertThat(run(runner(LONG)).describe())
                .isEqualTo("was ended by a failure of the engine: java.lang.StackOverflowError");
    }

    @Test
    void listenerThatThrowsEndsTheRun() throws Exception {
        cpu.then(out(0xe9, 'H')).then(HLT);
        VcpuRunner runner = runner(LONG);
        partition.console().forwardTo(octet -> {
            throw new IllegalStateException("pipe closed");
        });

        assertThat(run(runner).describe()).endsWith("java.lang.IllegalStateException: pipe closed");
    }

    @Test
    void registersThatTheEngineResetAreNotTheGuests() throws Exception {
        CpuState reset = CpuState.builder()
                .set(Register.RIP, 0xfff0)
                .set(Register.RFLAGS, 2)
                .segment(SegmentRegister.CS, new SegmentState(0xf000, 0xffff_0000L, 0xffff, 0x9b))
                .build();
        cpu.withState(reset).then(new VmExit.Shutdown());

        Outcome outcome = run(runner(LONG));

        assertThat(outcome).isInstanceOf(Outcome.TripleFault.class);
        assertThat(outcome.run().registers()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(classes = {VmmException.class, IllegalStateException.class})
    void registersThatCannotBeReadDoNotHideTheEnd(Class<? extends RuntimeException> type) throws Exception {
        cpu.failingToReadState(type.getConstructor(String.class).newInstance("gone"))
                .then(new VmExit.Shutdown());

        Outcome outcome = run(runner(LONG));

        assertThat(outcome).isInstanceOf(Outcome.TripleFault.class);
        assertThat(outcome.run().registers()).isEmpty();
    }

    @Test
    void consoleIsClosedAtTheEnd() throws Exception {
        cpu.then(out(0xe9, 'H')).then(HLT);
        VcpuRunner runner = runner(LONG);
        run(runner);

        assertThat(partition.console().await("H", LONG)).contains("H");
        assertThat(partition.console().await("never", LONG)).isEmpty();
    }

    @Test
    void threadIsADaemonNamedForItsGuest() throws Exception {
        CompletableFuture<Thread> thread = new CompletableFuture<>();
        cpu.then(() -> {
            thread.complete(Thread.currentThread());
            return HLT;
        });

        run(runner(LONG));

        assertThat(thread.get().getName()).isEqualTo("kvmguest-vcpu-3-hello");
        assertThat(thread.get().isDaemon()).isTrue();
    }

    private static VcpuConfig config() {
        return VcpuConfig.of(GuestImage.flat("hello", new byte[] {(byte) 0xf4}));
    }

    private VcpuRunner runner(Duration timeout) {
        return runner(timeout, config());
    }

    private VcpuRunner runner(Duration timeout, VcpuConfig config) {
        MachineConfig machine = MachineConfig.builder()
                .vcpu(config().withLoad(0x2000))
                .vcpu(config().withLoad(0x3000))
                .vcpu(config().withLoad(0x4000))
                .vcpu(config)
                .timeout(timeout)
                .build();
        return runner(machine, 3);
    }

    private VcpuRunner runner(MachineConfig machine, int number) {
        EngineSelection selection = new EngineSelection(new FakeEngine(works), "asked for");
        partition = new MachineAssembly(machine, selection, MemoryLayout.UNKNOWN, () -> Screen.BLANK)
                .partition(number, cpu, MEMORY);
        return partition.vcpus().get(0);
    }

    private static Outcome run(VcpuRunner runner) throws Exception {
        runner.start();
        Outcome outcome = runner.outcome().get(20, SECONDS);
        runner.join();
        return outcome;
    }

    private static VmExit out(int port, int value) {
        return new VmExit.PortOut(port, 1, ByteBuffer.wrap(new byte[] {(byte) value}));
    }
}
