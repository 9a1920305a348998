package dev.kvmguest.vmm.outcome;

import dev.kvmguest.vmm.diagnosis.Fault;
import java.time.Duration;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Collectors;

/** How a guest ended, with all that is known of its run. */
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
        /** A reset by a device. */
        RESET,
        /** Still running at the time limit. */
        TIMED_OUT,
        /** An instruction that the engine can't execute. */
        UNSUPPORTED,
        /** A failure of the engine. */
        ENGINE_ERROR,
        /** Ended by its user before it ended by itself. */
        STOPPED;

        /** Returns the name in reports, such as {@code triple-fault}. */
        public String id() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }

        /**
         * Returns the kind of this {@link #id()}.
         *
         * @throws IllegalArgumentException if there is none; the message lists the names
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

    /** Returns which of the cases this is. */
    Kind kind();

    /** Returns what is known of the run. */
    GuestRun run();

    /** Returns what the guest did at its end, to follow its name in a sentence, such as {@code triple-faulted}. */
    String describe();

    /** Returns the status that the guest reported, if this outcome has one. */
    default OptionalInt exitCode() {
        return OptionalInt.empty();
    }

    /**
     * Returns whether the guest came to an end by itself and in order: it halted with interrupts off or left by the
     * debug-exit or hypercall port. Everything else is a death, a hang or no verdict.
     */
    default boolean endedNormally() {
        return false;
    }

    /** Returns the console output as text. */
    default String console() {
        return run().console();
    }

    /**
     * Returns why the guest shut down, or why it would have where KVM gave up and the emulator, which replayed it, shut down;
     * empty if it didn't, or if it isn't known.
     */
    default Optional<Fault> fault() {
        return run().fault();
    }

    /** Returns what the screen showed at the end. */
    default Screen screen() {
        return run().screen();
    }

    /**
     * HLT.
     *
     * @param interruptsEnabled whether EFLAGS.IF was set, so that the guest was waiting for an interrupt that nothing in
     *     this machine could raise; that is a hang
     */
    record Halted(boolean interruptsEnabled, GuestRun run) implements Outcome {
        @Override
        public Kind kind() {
            return Kind.HALTED;
        }

        @Override
        public String describe() {
            return interruptsEnabled
                    ? "halted with interrupts on, and no device can raise one"
                    : "halted with interrupts off";
        }

        @Override
        public boolean endedNormally() {
            return !interruptsEnabled;
        }
    }

    /**
     * The guest wrote to the debug-exit port 0xF4.
     *
     * @param value the value written; QEMU's isa-debug-exit would end with status {@code value << 1 | 1}
     */
    record DebugExit(int value, GuestRun run) implements Outcome {
        @Override
        public Kind kind() {
            return Kind.DEBUG_EXIT;
        }

        @Override
        public String describe() {
            return "left by the debug-exit port with " + value;
        }

        @Override
        public OptionalInt exitCode() {
            return OptionalInt.of(value);
        }

        @Override
        public boolean endedNormally() {
            return true;
        }
    }

    /** The guest made the exit call of the hypercall port 0x500. */
    record HypercallExit(GuestRun run) implements Outcome {
        @Override
        public Kind kind() {
            return Kind.HYPERCALL_EXIT;
        }

        @Override
        public String describe() {
            return "left by the hypercall port";
        }

        @Override
        public OptionalInt exitCode() {
            return OptionalInt.of(0);
        }

        @Override
        public boolean endedNormally() {
            return true;
        }
    }

    /** The guest shut down: an exception, a fault in delivering it, and a fault in delivering the double fault. */
    record TripleFault(GuestRun run) implements Outcome {
        @Override
        public Kind kind() {
            return Kind.TRIPLE_FAULT;
        }

        @Override
        public String describe() {
            return "triple-faulted";
        }
    }

    /**
     * A device reset the machine.
     *
     * @param cause which device and why, in words
     */
    record Reset(String cause, GuestRun run) implements Outcome {
        @Override
        public Kind kind() {
            return Kind.RESET;
        }

        @Override
        public String describe() {
            return "was reset: " + cause;
        }
    }

    /**
     * The guest still ran at its time limit.
     *
     * @param timeout the limit
     */
    record TimedOut(Duration timeout, GuestRun run) implements Outcome {
        @Override
        public Kind kind() {
            return Kind.TIMED_OUT;
        }

        @Override
        public String describe() {
            return "was still running at its time limit of " + timeout.toMillis() + " ms";
        }
    }

    /**
     * The engine can't execute an instruction. That is the engine's fault, or, on KVM, that of a guest which has left the code
     * and tables that there are; {@link #fault} tells if so.
     *
     * @param reason what the engine said
     * @param bytes the instruction's bytes as far as they are known
     */
    record Unsupported(String reason, byte[] bytes, GuestRun run) implements Outcome {
        @Override
        public Kind kind() {
            return Kind.UNSUPPORTED;
        }

        @Override
        public String describe() {
            return "met an instruction that the engine does not support"
                    + (bytes.length == 0
                            ? ""
                            : ", " + HexFormat.ofDelimiter(" ").formatHex(bytes)) + ": " + reason;
        }
    }

    /**
     * The engine failed.
     *
     * @param reason what it said
     */
    record EngineError(String reason, GuestRun run) implements Outcome {
        @Override
        public Kind kind() {
            return Kind.ENGINE_ERROR;
        }

        @Override
        public String describe() {
            return "was ended by a failure of the engine: " + reason;
        }
    }

    /** The user stopped or closed the machine while the guest ran; there is no verdict. */
    record Stopped(GuestRun run) implements Outcome {
        @Override
        public Kind kind() {
            return Kind.STOPPED;
        }

        @Override
        public String describe() {
            return "was stopped while it was running";
        }
    }
}
