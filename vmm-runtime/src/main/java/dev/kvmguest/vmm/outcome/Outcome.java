package dev.kvmguest.vmm.outcome;

import dev.kvmguest.vmm.diagnosis.Fault;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** How a guest ended (an {@link Ending}), and everything known of its run. */
public sealed interface Outcome {

    /** The kinds of outcome, as POMs and reports name them. */
    enum Kind {
        /** HLT with interrupts off. */
        HALTED,
        /** A value written to the debug-exit port. */
        DEBUG_EXIT,
        /** The hypercall port's exit call. */
        HYPERCALL_EXIT,
        /** Shutdown after a triple fault. */
        TRIPLE_FAULT,
        /** An exception in real mode, or an interrupt, for which the guest has no handler. */
        UNHANDLED_EXCEPTION,
        /** A reset by a device. */
        RESET,
        /** Still running at the time limit. */
        TIMED_OUT,
        /** An instruction that the engine can't execute, or a service of firmware. */
        UNSUPPORTED,
        /** A failure of the engine. */
        ENGINE_ERROR,
        /** Stopped by the user. */
        STOPPED;

        /** Returns whether the guest died of an exception, so that there may be a {@link Fault}. */
        public boolean isDeathByException() {
            return this == TRIPLE_FAULT || this == UNHANDLED_EXCEPTION;
        }

        /** Returns the name in reports, such as {@code triple-fault}. */
        public String id() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }

        /**
         * Returns the kind of this {@link #id()}.
         *
         * @throws IllegalArgumentException if there is no such kind; the message lists the names
         */
        public static Kind parse(String text) {
            for (Kind kind : values()) {
                if (kind.id().equals(text.trim().toLowerCase(Locale.ROOT).replace('_', '-'))) {
                    return kind;
                }
            }
            throw new IllegalArgumentException("outcome \"" + text + "\" is unknown; use one of "
                    + Arrays.stream(values()).map(Kind::id).collect(Collectors.joining(", ")));
        }
    }

    /** Returns the end as it was raised: by a device, the vCPU, the time limit or the user. */
    Ending ending();

    /** Returns what is known of the run. */
    GuestRun run();

    /** Returns which of the cases this is. */
    default Kind kind() {
        return ending().kind();
    }

    /** Returns how the guest ended, to follow its name in a sentence, such as {@code triple-faulted}. */
    default String describe() {
        return ending().describe();
    }

    /** Returns the status that the guest reported, if this outcome has one. */
    default OptionalInt exitCode() {
        return ending().exitCode();
    }

    /**
     * Returns whether the guest ended normally: it halted with interrupts off, or left by the debug-exit or hypercall
     * port. Everything else is a death, a hang or no verdict.
     */
    default boolean endedNormally() {
        return ending().isNormal();
    }

    /**
     * Returns why this normal end looks like a panic: the guest halted in a function called panic, abort, fatal, die or
     * the like, in one that such a function called, or in the handler of an exception; or a line of its console says
     * so, such as {@code Kernel panic - not syncing} or {@code PANIC: out of memory}.
     *
     * @return a sentence without a full stop; empty for other ends, and for halts that look like an end in order
     */
    default Optional<String> panic() {
        return Panics.of(this);
    }

    /**
     * Returns what is odd about this end, or about what led there, and is no failure by itself: {@link #panic}, and the
     * warnings of the diagnosis. The memory layout has its own, since they hold before the guest runs.
     *
     * @return sentences without a full stop; not changeable
     */
    default List<String> warnings() {
        return Stream.concat(panic().stream(), run().diagnosis().warnings().stream())
                .toList();
    }

    /** Returns the console output as text. */
    default String console() {
        return run().console();
    }

    /**
     * Returns why the guest shut down, or which exception it has no handler for. If KVM gave up and the emulator, which
     * replayed the run, shut down, this is what the emulator found. Empty if the guest ended otherwise, or if the
     * reason isn't known.
     */
    default Optional<Fault> fault() {
        return run().fault();
    }

    /** Returns what the screen showed at the end. */
    default Screen screen() {
        return run().screen();
    }

    /** HLT; see {@link Ending.Halted}. */
    record Halted(Ending.Halted ending, GuestRun run) implements Outcome {
        public Halted(boolean interruptsEnabled, GuestRun run) {
            this(new Ending.Halted(interruptsEnabled), run);
        }

        /** Returns whether EFLAGS.IF was set, so that the guest hung. */
        public boolean interruptsEnabled() {
            return ending.interruptsEnabled();
        }
    }

    /** The guest wrote to the debug-exit port; see {@link Ending.DebugExit}. */
    record DebugExit(Ending.DebugExit ending, GuestRun run) implements Outcome {
        public DebugExit(int value, GuestRun run) {
            this(new Ending.DebugExit(value), run);
        }

        /** Returns the value written. */
        public int value() {
            return ending.value();
        }
    }

    /** The guest made the exit call of the hypercall port; see {@link Ending.HypercallExit}. */
    record HypercallExit(Ending.HypercallExit ending, GuestRun run) implements Outcome {
        public HypercallExit(GuestRun run) {
            this(new Ending.HypercallExit(), run);
        }
    }

    /** The guest shut down; see {@link Ending.TripleFault}. */
    record TripleFault(Ending.TripleFault ending, GuestRun run) implements Outcome {
        public TripleFault(GuestRun run) {
            this(new Ending.TripleFault(), run);
        }
    }

    /** The guest has no handler; see {@link Ending.UnhandledException}. */
    record UnhandledException(Ending.UnhandledException ending, GuestRun run) implements Outcome {
        public UnhandledException(String event, GuestRun run) {
            this(new Ending.UnhandledException(event), run);
        }

        /** Returns what it is, such as {@code #UD} or {@code INT 80h}. */
        public String event() {
            return ending.event();
        }
    }

    /** A device reset the machine; see {@link Ending.Reset}. */
    record Reset(Ending.Reset ending, GuestRun run) implements Outcome {
        public Reset(String cause, GuestRun run) {
            this(new Ending.Reset(cause), run);
        }

        /** Returns which device and why, in words. */
        public String cause() {
            return ending.cause();
        }
    }

    /** The guest still ran at its time limit, or can be proved to never end; see {@link Ending.TimedOut}. */
    record TimedOut(Ending.TimedOut ending, GuestRun run) implements Outcome {
        public TimedOut(Duration timeout, GuestRun run) {
            this(new Ending.TimedOut(timeout), run);
        }

        /** Returns the limit. */
        public Duration timeout() {
            return ending.timeout();
        }

        /** Returns the guest time after which it was proved to never end; empty if the limit was reached. */
        public Optional<Duration> provedAfter() {
            return ending.provedAfter();
        }
    }

    /**
     * The guest needs what isn't there; see {@link Ending.Unsupported}. {@link #fault} tells whether a processor
     * would have faulted.
     */
    record Unsupported(Ending.Unsupported ending, GuestRun run) implements Outcome {
        public Unsupported(String reason, byte[] bytes, GuestRun run) {
            this(new Ending.Unsupported(reason, bytes), run);
        }

        /** Returns what the engine said. */
        public String reason() {
            return ending.reason();
        }

        /** Returns the instruction's bytes, as far as they are known. */
        public byte[] bytes() {
            return ending.bytes();
        }

        /** Returns whether it is this host's KVM that lacks what the guest needs, and not the guest that went wrong. */
        public boolean isOfHost() {
            return ending.ofHost();
        }
    }

    /** The engine failed; see {@link Ending.EngineError}. */
    record EngineError(Ending.EngineError ending, GuestRun run) implements Outcome {
        public EngineError(String reason, GuestRun run) {
            this(new Ending.EngineError(reason), run);
        }

        /** Returns what it said. */
        public String reason() {
            return ending.reason();
        }
    }

    /** The user stopped or closed the machine while the guest ran; see {@link Ending.Stopped}. */
    record Stopped(Ending.Stopped ending, GuestRun run) implements Outcome {
        public Stopped(GuestRun run) {
            this(new Ending.Stopped(), run);
        }
    }
}
