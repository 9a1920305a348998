package dev.kvmguest.vmm.internal.emulator.differential;

/** From which seed random programs are made, and how many: always the same, unless system properties say otherwise. */
final class Seeds {

    private static final String SEED = "kvmguest.differential.seed";
    private static final String COUNT = "kvmguest.differential.count";

    private Seeds() {}

    static long seed() {
        return Long.getLong(SEED, 80286);
    }

    /** Returns how many programs of mixed instructions to run in each mode. */
    static int count() {
        return Integer.getInteger(COUNT, 2000);
    }

    /** Says how to run the same programs again. */
    static String text() {
        return "-D" + SEED + "=" + seed() + " -D" + COUNT + "=" + count();
    }
}
