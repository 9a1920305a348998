package dev.kvmguest.junit;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * The attributes that an annotation sets, or several combined; empty if not set.
 *
 * @param ids the guests' ids; empty if there are images
 * @param images the guests' files; empty if there are ids
 * @param vcpus 0 if not set
 */
record GuestSettings(
        List<String> ids,
        List<String> images,
        Optional<BootMode> boot,
        Optional<String> load,
        Optional<String> entry,
        Optional<String> commandLine,
        List<String> modules,
        Optional<String> memory,
        List<String> input,
        Optional<String> timeout,
        Optional<String> date,
        Optional<EngineChoice> engine,
        List<String> qemuArguments,
        int vcpus,
        Optional<Boolean> watchExceptions,
        Optional<Boolean> strictPorts) {

    static final GuestSettings NONE = new GuestSettings(
            List.of(),
            List.of(),
            Optional.empty(),
            Optional.empty(),
            Optional.empty(),
            Optional.empty(),
            List.of(),
            Optional.empty(),
            List.of(),
            Optional.empty(),
            Optional.empty(),
            Optional.empty(),
            List.of(),
            0,
            Optional.empty(),
            Optional.empty());

    GuestSettings {
        if (!ids.isEmpty() && !images.isEmpty()) {
            throw new IllegalArgumentException(
                    "id = " + ids + " and image = " + images + " both name the guest; keep one of them");
        }
        if (vcpus < 0) {
            throw new IllegalArgumentException("vcpus = " + vcpus + " must be at least 1");
        }
    }

    /**
     * Reads an annotation.
     *
     * @throws IllegalArgumentException if attributes contradict each other
     */
    static GuestSettings of(KvmGuest annotation) {
        List<String> value = List.of(annotation.value());
        List<String> id = List.of(annotation.id());
        if (!value.isEmpty() && !id.isEmpty()) {
            throw new IllegalArgumentException(
                    "value = " + value + " and id = " + id + " mean the same; keep one of them");
        }
        return new GuestSettings(
                value.isEmpty() ? id : value,
                List.of(annotation.image()),
                single("boot", annotation.boot()),
                text(annotation.load()),
                text(annotation.entry()),
                single("commandLine", annotation.commandLine()),
                List.of(annotation.modules()),
                text(annotation.memory()),
                List.of(annotation.input()),
                text(annotation.timeout()),
                text(annotation.date()),
                single("engine", annotation.engine()),
                List.of(annotation.qemuArguments()),
                annotation.vcpus(),
                single("watchExceptions", boxed(annotation.watchExceptions())),
                single("strictPorts", boxed(annotation.strictPorts())));
    }

    /**
     * Reads what a {@link GuestTest} says of its guest.
     *
     * @throws IllegalArgumentException if attributes contradict each other
     */
    static GuestSettings of(GuestTest annotation) {
        return new GuestSettings(
                List.of(annotation.id()),
                List.of(annotation.image()),
                single("boot", annotation.boot()),
                text(annotation.load()),
                text(annotation.entry()),
                single("commandLine", annotation.commandLine()),
                List.of(annotation.modules()),
                text(annotation.memory()),
                List.of(annotation.input()),
                text(annotation.timeout()),
                text(annotation.date()),
                single("engine", annotation.engine()),
                List.of(annotation.qemuArguments()),
                annotation.vcpus(),
                single("watchExceptions", boxed(annotation.watchExceptions())),
                single("strictPorts", boxed(annotation.strictPorts())));
    }

    /** Returns these settings with those of an inner annotation over them. */
    GuestSettings overriddenBy(GuestSettings inner) {
        // Where and how an image is entered, and what it is told, belongs to that image.
        boolean otherGuest = inner.namesGuest();
        return new GuestSettings(
                otherGuest ? inner.ids : ids,
                otherGuest ? inner.images : images,
                otherGuest ? inner.boot : inner.boot.or(() -> boot),
                otherGuest ? inner.load : inner.load.or(() -> load),
                otherGuest ? inner.entry : inner.entry.or(() -> entry),
                otherGuest ? inner.commandLine : inner.commandLine.or(() -> commandLine),
                otherGuest || !inner.modules.isEmpty() ? inner.modules : modules,
                inner.memory.or(() -> memory),
                inner.input.isEmpty() ? input : inner.input,
                inner.timeout.or(() -> timeout),
                inner.date.or(() -> date),
                inner.engine.or(() -> engine),
                inner.qemuArguments.isEmpty() ? qemuArguments : inner.qemuArguments,
                inner.vcpus == 0 ? vcpus : inner.vcpus,
                inner.watchExceptions.or(() -> watchExceptions),
                inner.strictPorts.or(() -> strictPorts));
    }

    /** Returns those by which its boot is decided: without input and time limit, which a test may have of its own. */
    GuestSettings ofBoot() {
        return new GuestSettings(
                ids,
                images,
                boot,
                load,
                entry,
                commandLine,
                modules,
                memory,
                List.of(),
                Optional.empty(),
                date,
                engine,
                qemuArguments,
                vcpus,
                watchExceptions,
                Optional.empty());
    }

    boolean namesGuest() {
        return !ids.isEmpty() || !images.isEmpty();
    }

    /**
     * Returns the value of an attribute that is an array only so that it can be left out.
     *
     * @throws IllegalArgumentException if there are several
     */
    static <T> Optional<T> single(String attribute, T[] values) {
        if (values.length > 1) {
            throw new IllegalArgumentException(attribute + " = " + List.of(values) + " must be one value");
        }
        return values.length == 0 ? Optional.empty() : Optional.of(values[0]);
    }

    private static Optional<String> text(String value) {
        return value.isEmpty() ? Optional.empty() : Optional.of(value);
    }

    private static Boolean[] boxed(boolean[] values) {
        return IntStream.range(0, values.length).mapToObj(i -> values[i]).toArray(Boolean[]::new);
    }
}
