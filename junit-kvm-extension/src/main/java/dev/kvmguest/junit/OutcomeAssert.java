package dev.kvmguest.junit;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.diagnosis.Fault.Event;
import dev.kvmguest.vmm.diagnosis.GuestInstruction;
import dev.kvmguest.vmm.diagnosis.HandledException;
import dev.kvmguest.vmm.diagnosis.Standstill;
import dev.kvmguest.vmm.outcome.Expectation;
import dev.kvmguest.vmm.outcome.Mismatch;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.text.Notation;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.assertj.core.api.AbstractAssert;

/**
 * Assertions on how a guest ended and what it did. Every failure shows the run: outcome, registers, console.
 *
 * <pre>{@code
 * assertThat(outcome).tripleFaulted().hasRegister(Register.RAX, 0x1234).consoleContains("about to fault");
 * }</pre>
 *
 * <p>The assertions on how the guest ended, {@link #halted} to {@link #stopped}, also declare that the test expects
 * this end: if they pass, the end itself no longer fails the test.
 */
public class OutcomeAssert extends AbstractAssert<OutcomeAssert, Outcome> {

    private Softness softness = Softness.NONE;

    /** Starts assertions on how a guest ended. AssertJ needs this constructor for soft assertions. */
    public OutcomeAssert(Outcome actual) {
        super(actual, OutcomeAssert.class);
    }

    /** Makes the assertions that these lead to as soft as these are. */
    final OutcomeAssert with(Softness ofThese) {
        softness = ofThese;
        return this;
    }

    /** Verifies that the guest halted with interrupts off. */
    public OutcomeAssert halted() {
        return end(outcome -> is(outcome, Outcome.Kind.HALTED) && outcome.endedNormally(), "halt with interrupts off");
    }

    /** Verifies that the guest halted with interrupts on and no device can raise one: a hang. */
    public OutcomeAssert waitsForInterrupt() {
        return end(
                outcome -> is(outcome, Outcome.Kind.HALTED) && !outcome.endedNormally(),
                "halt with interrupts on and wait in vain");
    }

    /** Verifies that the guest wrote this value to the debug-exit port 0xF4. */
    public OutcomeAssert debugExited(int value) {
        return end(
                outcome -> is(outcome, Outcome.Kind.DEBUG_EXIT) && reported(outcome, value),
                "leave by the debug-exit port with " + value);
    }

    /** Verifies that the guest made the exit call of the hypercall port 0x500. */
    public OutcomeAssert hypercallExited() {
        return end(outcome -> is(outcome, Outcome.Kind.HYPERCALL_EXIT), "leave by the hypercall port");
    }

    /** Verifies that the guest reported this status, by any port. */
    public OutcomeAssert exitedWith(int code) {
        return end(outcome -> reported(outcome, code), "exit with code " + code);
    }

    /** Verifies that the guest halted with interrupts off or left by an exit port, with any status. */
    public OutcomeAssert endedNormally() {
        return end(Outcome::endedNormally, "end normally");
    }

    /**
     * Verifies that the guest halted with interrupts off or left by an exit port, with any status, and did not halt in
     * a panic, as {@link Outcome#panic} recognizes it by the names of functions and by exceptions whose handlers halt.
     */
    public OutcomeAssert endedNormallyWithoutPanic() {
        isNotNull();
        return actual.panic().isEmpty()
                ? end(Outcome::endedNormally, "end normally and without a panic")
                : end(
                        outcome -> false,
                        "end normally and without a panic",
                        actual.describe() + ": " + actual.panic().get());
    }

    /** Verifies that the guest triple-faulted. */
    public OutcomeAssert tripleFaulted() {
        return end(outcome -> is(outcome, Outcome.Kind.TRIPLE_FAULT), "triple-fault");
    }

    /**
     * Verifies that the guest raised an exception in real mode, or had an interrupt, for which it has no handler: its
     * vector was the firmware's default.
     */
    public OutcomeAssert hadNoHandler() {
        return end(outcome -> is(outcome, Outcome.Kind.UNHANDLED_EXCEPTION), "die of an exception without a handler");
    }

    /** Verifies that a device reset the machine. */
    public OutcomeAssert reset() {
        return end(outcome -> is(outcome, Outcome.Kind.RESET), "be reset");
    }

    /** Verifies that the guest still ran at its time limit, or was proved to never end. */
    public OutcomeAssert timedOut() {
        return end(outcome -> is(outcome, Outcome.Kind.TIMED_OUT), "still run at its time limit");
    }

    /**
     * Verifies that the guest still ran at its time limit, and that samples found it in this function, or at this
     * place, such as {@code wait_key+0x8}. Like {@link #timedOut}, it declares that the test expects this end.
     */
    public OutcomeAssert spinsIn(String symbol) {
        timedOut();
        List<GuestInstruction> found = actual.run()
                .diagnosis()
                .standstill()
                .map(standstill ->
                        standstill.samples().stream().map(Standstill.Sample::at).toList())
                .orElse(List.of());
        return isIn(symbol, found, "spin in ", "was found in ");
    }

    /**
     * Verifies that the guest halted, with interrupts off or on, in this function, or at this place, such as
     * {@code panic+0x4}. Like {@link #halted}, it declares that the test expects this end.
     */
    public OutcomeAssert haltedIn(String symbol) {
        end(outcome -> is(outcome, Outcome.Kind.HALTED), "halt");
        List<GuestInstruction> at = actual.run().diagnosis().standstill().map(Standstill::at).stream()
                .toList();
        return isIn(symbol, at, "halt in ", "halted in ");
    }

    private OutcomeAssert isIn(String symbol, List<GuestInstruction> found, String expected, String was) {
        List<String> places =
                found.stream().flatMap(at -> at.symbol().stream()).distinct().toList();
        String message = "expected the guest to " + expected + symbol + Symbols.ifUnknown(symbol, actual)
                + ", but it " + was
                + (places.isEmpty() ? "code without symbols" : String.join(", ", places));
        return check(
                places.stream().anyMatch(place -> FaultAssert.isIn(place, symbol))
                        ? Optional.empty()
                        : Optional.of(message));
    }

    /** Verifies that the guest met an instruction that the engine can't execute. */
    public OutcomeAssert unsupported() {
        return end(
                outcome -> is(outcome, Outcome.Kind.UNSUPPORTED),
                "meet an instruction that the engine does not support");
    }

    /** Verifies that the engine failed. */
    public OutcomeAssert engineFailed() {
        return end(outcome -> is(outcome, Outcome.Kind.ENGINE_ERROR), "be ended by a failure of the engine");
    }

    /** Verifies that the guest was stopped by the test while it ran. */
    public OutcomeAssert stopped() {
        return end(outcome -> is(outcome, Outcome.Kind.STOPPED), "be stopped while it was running");
    }

    /** Verifies that the console is exactly this text; CR LF and LF count as the same. */
    public OutcomeAssert hasConsole(String text) {
        isNotNull();
        return console(Consoles.literally(text), text, Consoles.notEqual(actual.console(), text));
    }

    /** Verifies that the console contains this text; CR LF and LF count as the same. */
    public OutcomeAssert consoleContains(String text) {
        isNotNull();
        return console(Consoles.literally(text), text, Consoles.notContaining(actual.console(), text));
    }

    /** Verifies that the console contains a match of this regular expression, with LF for every CR LF. */
    public OutcomeAssert consoleMatches(String regex) {
        isNotNull();
        Pattern pattern = Pattern.compile(regex);
        return console(pattern, regex, Consoles.notMatching(actual.console(), pattern));
    }

    /**
     * Verifies that the guest wrote exactly these bytes, 0 to 255 each, to a port. Without bytes it verifies that the
     * guest wrote nothing there. A wide value counts as its little-endian bytes.
     *
     * @throws IllegalArgumentException if the port is not from 0 to 0xffff, or a byte not from 0 to 255
     */
    public OutcomeAssert wrotePort(int port, int... octets) {
        isNotNull();
        byte[] expected = Octets.of(octets);
        byte[] written = actual.run().port(port);
        return check(
                Arrays.equals(written, expected)
                        ? Optional.empty()
                        : Optional.of("expected the guest to write " + Octets.text(expected) + " to port "
                                + Notation.hex(port) + ", but it wrote " + Octets.text(written)));
    }

    /** Verifies that the guest used only ports that have a device. */
    public OutcomeAssert hasNoUnclaimedPorts() {
        isNotNull();
        return check(Expectation.unclaimedPorts(actual).map(Mismatch::sentence));
    }

    /** Verifies that this engine, such as {@code kvm}, ran the guest. */
    public OutcomeAssert ranOn(String engine) {
        isNotNull();
        return check(
                actual.run().engine().equals(engine)
                        ? Optional.empty()
                        : Optional.of("expected the guest to run on " + engine + ", but it ran on "
                                + actual.run().engine() + " (" + actual.run().engineReason() + ")"));
    }

    /**
     * Verifies a register at the end: all of it for a guest in long mode, else the lower 32 bits, which are all that
     * the guest sees. The upper half of {@code value} is ignored then, so {@code 0x80001000} can be written as an
     * {@code int}.
     */
    public OutcomeAssert hasRegister(Register register, long value) {
        isNotNull();
        Optional<CpuState> state = actual.run().registers();
        boolean all = state.filter(CpuState::longMode).isPresent();
        long wanted = all ? value : lower(value);
        String expected = "expected " + (all ? register.name64() : register.name32()) + " to be " + Notation.hex(wanted)
                + ", but ";
        if (state.isEmpty()) {
            return check(Optional.of(expected + "the engine has lost the registers"));
        }
        long found = all ? state.get().get(register) : lower(state.get().get(register));
        return check(found == wanted ? Optional.empty() : Optional.of(expected + "it is " + Notation.hex(found)));
    }

    /**
     * Verifies which exceptions the guest took and survived, in order: their handlers were entered. They have the names
     * of the Intel SDM, such as {@code #PF}. Without names it verifies that the guest took no exception. INT3, INTO and
     * INT1 raise exceptions; INT n and the interrupts of devices don't. Only the first 1,000 are recorded.
     *
     * <pre>{@code
     * @KvmGuest(id = "kernel", watchExceptions = true)
     * void panicsAtTheNullPointer(Outcome outcome) {
     *     assertThat(outcome).halted().consoleContains("panic").tookExceptions("#PF");
     * }
     * }</pre>
     *
     * @throws IllegalArgumentException if no exception has such a name
     */
    public OutcomeAssert tookExceptions(String... exceptions) {
        List<String> expected = Arrays.stream(exceptions)
                .map(exception -> Event.name(Event.parseVector(exception)))
                .toList();
        isNotNull();
        String wanted = "expected the guest to take " + listed(expected) + ", but ";
        Optional<List<HandledException>> taken = actual.run().diagnosis().exceptions();
        if (taken.isEmpty()) {
            return check(
                    Optional.of(
                            wanted
                                    + actual.run()
                                            .diagnosis()
                                            .divergence()
                                            .map(reason -> "it is not known which: " + reason)
                                            .orElse(
                                                    "exceptions were not watched; set watchExceptions = true where the guest is declared")));
        }
        List<String> found =
                taken.get().stream().map(one -> one.exception().name()).toList();
        return check(found.equals(expected) ? Optional.empty() : Optional.of(wanted + "it took " + listed(found)));
    }

    private static String listed(List<String> exceptions) {
        return exceptions.isEmpty() ? "no exception" : String.join(", ", exceptions);
    }

    /** Starts assertions on what the screen showed at the end. */
    public final ScreenAssert screen() {
        isNotNull();
        return softness.screen(actual.screen()).as(descriptionText());
    }

    /**
     * Verifies that the guest triple-faulted, or died of an exception without a handler in real mode, and that the
     * reason is known, and starts assertions on the reason. Like {@link #tripleFaulted} and {@link #hadNoHandler}, it
     * declares that the test expects this end.
     */
    public final FaultAssert fault() {
        end(outcome -> outcome.kind().isDeathByException(), "triple-fault");
        if (actual.kind().isDeathByException() && actual.fault().isEmpty()) {
            softness.check(
                    () -> check(Optional.of("expected it to be known what led to the triple fault, but it isn't")));
        }
        return softness.fault(actual.fault().orElse(null), actual).as(descriptionText());
    }

    private OutcomeAssert end(Predicate<Outcome> expected, String words) {
        isNotNull();
        return end(expected, words, actual.describe());
    }

    private OutcomeAssert end(Predicate<Outcome> expected, String words, String end) {
        check(
                expected.test(actual)
                        ? Optional.empty()
                        : Optional.of("expected the guest to " + words + ", but it " + end));
        AssertedEnds.markAsserted(actual);
        return this;
    }

    private OutcomeAssert console(Pattern pattern, String expected, Optional<String> mismatch) {
        mismatch.ifPresent(text ->
                failWithActualExpectedAndMessage(actual.console(), expected, "%s", Failures.message(text, actual)));
        AssertedEnds.markConsole(actual, pattern);
        return this;
    }

    private OutcomeAssert check(Optional<String> mismatch) {
        mismatch.ifPresent(text -> failWithMessage("%s", Failures.message(text, actual)));
        return this;
    }

    private static boolean is(Outcome outcome, Outcome.Kind kind) {
        return outcome.kind() == kind;
    }

    private static boolean reported(Outcome outcome, int code) {
        return outcome.exitCode().isPresent() && outcome.exitCode().getAsInt() == code;
    }

    private static long lower(long value) {
        return value & 0xffff_ffffL;
    }
}
