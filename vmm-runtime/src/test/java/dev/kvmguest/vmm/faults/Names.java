package dev.kvmguest.vmm.faults;

import java.util.HashMap;
import java.util.Map;

/**
 * What the fault tables call numbers: selectors, addresses, bits. An expression is names and numbers joined by {@code +}
 * or {@code -}; {@code idt14} is the error code that refers to that vector.
 */
final class Names {

    private static final Map<String, Long> BITS = Map.ofEntries(
            // CR0
            Map.entry("PE", 1L),
            Map.entry("MP", 2L),
            Map.entry("EM", 4L),
            Map.entry("TS", 8L),
            Map.entry("NE", 0x20L),
            Map.entry("WP", 0x1_0000L),
            Map.entry("AM", 0x4_0000L),
            Map.entry("NW", 0x2000_0000L),
            Map.entry("CD", 0x4000_0000L),
            Map.entry("PG", 0x8000_0000L),
            // CR4
            Map.entry("TSD", 4L),
            Map.entry("DE", 8L),
            Map.entry("PSE", 0x10L),
            Map.entry("PAE", 0x20L),
            Map.entry("PCE", 0x100L),
            Map.entry("OSFXSR", 0x200L),
            Map.entry("OSXMMEXCPT", 0x400L),
            Map.entry("UMIP", 0x800L),
            Map.entry("FSGSBASE", 0x1_0000L),
            Map.entry("PCIDE", 0x2_0000L),
            Map.entry("OSXSAVE", 0x4_0000L),
            Map.entry("SMEP", 0x10_0000L),
            Map.entry("SMAP", 0x20_0000L),
            // EFER
            Map.entry("SCE", 1L),
            Map.entry("LME", 0x100L),
            Map.entry("LMA", 0x400L),
            Map.entry("NXE", 0x800L),
            // Model-specific registers
            Map.entry("SYSENTER_CS", 0x174L),
            Map.entry("SYSENTER_ESP", 0x175L),
            Map.entry("SYSENTER_EIP", 0x176L),
            Map.entry("STAR", 0xc000_0081L),
            Map.entry("LSTAR", 0xc000_0082L),
            Map.entry("FMASK", 0xc000_0084L),
            Map.entry("KERNEL_GS_BASE", 0xc000_0102L),
            Map.entry("TSC_AUX", 0xc000_0103L),
            // EFLAGS
            Map.entry("CF", 1L),
            Map.entry("ZF", 0x40L),
            Map.entry("TF", 0x100L),
            Map.entry("IF", 0x200L),
            Map.entry("DF", 0x400L),
            Map.entry("OF", 0x800L),
            Map.entry("IOPL1", 0x1000L),
            Map.entry("IOPL2", 0x2000L),
            Map.entry("IOPL3", 0x3000L),
            Map.entry("NT", 0x4000L),
            Map.entry("RF", 0x1_0000L),
            Map.entry("AC", 0x4_0000L),
            // Error codes
            Map.entry("EXT", 1L),
            Map.entry("IDT", 2L),
            // Page faults
            Map.entry("P", 1L),
            Map.entry("W", 2L),
            Map.entry("U", 4L),
            Map.entry("RSVD", 8L),
            Map.entry("F", 0x10L));

    private final Map<String, Long> known = new HashMap<>(BITS);

    void put(String name, long value) {
        if (known.putIfAbsent(name, value) != null) {
            throw new IllegalArgumentException(name + " is defined twice");
        }
    }

    long evaluate(String expression) {
        Long alone = known.get(expression);
        if (alone != null) {
            return alone;
        }
        long sum = 0;
        for (String term : expression.split("(?=[+-])")) {
            sum += term.startsWith("-") ? -term(term.substring(1)) : term(term.replace("+", ""));
        }
        return sum;
    }

    /** Returns a number, which may have all of 64 bits in hexadecimal. */
    private static long number(String term) {
        return term.startsWith("0x") ? Long.parseUnsignedLong(term.substring(2), 16) : Long.decode(term);
    }

    private long term(String term) {
        if (term.matches("idt\\d+")) {
            return Long.parseLong(term.substring(3)) * 8 + 2;
        }
        Long value = known.get(term);
        return value != null ? value : number(term);
    }
}
