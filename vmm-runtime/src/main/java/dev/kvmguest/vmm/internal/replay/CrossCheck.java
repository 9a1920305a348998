package dev.kvmguest.vmm.internal.replay;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.config.TimeFactor;
import dev.kvmguest.vmm.diagnosis.GuestInstruction;
import dev.kvmguest.vmm.internal.emulator.EmulatorEngine;
import dev.kvmguest.vmm.internal.emulator.decode.CodeReader;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.engine.CarriedState;
import dev.kvmguest.vmm.internal.engine.Engine;
import dev.kvmguest.vmm.internal.engine.ExecutionPoint;
import dev.kvmguest.vmm.internal.engine.GuestClock;
import dev.kvmguest.vmm.internal.engine.VcpuState;
import dev.kvmguest.vmm.internal.engine.VirtualCpu;
import dev.kvmguest.vmm.internal.engine.VirtualMachine;
import dev.kvmguest.vmm.internal.engine.VmExit;
import dev.kvmguest.vmm.internal.x86.CpuMode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Has the engine on which a guest died do its last instructions once more, step by step, and compares each with what
 * the emulator did.
 */
final class CrossCheck {

    private static final int INSTRUCTIONS = 32;
    /** A repeated instruction is a step for each repetition. */
    private static final int MOST_STEPS = 4000;

    private static final Duration LIMIT = Duration.ofSeconds(1);

    /** What is larger takes too long to copy. */
    private static final long LARGEST_MEMORY = 256 << 20;

    /** KVM's stepping shows in what these do, or goes on only when a handler has returned. */
    private static final Set<Mnemonic> SHOW_STEPPING = EnumSet.of(
            Mnemonic.PUSHF,
            Mnemonic.PUSHFD,
            Mnemonic.PUSHFQ,
            Mnemonic.POPF,
            Mnemonic.POPFD,
            Mnemonic.POPFQ,
            Mnemonic.IRET,
            Mnemonic.IRETD,
            Mnemonic.IRETQ,
            Mnemonic.SYSCALL,
            Mnemonic.SYSRET,
            Mnemonic.SYSENTER,
            Mnemonic.SYSEXIT,
            Mnemonic.INT,
            Mnemonic.INT1,
            Mnemonic.INT3,
            Mnemonic.INTO);

    /** What these read is each engine's own. */
    private static final Set<Mnemonic> DIFFER = EnumSet.of(
            Mnemonic.RDTSC, Mnemonic.RDTSCP, Mnemonic.RDPMC, Mnemonic.RDRAND, Mnemonic.CPUID, Mnemonic.RDMSR);

    private final VcpuState start;
    private final List<GuestInstruction> instructions = new ArrayList<>();
    private final List<ExecutionPoint> points = new ArrayList<>();
    private boolean steppable = true;

    /**
     * What came of it.
     *
     * @param instructions how many instructions it was, the one included with which the guest died
     * @param stepped whether each was compared, or only that the guest shut down
     * @param difference where the engine did something else, to follow its name in a sentence
     * @param at the instruction there, without names
     */
    record Finding(int instructions, boolean stepped, Optional<String> difference, Optional<GuestInstruction> at) {}

    private CrossCheck(VcpuState start) {
        this.start = start;
    }

    /**
     * Confirms a death.
     *
     * @param quietFrom the number of instructions after the guest's last event
     * @param end the number of instructions with which it died
     * @return empty where nothing can be said
     */
    static Optional<Finding> of(
            Recording recording, Origin origin, Duration limit, Engine engine, long quietFrom, long end) {
        long from = Math.max(quietFrom, end - INSTRUCTIONS + 1);
        // What registers and memory don't have, a stale TLB entry, may be what the guest dies of.
        return onceMore(recording, origin, limit, engine, from)
                .filter(finding -> finding.difference().isEmpty()
                        || onceMore(recording, origin, limit, EmulatorEngine.instance(), from)
                                .filter(own -> own.difference().isEmpty())
                                .isPresent());
    }

    private static Optional<Finding> onceMore(
            Recording recording, Origin origin, Duration limit, Engine engine, long from) {
        try (Replay replay = Replay.of(recording, origin, limit)) {
            if (!replay.runTo(from)
                    || replay.instructions() != from
                    || replay.memory().usedBytes() > LARGEST_MEMORY) {
                return Optional.empty();
            }
            try (VirtualMachine machine = engine.createMachine(origin.memorySize(), 1)) {
                replay.memory().copyTo(machine.memory());
                CrossCheck crossCheck = new CrossCheck(replay.cpu().save());
                crossCheck.goTo(replay);
                return crossCheck.on(machine.vcpu(0));
            }
        }
    }

    /** Goes to the death with the emulator. */
    private void goTo(Replay replay) {
        boolean goesOn = true;
        while (goesOn && points.size() <= INSTRUCTIONS) {
            long retired = replay.instructions();
            GuestInstruction next = replay.cpu().nextInstruction();
            CodeReader.decode(next, CpuMode.of(replay.cpu().state())).ifPresent(decoded -> take(decoded.mnemonic));
            instructions.add(next);
            goesOn = replay.step();
            if (goesOn) {
                // A handler's entry is a step here that retires nothing, and none for KVM.
                steppable &= replay.instructions() == retired + 1;
                points.add(ExecutionPoint.of(replay.cpu()));
            }
        }
        steppable &= !goesOn;
    }

    private void take(Mnemonic mnemonic) {
        steppable &= !SHOW_STEPPING.contains(mnemonic) && !DIFFER.contains(mnemonic);
    }

    private Optional<Finding> on(VirtualCpu cpu) {
        cpu.restore(CarriedState.of(start, cpu.save()));
        cpu.debug().setSingleStep(steppable);
        GuestClock clock = cpu.clock();
        clock.setAlarm(clock.time() + TimeFactor.stretch(LIMIT).toNanos());
        return compare(cpu);
    }

    private Optional<Finding> compare(VirtualCpu cpu) {
        int done = 0;
        for (int step = 0; step < MOST_STEPS; step++) {
            VmExit exit = cpu.run();
            if (exit instanceof VmExit.SingleStep) {
                ExecutionPoint here = ExecutionPoint.of(cpu);
                int same = firstFrom(done, here);
                if (same < 0 && here.eip() != instructions.get(done).eip()) {
                    return found(difference(done, here), done);
                }
                done = same < 0 ? done : same + 1;
            } else if (exit instanceof VmExit.Shutdown) {
                return steppable && done < points.size()
                        ? found("shut down at " + at(done) + ", and the emulator went on", done)
                        : Optional.of(new Finding(instructions.size(), steppable, Optional.empty(), Optional.empty()));
            } else if (exit instanceof VmExit.Interrupted
                    || exit instanceof VmExit.UnsupportedInstruction
                    || exit instanceof VmExit.Failure) {
                // Its time is over, which on a busy host says nothing of the guest, or the engine can't go on.
                return Optional.empty();
            } else {
                return found("went on from " + at(done) + ", and the emulator shut down", done);
            }
        }
        return Optional.empty();
    }

    private Optional<Finding> found(String difference, int index) {
        return Optional.of(new Finding(
                instructions.size(), steppable, Optional.of(difference), Optional.of(instructions.get(index))));
    }

    /** Some steps are two instructions: a load of SS holds off the trap after it. */
    private int firstFrom(int index, ExecutionPoint here) {
        for (int i = index; i < points.size(); i++) {
            if (points.get(i).hasRegistersOf(here)) {
                return i;
            }
        }
        return -1;
    }

    private String difference(int index, ExecutionPoint here) {
        if (index == points.size()) {
            return "went on from " + at(index) + " to " + hex(here.eip()) + ", and the emulator shut down";
        }
        return "has " + here.difference(points.get(index)) + " after " + at(index);
    }

    private String at(int index) {
        GuestInstruction instruction = instructions.get(index);
        return instruction.text() + " at " + hex(instruction.eip());
    }
}
