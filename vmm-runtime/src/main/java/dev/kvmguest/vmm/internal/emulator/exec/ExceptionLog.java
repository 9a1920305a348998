package dev.kvmguest.vmm.internal.emulator.exec;

import dev.kvmguest.vmm.diagnosis.HandledException;
import java.util.ArrayList;
import java.util.List;

/** The first exceptions that a guest took, for whoever watches them. */
final class ExceptionLog {

    /** More than a test would list, and little memory for a guest that takes one after the other. */
    static final int MOST = 1000;

    private final List<HandledException> taken = new ArrayList<>();

    /** Takes note of exceptions that were taken before, at most {@link #MOST}. */
    void addAll(List<HandledException> before) {
        taken.addAll(before);
    }

    /** Takes note of an exception. */
    void add(Delivered exception) {
        if (taken.size() < MOST) {
            taken.add(new HandledException(exception.event(), exception.instruction()));
        }
    }

    /** Returns the exceptions in their order. */
    List<HandledException> taken() {
        return List.copyOf(taken);
    }
}
