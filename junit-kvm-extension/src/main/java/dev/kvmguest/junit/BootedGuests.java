package dev.kvmguest.junit;

import dev.kvmguest.vmm.config.MachineConfig;
import java.util.List;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * The guests that have been booted for several tests; each is booted by the first test that needs it, while others
 * wait.
 */
final class BootedGuests {

    private static final ExtensionContext.Namespace NAMESPACE = ExtensionContext.Namespace.create(BootedGuests.class);

    private final ExtensionContext.Store store;

    BootedGuests(ExtensionContext context) {
        store = context.getRoot().getStore(NAMESPACE);
    }

    /** What tests must have in common to share a guest. */
    private record Key(GuestSettings settings, ClassLoader loader, List<BootStep> steps) {}

    /**
     * Returns a guest that has gone all the steps of a test.
     *
     * @param annotations the annotations of the test
     * @param config its machine
     */
    BootedGuest booted(GuestAnnotations annotations, MachineConfig config) {
        return booted(annotations, config, annotations.steps());
    }

    private BootedGuest booted(GuestAnnotations annotations, MachineConfig config, List<BootStep> steps) {
        Key key = new Key(annotations.settings().ofBoot(), annotations.loader(), steps);
        return store.getOrComputeIfAbsent(key, absent -> make(annotations, config, steps), BootedGuest.class);
    }

    private BootedGuest make(GuestAnnotations annotations, MachineConfig config, List<BootStep> steps) {
        BootStep last = steps.get(steps.size() - 1);
        return steps.size() == 1
                ? BootedGuest.boot(config.withVcpu(config.vcpus().get(0).withInput(last.input())), last.milestone())
                : booted(annotations, config, steps.subList(0, steps.size() - 1))
                        .goOn(config.timeout(), last);
    }
}
