package dev.kvmguest.vmm.cpu;

import java.util.Locale;

/** A register that holds a selector and a cached descriptor. */
public enum SegmentRegister {
    CS,
    DS,
    ES,
    FS,
    GS,
    SS,
    /** The task register. */
    TR,
    /** The local descriptor table register. */
    LDTR;

    /** Returns the name in lower case. */
    public String lowerCaseName() {
        return name().toLowerCase(Locale.ROOT);
    }
}
