package dev.kvmguest.vmm.internal.export;

import dev.kvmguest.vmm.internal.board.PcBoard;
import dev.kvmguest.vmm.internal.replay.ExchangeVisitor;
import dev.kvmguest.vmm.internal.replay.Recording;
import java.util.ArrayList;
import java.util.List;

/** What a program must answer and do in the machine's place, and when. */
final class Exchanges implements ExchangeVisitor {

    /**
     * What a port read as, several times in a row.
     *
     * @param width 1, 2 or 4 bytes
     * @param value the value, zero-extended
     */
    record Answer(int port, int width, long value, long times) {}

    /**
     * An interrupt.
     *
     * @param after the number of port accesses and HLTs before it
     * @param atOnce whether the guest executed nothing between the last of those and it
     */
    record Injection(long after, int vector, boolean atOnce) {}

    private final List<Answer> answers = new ArrayList<>();
    private final List<Injection> injections = new ArrayList<>();
    private long count;

    private Exchanges() {}

    /**
     * Returns those of a recording.
     *
     * @throws IllegalArgumentException if something is in it that a program can't repeat, or that isn't kept
     */
    static Exchanges of(Recording recording) {
        if (recording.isTooLong()) {
            throw refused("it exchanged more with its machine than is kept of a run; end it earlier, or give it less to"
                    + " do");
        }
        Exchanges exchanges = new Exchanges();
        recording.tell(exchanges);
        return exchanges;
    }

    @Override
    public void in(int port, int width, long value) {
        if (port == PcBoard.FPU_ERROR) {
            throw refused(
                    "its x87 unit reported an error by the pin FERR#, since CR0.NE is clear, or it read port 0xf0;"
                            + " KVM doesn't show that pin; set CR0.NE to have #MF instead");
        }
        count++;
        int last = answers.size() - 1;
        Answer before = last < 0 ? null : answers.get(last);
        if (before != null && before.port == port && before.width == width && before.value == value) {
            answers.set(last, new Answer(port, width, value, before.times + 1));
        } else {
            answers.add(new Answer(port, width, value, 1));
        }
    }

    @Override
    public void out() {
        count++;
    }

    @Override
    public void halt() {
        count++;
    }

    @Override
    public void interrupt(int vector, boolean atOnce) {
        injections.add(new Injection(count, vector, atOnce));
    }

    private static IllegalArgumentException refused(String why) {
        return new IllegalArgumentException("this run can't be exported as a C program: " + why);
    }

    /** Returns what the guest read, in order. */
    List<Answer> answers() {
        return answers;
    }

    /** Returns the interrupts that it was given, in order. */
    List<Injection> injections() {
        return injections;
    }

    /** Returns the number of port accesses and HLTs. */
    long count() {
        return count;
    }
}
