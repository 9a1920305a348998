package dev.kvmguest.vmm.bisect;

import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.outcome.Outcome;
import java.util.function.Consumer;
import java.util.function.Function;

/** Boots images alike, counts the boots, and finds out if one image gives two results. */
final class Boots {

    private static final String DETERMINISTIC = "emulator";

    private final MachineConfig machine;
    private final Function<MachineConfig, Outcome> booter;
    private final int most;
    private final Consumer<BisectionProgress> listener;

    private Criterion criterion;
    private int boots;
    private String phase = "";
    private int left;

    /**
     * @param machine what each image is booted in
     * @param most how many boots there may be
     */
    Boots(
            MachineConfig machine,
            Function<MachineConfig, Outcome> booter,
            int most,
            Consumer<BisectionProgress> listener) {
        this.machine = machine;
        this.booter = booter;
        this.most = most;
        this.listener = listener;
    }

    /** Returns what an image is booted in. */
    MachineConfig machine(GuestImage image) {
        return machine.withVcpu(machine.vcpus().get(0).withImage(image));
    }

    Outcome boot(GuestImage image) {
        return boot(machine(image));
    }

    Outcome boot(MachineConfig config) {
        if (boots == most) {
            throw new BisectionException("there was no answer after " + most + " boots, with " + left + " of " + phase
                    + " left; allow more boots, or give the images more symbols");
        }
        boots++;
        Outcome outcome = booter.apply(config);
        listener.accept(new BisectionProgress(phase, boots, left));
        return outcome;
    }

    int count() {
        return boots;
    }

    /** Sets what tells good from bad. */
    void judgeBy(Criterion by) {
        criterion = by;
    }

    /** Tells the listener what is done. */
    void phase(String name, int parts) {
        phase = name;
        left = parts;
        listener.accept(new BisectionProgress(name, boots, parts));
    }

    /**
     * Boots an image and returns whether it is bad.
     *
     * @param what the image in words, for a complaint that it is flaky
     * @throws BisectionException if it is bad once and good once
     */
    boolean isBad(GuestImage image, String what) {
        Outcome first = boot(image);
        boolean bad = criterion.isBad(first);
        if (!first.run().engine().equals(DETERMINISTIC)) {
            requireSame(first, boot(image), what);
        }
        return bad;
    }

    /**
     * Boots an image twice, whatever the engine: a result that everything rests on.
     *
     * @throws BisectionException if it is bad once and good once
     */
    Outcome twice(GuestImage image, String what) {
        Outcome first = boot(image);
        requireSame(first, boot(image), what);
        return first;
    }

    /**
     * Makes sure that two runs of one image give one result.
     *
     * @throws BisectionException if they don't
     */
    void requireSame(Outcome first, Outcome second, String what) {
        if (criterion.isBad(first) != criterion.isBad(second)) {
            throw new BisectionException("the result is flaky: " + what + " was booted twice; once it "
                    + first.describe() + ", and once it " + second.describe() + ", so that \"bad is a guest that "
                    + criterion.words() + "\" is true of one run only; choose a predicate that depends on nothing"
                    + " that changes, or run it on the emulator, which does the same each time");
        }
    }
}
