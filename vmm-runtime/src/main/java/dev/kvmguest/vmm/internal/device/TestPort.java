package dev.kvmguest.vmm.internal.device;

import dev.kvmguest.vmm.image.GuestTestCase;
import dev.kvmguest.vmm.internal.bus.ByteDevice;
import dev.kvmguest.vmm.internal.bus.ByteLog;
import dev.kvmguest.vmm.internal.bus.Persistent;
import dev.kvmguest.vmm.outcome.GuestTestResult;
import dev.kvmguest.vmm.outcome.GuestTestResult.Failure;
import dev.kvmguest.vmm.outcome.GuestTestResult.Status;
import dev.kvmguest.vmm.text.Notation;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Asks a guest for one of its tests and takes its report: three 8-bit registers, of which the first is
 * {@link #ASKED} for the guest and takes the report's bytes, and the others are the test's number, the low byte first.
 * Without a test to ask for it is inert: it reads all ones, as no device does, and drops what is written.
 *
 * <p>The protocol is that of {@code kvmguest.h}. What the guest sends may be anything: texts are kept up to 4 KiB each,
 * the first verdict counts, and what is no report is a failure that says so.
 */
public final class TestPort implements ByteDevice, Persistent<TestPort.State> {

    /** The number of ports. */
    public static final int PORTS = 3;

    /** What the first register reads if a test is asked for. */
    public static final int ASKED = 'K';

    private static final int OPEN_BUS = 0xff;
    private static final int TEXT_LIMIT = 4096;

    private GuestTestCase test;
    private Status status = Status.NOT_STARTED;
    private Failure failure;
    private int report;
    private final List<String> texts = new ArrayList<>();
    private ByteLog text = new ByteLog(TEXT_LIMIT);

    /** Asks for a test from now on. */
    public void ask(GuestTestCase wanted) {
        test = wanted;
    }

    /** Returns what the guest reported so far; empty if no test was asked for. */
    public Optional<GuestTestResult> result() {
        return Optional.ofNullable(test)
                .map(wanted -> new GuestTestResult(wanted, status, Optional.ofNullable(failure)));
    }

    @Override
    public int readByte(int offset) {
        if (test == null) {
            return OPEN_BUS;
        }
        return switch (offset) {
            case 0 -> ASKED;
            case 1 -> test.number() & 0xff;
            default -> test.number() >> 8;
        };
    }

    @Override
    public void writeByte(int offset, int value) {
        boolean hasVerdict = status == Status.PASSED || status == Status.FAILED;
        if (test == null || offset != 0 || hasVerdict) {
            return;
        }
        if (report == 0) {
            begin(value);
        } else if (value != 0) {
            text.append(value);
        } else {
            texts.add(textSoFar());
            text = new ByteLog(TEXT_LIMIT);
            if (texts.size() == (report == 'F' ? 3 : 1)) {
                end();
            }
        }
    }

    private void begin(int letter) {
        if (letter == 'P' && status == Status.UNFINISHED) {
            status = Status.PASSED;
        } else if (letter == 'F' || letter == 'S' && status == Status.NOT_STARTED) {
            report = letter;
        } else {
            fail("the guest sent the byte " + Notation.hex(letter) + " to the test port where a report "
                    + (status == Status.NOT_STARTED ? "of the test's start" : "of its verdict") + " must begin");
        }
    }

    private void end() {
        if (report == 'F') {
            status = Status.FAILED;
            failure = new Failure(texts.get(0), line(texts.get(1)), texts.get(2));
        } else if (texts.get(0).equals(test.name())) {
            status = Status.UNFINISHED;
        } else {
            fail("the guest started the test " + texts.get(0) + ", not " + test.name()
                    + "; was the image built from the same ELF file?");
        }
        texts.clear();
        report = 0;
    }

    private void fail(String message) {
        status = Status.FAILED;
        failure = new Failure("", 0, message);
    }

    private String textSoFar() {
        // What a guest wrote must not move the cursor of whoever reads it.
        String kept = new String(text.toByteArray(), StandardCharsets.UTF_8).replaceAll("[\\p{Cntrl}\\x80-\\x9f]", " ");
        return text.dropped() == 0 ? kept : kept + "...";
    }

    private static int line(String digits) {
        return digits.matches("[0-9]{1,9}") ? Integer.parseInt(digits) : 0;
    }

    @Override
    public State save() {
        return new State(
                Optional.ofNullable(test),
                status,
                Optional.ofNullable(failure),
                report,
                List.copyOf(texts),
                text.save());
    }

    @Override
    public void restore(State state) {
        test = state.test.orElse(null);
        status = state.status;
        failure = state.failure.orElse(null);
        report = state.report;
        texts.clear();
        texts.addAll(state.texts);
        text.restore(state.text);
    }

    /** State of the port: the test that is asked for, and its report as far as it has come. */
    public record State(
            Optional<GuestTestCase> test,
            Status status,
            Optional<Failure> failure,
            int report,
            List<String> texts,
            ByteLog.State text) {}
}
