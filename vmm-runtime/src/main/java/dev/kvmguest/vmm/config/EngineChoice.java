package dev.kvmguest.vmm.config;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/** What executes a guest. */
public enum EngineChoice {
    /**
     * KVM if this host's KVM can run the guest's boot mode in full and at a processor's speed, else the emulator;
     * {@value #PROPERTY} overrides it.
     */
    AUTO,
    /** The host kernel's KVM, through /dev/kvm. */
    KVM,
    /** An x86 CPU written in Java, which runs anywhere. */
    EMULATOR,
    /** An installed QEMU: a third opinion, and hardware that isn't modelled here. Never chosen by {@link #AUTO}. */
    QEMU;

    /** The system property that chooses the engine if {@link #AUTO} is asked for. */
    public static final String PROPERTY = "kvmguest.engine";

    /** Returns the name used in POMs, on command lines and in reports. */
    public String id() {
        return name().toLowerCase(Locale.ROOT);
    }

    /**
     * Returns the engine of this name, in upper or lower case.
     *
     * @throws IllegalArgumentException if there is no such engine; the message lists the names
     */
    public static EngineChoice parse(String text) {
        for (EngineChoice choice : values()) {
            if (choice.id().equals(text.trim().toLowerCase(Locale.ROOT))) {
                return choice;
            }
        }
        throw new IllegalArgumentException("engine \"" + text + "\" is unknown; use one of "
                + Arrays.stream(values()).map(EngineChoice::id).collect(Collectors.joining(", ")));
    }

    @Override
    public String toString() {
        return id();
    }
}
