package dev.kvmguest.vmm.bench;

/** A run that shows that the benchmarks work, in seconds; its figures mean nothing. */
final class ShortRun {

    private static final boolean WANTED = Boolean.getBoolean("kvmguest.bench.short");

    private ShortRun() {}

    /** Returns how often to do something. */
    static int or(int ifShort, int ifWhole) {
        return WANTED ? ifShort : ifWhole;
    }
}
