package dev.kvmguest.vmm.bisect;

import dev.kvmguest.vmm.Machine;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.DetectedBoot;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.image.Multiboot2Header;
import dev.kvmguest.vmm.image.MultibootHeader;
import dev.kvmguest.vmm.internal.bisect.ByteExchange;
import dev.kvmguest.vmm.outcome.Expectation;
import dev.kvmguest.vmm.outcome.Outcome;
import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;

/**
 * Finds the part of a bad image that makes it bad, by delta debugging: it boots the good image with more and fewer
 * parts of the bad one, until no part can be left out.
 *
 * <pre>{@code
 * BisectionResult result = ImageBisection.of(GuestImage.read(Path.of("good.elf")), GuestImage.read(Path.of("bad.elf")))
 *         .run();
 * System.out.print(BisectionReport.text(result));
 * }</pre>
 *
 * <p>Images that are laid out alike exchange bytes. Others exchange functions: copies of the bad image's go where the
 * good one's memory is free. A function of which it isn't certain that a copy does the same is not exchanged, and
 * named.
 */
public final class ImageBisection {

    /** How many boots there may be unless {@link #maxBoots} says otherwise. */
    public static final int DEFAULT_MAX_BOOTS = 5000;

    /** How long each boot may take unless the machine says: a guest with parts of two builds may well hang. */
    public static final Duration DEFAULT_TIMEOUT = Duration.ofSeconds(2);

    private final MachineConfig good;
    private final MachineConfig bad;
    private Optional<Criterion> criterion = Optional.empty();
    private Consumer<BisectionProgress> listener = progress -> {};
    private int maxBoots = DEFAULT_MAX_BOOTS;
    private Function<MachineConfig, Outcome> booter = ImageBisection::boot;

    private ImageBisection(MachineConfig good, MachineConfig bad) {
        this.good = good;
        this.bad = bad;
    }

    /**
     * Prepares the bisection of two images that are booted as they say themselves, on the emulator, with the default
     * time limit.
     *
     * @throws IllegalArgumentException as {@link #of(MachineConfig, MachineConfig)} does
     */
    public static ImageBisection of(GuestImage good, GuestImage bad) {
        return of(machine(good), machine(bad));
    }

    private static MachineConfig machine(GuestImage image) {
        return MachineConfig.builder()
                .vcpu(VcpuConfig.of(image).withBoot(DetectedBoot.of(image).boot()))
                .engine(EngineChoice.EMULATOR)
                .timeout(DEFAULT_TIMEOUT)
                .build();
    }

    /**
     * Prepares the bisection of the images of two machines. The good one's machine boots what is between the two.
     *
     * @throws IllegalArgumentException if one has several vCPUs, the boot modes differ or are {@link BootMode#LIMINE},
     *     or the images are the same
     */
    public static ImageBisection of(MachineConfig good, MachineConfig bad) {
        if (good.vcpus().size() > 1 || bad.vcpus().size() > 1) {
            throw new IllegalArgumentException("a bisection boots machines with one vCPU, and one of these has "
                    + Math.max(good.vcpus().size(), bad.vcpus().size()));
        }
        VcpuConfig one = good.vcpus().get(0);
        VcpuConfig other = bad.vcpus().get(0);
        if (one.boot() != other.boot()) {
            throw new IllegalArgumentException("the good image " + one.image().name() + " is booted in boot mode "
                    + one.boot() + ", and the bad image " + other.image().name() + " in " + other.boot()
                    + "; name one boot mode for both");
        }
        requireOwnSegments(one);
        requireOwnSegments(other);
        return new ImageBisection(good, bad);
    }

    /** A loader that takes the file as its header says would not load what is exchanged in segments. */
    private static void requireOwnSegments(VcpuConfig guest) {
        GuestImage image = guest.image();
        if (guest.boot() == BootMode.LIMINE) {
            throw new IllegalArgumentException("image " + image.name() + " is booted in boot mode limine, whose loader"
                    + " takes the file and not the parts that a bisection exchanges; bisect kernels of another boot"
                    + " mode");
        }
        if (guest.boot() == BootMode.LINUX) {
            throw new IllegalArgumentException(
                    "image " + image.name() + " is a Linux kernel, which unpacks itself: of its"
                            + " compressed bytes none can be exchanged alone; bisect its sources by git bisect");
        }
        if (!image.format().isElf()) {
            return;
        }
        if (guest.boot() == BootMode.MULTIBOOT
                && MultibootHeader.find(image.name(), image.file()).addresses().isPresent()) {
            throw new IllegalArgumentException("image " + image.name() + " is an ELF file whose Multiboot header gives"
                    + " load addresses of its own (bit 16 of its flags); leave them out, or bisect flat binaries");
        }
        if (guest.boot() == BootMode.MULTIBOOT2
                && Multiboot2Header.find(image.name(), image.file()).addresses().isPresent()) {
            throw new IllegalArgumentException("image " + image.name() + " is an ELF file whose Multiboot 2 header"
                    + " gives load addresses of its own (an address tag); leave them out, or bisect flat binaries");
        }
    }

    /**
     * Sets what tells good from bad, in place of the bad image's kind of end, exit code and exception: what one of the
     * two images meets and the other doesn't.
     */
    public ImageBisection expecting(Expectation expectation) {
        return by("is as expected", outcome -> expectation.compare(outcome).isEmpty());
    }

    /**
     * Sets what tells good from bad likewise.
     *
     * @param words what it says of a guest, to follow "a guest that" in a sentence
     * @param predicate what is true of the runs of one image and not of those of the other; it is asked for each boot
     */
    public ImageBisection by(String words, Predicate<Outcome> predicate) {
        criterion = Optional.of(new Criterion(words, predicate));
        return this;
    }

    /** Sets who is told how far it is: when a phase starts, whenever fewer parts are left, and after each boot. */
    public ImageBisection listener(Consumer<BisectionProgress> progress) {
        listener = progress;
        return this;
    }

    /**
     * Sets how many boots there may be.
     *
     * @throws IllegalArgumentException if it is fewer than 4, which the two images alone take
     */
    public ImageBisection maxBoots(int boots) {
        if (boots < 4) {
            throw new IllegalArgumentException("max boots " + boots
                    + " is too few: the good and the bad image alone are booted twice each; use 100 or more");
        }
        maxBoots = boots;
        return this;
    }

    /** Sets what boots machines, for tests. */
    ImageBisection bootedBy(Function<MachineConfig, Outcome> substitute) {
        booter = substitute;
        return this;
    }

    private static Outcome boot(MachineConfig config) {
        try (Machine machine = Machine.create(config)) {
            return machine.run();
        }
    }

    /**
     * Boots until the answer is found.
     *
     * @throws IllegalArgumentException if the images are the same, give the same result, or can't be loaded
     * @throws BisectionException if the result is flaky, nothing can be exchanged, or there were too many boots
     * @throws dev.kvmguest.vmm.config.VmmException if the host can't boot them
     */
    public BisectionResult run() {
        long start = System.nanoTime();
        GuestImage goodImage = good.vcpus().get(0).image();
        GuestImage badImage = bad.vcpus().get(0).image();
        requireDifferent(goodImage, badImage);
        Boots boots = new Boots(good, booter, maxBoots, listener);
        boots.phase("the two images", 2);
        Ends ends = ends(boots);
        boots.judgeBy(ends.criterion());
        boots.requireSame(ends.good(), boots.boot(good), "the good image " + goodImage.name());
        boots.requireSame(ends.bad(), boots.boot(bad), "the bad image " + badImage.name());
        Optional<String> moved = ByteExchange.layoutDifference(goodImage, badImage);
        return moved.isEmpty()
                ? new ByteBisection(goodImage, badImage, boots, ends).run(start)
                : new FunctionBisection(goodImage, badImage, boots, ends, moved.get()).run(start);
    }

    /** How the two images ended, and what tells one from the other. */
    record Ends(Outcome good, Outcome bad, Criterion criterion) {}

    private Ends ends(Boots boots) {
        Outcome goodEnd = boots.boot(good);
        Outcome badEnd = boots.boot(bad);
        Criterion chosen = criterion.orElseGet(() -> Criterion.endsLike(badEnd));
        if (chosen.isBad(goodEnd) != chosen.isBad(badEnd)) {
            return new Ends(goodEnd, badEnd, chosen.isBad(badEnd) ? chosen : chosen.inverted());
        }
        String both = "the good image " + goodEnd.run().guest() + " " + Criterion.describe(goodEnd)
                + ", and the bad image " + badEnd.run().guest() + " " + Criterion.describe(badEnd);
        throw new IllegalArgumentException(
                criterion.isEmpty()
                        ? both + ": they can't be told apart by their ends; name what only one of them does, such as"
                                + " a text on the console"
                        : both + ": \"a guest that " + chosen.words() + "\" is true of "
                                + (chosen.isBad(goodEnd) ? "both" : "neither")
                                + "; it must be true of one of them only");
    }

    private static void requireDifferent(GuestImage one, GuestImage other) {
        boolean same =
                one.segments().size() == other.segments().size() && one.entry().equals(other.entry());
        for (int i = 0; same && i < one.segments().size(); i++) {
            GuestImage.Segment a = one.segments().get(i);
            GuestImage.Segment b = other.segments().get(i);
            same = a.physicalAddress() == b.physicalAddress()
                    && a.virtualAddress() == b.virtualAddress()
                    && a.memorySize() == b.memorySize()
                    && Arrays.equals(a.data(), b.data());
        }
        if (same) {
            throw new IllegalArgumentException("the good image " + one.name() + " and the bad image " + other.name()
                    + " are the same, byte by byte, in all that is loaded; name two builds that differ");
        }
    }
}
