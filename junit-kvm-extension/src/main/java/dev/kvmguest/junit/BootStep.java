package dev.kvmguest.junit;

import dev.kvmguest.vmm.config.Milestone;
import java.util.ArrayList;
import java.util.List;

/**
 * A part of the way to where tests go on from.
 *
 * @param input what is typed for the guest at its start
 * @param milestone where it ends
 */
record BootStep(String input, Milestone milestone) {

    /**
     * Reads an annotation.
     *
     * @throws IllegalArgumentException if it doesn't name one moment
     */
    static BootStep of(BootedUntil annotation) {
        List<Milestone> named = new ArrayList<>();
        if (!annotation.value().isEmpty()) {
            named.add(Milestone.console(annotation.value()));
        }
        if (!annotation.screen().isEmpty()) {
            named.add(Milestone.screen(annotation.screen()));
        }
        if (!annotation.symbol().isEmpty()) {
            named.add(Milestone.symbol(annotation.symbol()));
        }
        for (int port : annotation.port()) {
            named.add(Milestone.port(port));
        }
        if (named.size() != 1) {
            throw new IllegalArgumentException("@BootedUntil names " + named.size()
                    + " moments; give it one: a text on the console, screen = a text on the screen, symbol ="
                    + " a symbol of its image, or port = one that the guest writes to");
        }
        return new BootStep(annotation.input(), named.get(0));
    }
}
