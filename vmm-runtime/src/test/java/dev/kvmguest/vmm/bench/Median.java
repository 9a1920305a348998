package dev.kvmguest.vmm.bench;

import java.util.Collection;

/** The median: on a shared machine single figures are too high, and a mean is, too. */
final class Median {

    private Median() {}

    /** Returns the median of numbers; NaN if there are none. */
    static double of(Collection<? extends Number> values) {
        double[] sorted =
                values.stream().mapToDouble(Number::doubleValue).sorted().toArray();
        return sorted.length == 0 ? Double.NaN : sorted[sorted.length / 2];
    }
}
