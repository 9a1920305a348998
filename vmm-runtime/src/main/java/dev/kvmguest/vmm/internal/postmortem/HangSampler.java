package dev.kvmguest.vmm.internal.postmortem;

import dev.kvmguest.vmm.config.TimeFactor;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.diagnosis.HandledException;
import dev.kvmguest.vmm.internal.advice.hang.HangTrace;
import dev.kvmguest.vmm.internal.advice.hang.Step;
import dev.kvmguest.vmm.internal.board.Board;
import dev.kvmguest.vmm.internal.emulator.EmulatedVirtualCpu;
import dev.kvmguest.vmm.internal.emulator.EmulatorEngine;
import dev.kvmguest.vmm.internal.emulator.EmulatorEngine.EmulatedMachine;
import dev.kvmguest.vmm.internal.engine.ExecutionObserver;
import dev.kvmguest.vmm.internal.engine.VirtualCpu;
import dev.kvmguest.vmm.memory.GuestMemory;
import dev.kvmguest.vmm.outcome.Ending;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Has a guest that still ran at its time limit go on for a moment, and looks what it does: step by step, for the loop
 * in which it is, and from time to time, for what it does otherwise.
 *
 * <p>An engine that can't see exceptions can't step through their handlers either, and its steps show in the guest's
 * TF. Where that is so, a copy of the guest is stepped on the emulator.
 */
final class HangSampler {

    /** Some rounds of a loop that calls a few functions. */
    private static final int STEPS = 512;

    /** They take some milliseconds, unless the JVM has to load first what they need, or one never ends. */
    private static final Duration LONGEST_STEPS = Duration.ofMillis(500);

    private static final Duration SHORTEST_STEPS = Duration.ofMillis(100);
    private static final Duration LONGEST_SAMPLES = Duration.ofMillis(50);

    private static final int SAMPLES = 32;
    private static final long SAMPLE_NANOS = 500_000;

    /** To copy more takes too long. */
    private static final long LARGEST_COPY = 64 << 20;

    private final VirtualCpu cpu;
    private final GuestMemory memory;
    private final Board board;
    private final Duration timeout;
    private final List<Step> steps = new ArrayList<>();
    private final List<HandledException> exceptions = new ArrayList<>();
    private final List<HangTrace.Sample> samples = new ArrayList<>();
    private final ProbeRun probeRun;

    /**
     * Prepares a look at a guest.
     *
     * @param cpu its vCPU
     * @param memory its RAM
     * @param board its board
     * @param timeout its time limit: whoever has waited for long may wait a little longer
     */
    HangSampler(VirtualCpu cpu, GuestMemory memory, Board board, Duration timeout) {
        this.cpu = cpu;
        this.memory = memory;
        this.board = board;
        this.timeout = timeout;
        this.probeRun = new ProbeRun(cpu, memory, board);
    }

    /**
     * Looks at the guest; to be called once.
     *
     * @param halted whether it is halted, waiting for an interrupt
     */
    HangTrace observe(boolean halted) {
        CpuState registers = cpu.state();
        samples.add(new HangTrace.Sample(registers, halted));
        try {
            if (cpu.observer().isPresent() || memory.usedBytes() > LARGEST_COPY) {
                step(cpu, probeRun);
                sample();
            } else {
                sample();
                stepCopy();
            }
        } catch (RuntimeException e) {
            // What was seen until then is worth telling.
            PostMortem.stumbled(e);
        }
        Optional<String> wentOn = probeRun.ended().filter(Ending::isNormal).map(Ending::describe);
        return new HangTrace(registers, halted, steps, exceptions, samples, board.interruptsInService(), wentOn);
    }

    private void step(VirtualCpu stepped, ProbeRun play) {
        stepped.observer().ifPresent(ExecutionObserver::watchExceptions);
        Duration most = atMost(LONGEST_STEPS);
        play.step(STEPS, most.compareTo(SHORTEST_STEPS) < 0 ? SHORTEST_STEPS : most, steps);
        stepped.observer().map(ExecutionObserver::exceptions).ifPresent(exceptions::addAll);
    }

    private Duration atMost(Duration longest) {
        Duration half = timeout.dividedBy(2);
        return TimeFactor.stretch(half.compareTo(longest) < 0 ? half : longest);
    }

    private void sample() {
        probeRun.sample(SAMPLES, SAMPLE_NANOS, atMost(LONGEST_SAMPLES), samples);
    }

    /**
     * Only between two instructions, with no interrupt on its way to it, are registers and memory all there is of a
     * guest.
     */
    private void stepCopy() {
        probeRun.settle(atMost(LONGEST_SAMPLES));
        if (probeRun.ended().isPresent()) {
            return;
        }
        try (EmulatedMachine copy = EmulatorEngine.instance().createMachine(memory.size(), 1)) {
            memory.copyTo(copy.memory());
            EmulatedVirtualCpu twin = copy.vcpu(0);
            twin.setState(cpu.state());
            twin.clock().advance(cpu.clock().time());
            step(twin, new ProbeRun(twin, copy.memory(), board));
        }
    }
}
