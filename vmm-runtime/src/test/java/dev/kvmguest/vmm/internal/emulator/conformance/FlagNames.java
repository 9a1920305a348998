package dev.kvmguest.vmm.internal.emulator.conformance;

import dev.kvmguest.vmm.internal.x86.Flag;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;

/** The status flags by name. */
final class FlagNames {

    private static final Map<String, Integer> MASKS = new LinkedHashMap<>();

    static {
        MASKS.put("CF", Flag.CF);
        MASKS.put("PF", Flag.PF);
        MASKS.put("AF", Flag.AF);
        MASKS.put("ZF", Flag.ZF);
        MASKS.put("SF", Flag.SF);
        MASKS.put("TF", Flag.TF);
        MASKS.put("IF", Flag.IF);
        MASKS.put("DF", Flag.DF);
        MASKS.put("OF", Flag.OF);
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
