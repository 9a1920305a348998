package dev.kvmguest.vmm.internal.emulator.exec;

import java.util.IdentityHashMap;
import java.util.Map;

/** Copies what was delivered, and where it arose, each once: they refer to each other. */
final class DeliveredCopies {

    private final Map<Object, Object> copies = new IdentityHashMap<>();

    /** Returns the copy; null of null. */
    Delivered of(Delivered original) {
        if (original == null || copies.containsKey(original)) {
            return (Delivered) copies.get(original);
        }
        Delivered copy = original.alone();
        copies.put(original, copy);
        copy.outer = of(original.outer);
        copy.place = of(original.place);
        copy.awaited = of(original.awaited);
        return copy;
    }

    /** Returns the copy; null of null. */
    ExceptionPlace of(ExceptionPlace original) {
        if (original == null || copies.containsKey(original)) {
            return (ExceptionPlace) copies.get(original);
        }
        ExceptionPlace copy = original.alone();
        copies.put(original, copy);
        copy.first = of(original.first);
        copy.newest = of(original.newest);
        copy.rowBegan = of(original.rowBegan);
        return copy;
    }
}
