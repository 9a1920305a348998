package dev.kvmguest.vmm.internal.device;

import dev.kvmguest.vmm.keyboard.Key;
import java.util.List;

/**
 * Keys that are pressed one after the other, held, and released in the opposite order.
 *
 * @param keys at least one
 */
public record Keystroke(List<Key> keys) {

    /**
     * Creates a keystroke.
     *
     * @throws IllegalArgumentException if there is no key
     */
    public Keystroke {
        keys = List.copyOf(keys);
        if (keys.isEmpty()) {
            throw new IllegalArgumentException("a keystroke needs at least one key");
        }
    }

    /** Returns the keystroke of these keys. */
    public static Keystroke of(Key... keys) {
        return new Keystroke(List.of(keys));
    }
}
