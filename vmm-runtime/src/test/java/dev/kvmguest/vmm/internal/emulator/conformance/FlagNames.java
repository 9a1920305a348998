package dev.kvmguest.vmm.internal.emulator.conformance;

import dev.kvmguest.vmm.internal.emulator.core.Eflags;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;

/** The status flags by name. */
final class FlagNames {

    private static final Map<String, Integer> MASKS = new LinkedHashMap<>();

    static {
        MASKS.put("CF", Eflags.CF);
        MASKS.put("PF", Eflags.PF);
        MASKS.put("AF", Eflags.AF);
        MASKS.put("ZF", Eflags.ZF);
        MASKS.put("SF", Eflags.SF);
        MASKS.put("TF", Eflags.TF);
        MASKS.put("IF", Eflags.IF);
        MASKS.put("DF", Eflags.DF);
        MASKS.put("OF", Eflags.OF);
    }

    private FlagNames() {}

    /** Returns the bits of flags whose names are separated by blanks. */
    static int masks(String names) {
        return Arrays.stream(names.split(" ")).mapToInt(MASKS::get).sum();
    }

    static String text(int flags) {
        return MASKS.entrySet().stream()
                .filter(entry -> (flags & entry.getValue()) != 0)
                .map(Map.Entry::getKey)
                .collect(Collectors.joining(" "));
    }
}
