package dev.kvmguest.vmm.internal.x86;

import java.util.Locale;

/**
 * What CPUID says of one leaf. Source: Intel SDM volume 2, CPUID; AMD APM volume 3, appendix E.
 *
 * @param function EAX before the instruction
 * @param index ECX before it; 0 if the leaf has no subleaves
 * @param indexed whether the leaf has subleaves
 */
public record CpuidLeaf(int function, int index, boolean indexed, int eax, int ebx, int ecx, int edx) {

    private static final int SERIAL_NUMBER = 3;
    private static final int CACHES = 4;
    private static final int CACHES_OF_AMD = 0x8000_001d;
    private static final int CACHE_TYPE = 0x1f;
    private static final int TOPOLOGY = 0xb;
    private static final int TOPOLOGY_V2 = 0x1f;
    private static final int TOPOLOGY_OF_AMD = 0x8000_0026;
    private static final int LEVEL_TYPE = 0xff00;

    /**
     * Returns the leaf with 0 in place of what tells one processor, or one of its cores, from others of its model: the
     * APIC IDs depend on where the instruction was executed, and a Pentium III has a serial number.
     */
    public CpuidLeaf withoutIdentity() {
        return switch (function) {
            case 1 -> with(eax, ebx & 0x00ff_ffff, ecx, edx);
            case SERIAL_NUMBER -> with(0, 0, 0, 0);
            case TOPOLOGY, TOPOLOGY_V2, TOPOLOGY_OF_AMD -> with(eax, ebx, ecx, 0);
            case 0x8000_001e -> with(0, ebx & ~0xff, ecx & ~0xff, edx);
            default -> this;
        };
    }

    private CpuidLeaf with(int newEax, int newEbx, int newEcx, int newEdx) {
        return new CpuidLeaf(function, index, indexed, newEax, newEbx, newEcx, newEdx);
    }

    /**
     * Returns whether the leaf says nothing: all registers are 0 as of one that the processor doesn't have, or it is
     * past the last cache or the last level of topology, where some registers are not 0.
     */
    public boolean isEmpty() {
        return switch (function) {
            case CACHES, CACHES_OF_AMD -> (eax & CACHE_TYPE) == 0;
            case TOPOLOGY, TOPOLOGY_V2, TOPOLOGY_OF_AMD -> (ecx & LEVEL_TYPE) == 0;
            default -> (eax | ebx | ecx | edx) == 0;
        };
    }

    /** Returns the leaf's name, such as {@code 0x1}, or {@code 0x7.0} with the subleaf. */
    public String name() {
        return "0x" + Integer.toHexString(function) + (indexed ? "." + index : "");
    }

    /** Returns EAX, EBX, ECX and EDX as eight hexadecimal digits each. */
    public String registers() {
        return String.format(Locale.ROOT, "%08x %08x %08x %08x", eax, ebx, ecx, edx);
    }
}
