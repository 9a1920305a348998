package dev.kvmguest.vmm.outcome;

import dev.kvmguest.vmm.outcome.Outcome.Kind;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * How a run ends. A device, the vCPU, the time limit or the user raises an ending, and an {@link Outcome} holds it
 * together with what is known of the run.
 */
public sealed interface Ending {

    /** Returns which of the cases this is. */
    Kind kind();

    /** Returns how the guest ended, to follow its name in a sentence, such as {@code triple-faulted}. */
    String describe();

    /** Returns the outcome of a run with this end. */
    Outcome of(GuestRun run);

    /** Returns the status that the guest reported, if this end has one. */
    default OptionalInt exitCode() {
        return OptionalInt.empty();
    }

    /** Returns whether the guest ended normally, as {@link Outcome#endedNormally} defines it. */
    default boolean isNormal() {
        return false;
    }

    /**
     * HLT.
     *
     * @param interruptsEnabled whether EFLAGS.IF was set; then the guest was waiting for an interrupt that nothing in
     *     this machine could raise, which is a hang
     */
    record Halted(boolean interruptsEnabled) implements Ending {
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
        public Outcome of(GuestRun run) {
            return new Outcome.Halted(this, run);
        }

        @Override
        public boolean isNormal() {
            return !interruptsEnabled;
        }
    }

    /**
     * The guest wrote to the debug-exit port 0xF4.
     *
     * @param value the value written; QEMU's isa-debug-exit would end with status {@code value << 1 | 1}
     */
    record DebugExit(int value) implements Ending {
        @Override
        public Kind kind() {
            return Kind.DEBUG_EXIT;
        }

        @Override
        public String describe() {
            return "left by the debug-exit port with " + value;
        }

        @Override
        public Outcome of(GuestRun run) {
            return new Outcome.DebugExit(this, run);
        }

        @Override
        public OptionalInt exitCode() {
            return OptionalInt.of(value);
        }

        @Override
        public boolean isNormal() {
            return true;
        }
    }

    /** The guest made the exit call of the hypercall port 0x500. */
    record HypercallExit() implements Ending {
        @Override
        public Kind kind() {
            return Kind.HYPERCALL_EXIT;
        }

        @Override
        public String describe() {
            return "left by the hypercall port";
        }

        @Override
        public Outcome of(GuestRun run) {
            return new Outcome.HypercallExit(this, run);
        }

        @Override
        public OptionalInt exitCode() {
            return OptionalInt.of(0);
        }

        @Override
        public boolean isNormal() {
            return true;
        }
    }

    /** The guest shut down: an exception, a fault in delivering it, and a fault in delivering the double fault. */
    record TripleFault() implements Ending {
        @Override
        public Kind kind() {
            return Kind.TRIPLE_FAULT;
        }

        @Override
        public String describe() {
            return "triple-faulted";
        }

        @Override
        public Outcome of(GuestRun run) {
            return new Outcome.TripleFault(this, run);
        }
    }

    /**
     * An exception in real mode, or an interrupt, for which the guest has no handler: its entry in the interrupt vector
     * table is the firmware's default.
     *
     * @param event what it is, such as {@code #UD} or {@code INT 80h}
     */
    record UnhandledException(String event) implements Ending {
        @Override
        public Kind kind() {
            return Kind.UNHANDLED_EXCEPTION;
        }

        @Override
        public String describe() {
            return "died of " + event + " without a handler";
        }

        @Override
        public Outcome of(GuestRun run) {
            return new Outcome.UnhandledException(this, run);
        }
    }

    /**
     * A device reset the machine.
     *
     * @param cause which device and why, in words
     */
    record Reset(String cause) implements Ending {
        @Override
        public Kind kind() {
            return Kind.RESET;
        }

        @Override
        public String describe() {
            return "was reset: " + cause;
        }

        @Override
        public Outcome of(GuestRun run) {
            return new Outcome.Reset(this, run);
        }
    }

    /**
     * The guest still ran at its time limit, or can be proved to never end by itself: its whole state has come round
     * again, and nothing in its machine can change that. The run of such a guest ends without waiting for the limit.
     * On KVM there is no such proof, nor for a guest for which somebody may type while it runs.
     *
     * @param timeout the limit
     * @param provedAfter the guest time after which that was proved; empty if the limit was reached
     */
    record TimedOut(Duration timeout, Optional<Duration> provedAfter) implements Ending {

        /** Creates the end of a guest that still ran at its time limit. */
        public TimedOut(Duration timeout) {
            this(timeout, Optional.empty());
        }

        @Override
        public Kind kind() {
            return Kind.TIMED_OUT;
        }

        @Override
        public String describe() {
            return provedAfter
                    .map(time -> "can never end, proved after " + time.toMillis() + " ms of guest time")
                    .orElseGet(() -> "was still running at its time limit of " + timeout.toMillis() + " ms");
        }

        @Override
        public Outcome of(GuestRun run) {
            return new Outcome.TimedOut(this, run);
        }
    }

    /**
     * The guest needs what isn't there: an instruction that the engine lacks or, on KVM, one for which the guest has
     * left its code and tables; or a service of firmware.
     *
     * @param what what the guest did, to follow its name in a sentence
     * @param reason what is missing
     * @param bytes the instruction's bytes, as far as they are known
     * @param ofHost whether this host's KVM lacks it, and a processor doesn't: the guest has done nothing wrong
     */
    record Unsupported(String what, String reason, byte[] bytes, boolean ofHost) implements Ending {

        /** Creates the end of a guest that another host would not run either. */
        public Unsupported(String what, String reason, byte[] bytes) {
            this(what, reason, bytes, false);
        }

        /** Creates the end of a guest whose engine can't execute an instruction. */
        public Unsupported(String reason, byte[] bytes) {
            this("met an instruction that the engine does not support", reason, bytes);
        }

        @Override
        public Kind kind() {
            return Kind.UNSUPPORTED;
        }

        @Override
        public String describe() {
            return what
                    + (bytes.length == 0
                            ? ""
                            : ", " + HexFormat.ofDelimiter(" ").formatHex(bytes)) + ": " + reason;
        }

        @Override
        public Outcome of(GuestRun run) {
            return new Outcome.Unsupported(this, run);
        }
    }

    /**
     * The engine failed.
     *
     * @param reason what it said
     */
    record EngineError(String reason) implements Ending {
        @Override
        public Kind kind() {
            return Kind.ENGINE_ERROR;
        }

        @Override
        public String describe() {
            return "was ended by a failure of the engine: " + reason;
        }

        @Override
        public Outcome of(GuestRun run) {
            return new Outcome.EngineError(this, run);
        }
    }

    /** The user stopped or closed the machine while the guest ran; there is no verdict. */
    record Stopped() implements Ending {
        @Override
        public Kind kind() {
            return Kind.STOPPED;
        }

        @Override
        public String describe() {
            return "was stopped while it was running";
        }

        @Override
        public Outcome of(GuestRun run) {
            return new Outcome.Stopped(this, run);
        }
    }
}
