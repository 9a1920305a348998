package dev.kvmguest.vmm.cpu;

import java.util.List;
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

    private static final List<SegmentRegister> BY_NUMBER = List.of(ES, CS, SS, DS, FS, GS);

    /** Returns ES to GS in the order of the numbers that instructions have for them (Intel SDM volume 2, 2.1.5). */
    public static List<SegmentRegister> byNumber() {
        return BY_NUMBER;
    }

    /** Returns the name in lower case. */
    public String lowerCaseName() {
        return name().toLowerCase(Locale.ROOT);
    }
}
