package dev.kvmguest.vmm.internal.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.internal.engine.Capabilities;
import dev.kvmguest.vmm.internal.engine.Feature;
import dev.kvmguest.vmm.internal.engine.VmExit;
import dev.kvmguest.vmm.memory.GuestMemory;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What the probe concludes from what it sees, without /dev/kvm. */
@Timeout(60)
class HostProbeVerdictTests {

    private static final long LIMIT_MILLIS = 20;

    @Test
    void guestThatDoesItsWorkAndHaltsShowsTheFeature() {
        Capabilities capabilities = probe(memory -> {
            memory.writeByte(0x3000, 0x4b);
            return new VmExit.Halt();
        });

        assertThat(capabilities.has(Feature.REAL_MODE)).isTrue();
        assertThat(capabilities.has(Feature.PAGING_4K)).isTrue();
        assertThat(capabilities.whyNot(Feature.PARALLEL_VCPUS)).isEmpty();
        assertThat(capabilities.whyNot(Feature.SINGLE_STEP))
                .contains("the probe guest ended with Halt[] in place of a step");
    }

    @Test
    void guestThatHaltsWithoutHavingDoneItsWorkShowsNothing() {
        assertThat(probe(memory -> new VmExit.Halt()).whyNot(Feature.PROTECTED_MODE))
                .contains("the probe guest halted without having done its work");
    }

    @Test
    void shutdownIsSaidAsSuch() {
        assertThat(probe(memory -> new VmExit.Shutdown()).whyNot(Feature.PAGING_4M))
                .contains("the probe guest shut down");
    }

    @Test
    void refusedInstructionIsSaidInTheEnginesWords() {
        assertThat(probe(memory -> new VmExit.UnsupportedInstruction("no such thing", new byte[0]))
                        .whyNot(Feature.PROTECTED_MODE_INTERRUPTS))
                .contains("the probe guest met an instruction it could not run: no such thing");
    }

    @Test
    void failureIsSaidInTheEnginesWords() {
        assertThat(probe(memory -> new VmExit.Failure("broken")).whyNot(Feature.REAL_MODE))
                .contains("the probe guest failed: broken");
    }

    @Test
    void stepThatDoesNotStepIsNoSingleStep() {
        assertThat(probe(memory -> new VmExit.SingleStep()).whyNot(Feature.SINGLE_STEP))
                .contains("a step over one instruction ended at 1000");
    }

    @Test
    void guestThatHangsIsGivenUp() {
        assertThat(probe(ScriptedEngine.hanging()).whyNot(Feature.REAL_MODE))
                .contains("the probe guest did not end within 20 ms");
    }

    @Test
    void exceptionOfTheEngineEndsTheProbe() {
        assertThatThrownBy(() -> probe(memory -> {
                    throw new VmmException("KVM_RUN failed");
                }))
                .isInstanceOf(VmmException.class)
                .hasMessage("probing this host failed: KVM_RUN failed");
    }

    @Test
    void loopOfAFewMicrosecondsIsAProcessorsSpeed() {
        Capabilities capabilities = probeTaking(20_000);

        assertThat(capabilities.whyNot(Feature.REAL_MODE_SPEED)).isEmpty();
        assertThat(capabilities.whyNot(Feature.PROTECTED_MODE_SPEED)).isEmpty();
    }

    @Test
    void loopOfMillisecondsIsAnInterpretersSpeed() {
        Capabilities capabilities = probeTaking(4_000_000);

        assertThat(capabilities.whyNot(Feature.REAL_MODE_SPEED))
                .contains("it executes 2.0 million instructions a second");
        assertThat(capabilities.whyNot(Feature.PROTECTED_MODE_SPEED))
                .contains("it executes 2.0 million instructions a second");
        assertThat(capabilities.has(Feature.REAL_MODE)).isTrue();
    }

    @Test
    void oneQuickRunIsEnoughSinceNoiseOnlyMakesRunsSlower() {
        assertThat(probeTaking(50_000_000, 50_000_000, 20_000).has(Feature.REAL_MODE_SPEED))
                .isTrue();
    }

    @Test
    void loopThatEndsOtherwiseHasNoSpeed() {
        assertThat(probe(memory -> new VmExit.Shutdown()).whyNot(Feature.REAL_MODE_SPEED))
                .contains("the probe guest shut down");
    }

    @Test
    void measuredSpeedIsThatOfTheFastestRun() {
        AtomicLong now = new AtomicLong();
        AtomicInteger runs = new AtomicInteger();
        ScriptedEngine engine = ScriptedEngine.comingBackWith(memory -> {
            memory.writeByte(0x3000, 0x4b);
            int loops = memory.readInt(0x1001);
            // Two instructions a loop, in 2 ns; in the sixth run in 1 ns.
            now.addAndGet((runs.incrementAndGet() == 6 ? 1L : 2L) * loops);
            return new VmExit.Halt();
        });

        assertThat(new HostProbe(engine, LIMIT_MILLIS, now::get).instructionsPerSecond(BootMode.PROTECTED, 10_000_000))
                .hasValue(2_000_000_000);
        assertThat(now.get()).isBetween(10_000_000L, 60_000_000L);
        assertThat(engine.openMachines).hasValue(0);
    }

    @Test
    void measuringGoesOnWhileTheEngineBecomesFaster() {
        AtomicLong now = new AtomicLong();
        AtomicInteger runs = new AtomicInteger();
        ScriptedEngine engine = ScriptedEngine.comingBackWith(memory -> {
            memory.writeByte(0x3000, 0x4b);
            int loops = memory.readInt(0x1001);
            // As the emulator before the JVM has compiled it: the first run alone takes all of the time.
            now.addAndGet((runs.incrementAndGet() == 1 ? 5000L : 2L) * loops);
            return new VmExit.Halt();
        });

        assertThat(new HostProbe(engine, LIMIT_MILLIS, now::get).instructionsPerSecond(BootMode.PROTECTED, 10_000_000))
                .hasValue(1_000_000_000);
        assertThat(runs).hasValueGreaterThan(3);
    }

    @Test
    void loopThatDoesNotEndHasNoSpeedToMeasure() {
        ScriptedEngine engine = ScriptedEngine.comingBackWith(memory -> new VmExit.Shutdown());

        assertThat(new HostProbe(engine, LIMIT_MILLIS, System::nanoTime)
                        .instructionsPerSecond(BootMode.REAL, 1_000_000))
                .isEmpty();
    }

    /** Probes an engine whose runs take so many nanoseconds each, in turn and over again. */
    private static Capabilities probeTaking(long... nanos) {
        AtomicLong now = new AtomicLong();
        AtomicInteger loops = new AtomicInteger();
        ScriptedEngine engine = ScriptedEngine.comingBackWith(memory -> {
            memory.writeByte(0x3000, 0x4b);
            // The count of the loop: mov ecx, 4000 in 16-bit code and in 32-bit code.
            boolean isLoop = memory.readShort(0x1002) == 4000 || memory.readShort(0x1001) == 4000;
            now.addAndGet(isLoop ? nanos[loops.getAndIncrement() % nanos.length] : 0);
            return new VmExit.Halt();
        });
        return new HostProbe(engine, LIMIT_MILLIS, now::get).probe();
    }

    private static Capabilities probe(Function<GuestMemory, VmExit> exit) {
        return probe(ScriptedEngine.comingBackWith(exit));
    }

    private static Capabilities probe(ScriptedEngine engine) {
        try {
            return new HostProbe(engine, LIMIT_MILLIS, System::nanoTime).probe();
        } finally {
            assertThat(engine.openMachines).as("machines left open").hasValue(0);
        }
    }
}
