package dev.kvmguest.maven;

import dev.kvmguest.vmm.bisect.BisectionException;
import dev.kvmguest.vmm.bisect.BisectionProgress;
import dev.kvmguest.vmm.bisect.BisectionReport;
import dev.kvmguest.vmm.bisect.BisectionResult;
import dev.kvmguest.vmm.bisect.ImageBisection;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.text.Reasons;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Consumer;
import org.apache.maven.plugin.AbstractMojo;
import org.apache.maven.plugin.MojoExecutionException;
import org.apache.maven.plugin.MojoFailureException;
import org.apache.maven.plugin.logging.Log;
import org.apache.maven.plugins.annotations.Mojo;
import org.apache.maven.plugins.annotations.Parameter;

/**
 * Finds what makes a bad image bad, by comparison with a good one: the fewest bytes or functions of the bad image with
 * which the good one is bad. No POM is needed. It boots the good image with more and fewer parts of the bad one, and
 * shows which instruction it is, its source line and the reason, as far as they are known.
 *
 * <p>What is bad is told by {@code kvm.outcome}, {@code kvm.exception}, {@code kvm.exitCode} and {@code kvm.console}:
 * what is true of one image and not of the other. Without them, it is the bad image's kind of end, with its exit code
 * and the exception that it died of.
 */
@Mojo(name = "bisect", requiresProject = false, threadSafe = true)
public class BisectMojo extends AbstractMojo {

    /** The image that works: a flat binary or an ELF file. Default: none; it has to be named. */
    @Parameter(property = "kvm.good")
    private File good;

    /** The image that does not work, of the same kind. Default: none; it has to be named. */
    @Parameter(property = "kvm.bad")
    private File bad;

    /**
     * The state at entry: {@code real}, {@code protected}, {@code paged}, {@code paged-4k}, {@code multiboot},
     * {@code pvh}, {@code linux} or {@code long}. Default: what the images ask for themselves, by a loader's header, 64
     * bits or an entry that real mode can't reach, else {@code real}.
     */
    @Parameter(property = "kvm.boot")
    private String boot;

    /**
     * The physical address of an image's first byte. Default: what the ELF files say; 0x7c00 for a boot sector in real
     * mode (512 bytes with 0x55 0xAA at their end), 0x100000 for another flat binary in {@code long}, else 0x1000.
     */
    @Parameter(property = "kvm.load")
    private String load;

    /**
     * Where both images start: a linear address or, in real mode, {@code SEG:OFF}. Default: what the ELF files say; the
     * first byte of a flat binary.
     */
    @Parameter(property = "kvm.entry")
    private String entry;

    /** Guest RAM, such as {@code 16M} or {@code 640K}. */
    @Parameter(property = "kvm.memory", defaultValue = "16M")
    private String memory;

    /** The kernel's command line; only for {@code multiboot}, {@code pvh} and {@code linux}. Default: nothing. */
    @Parameter(property = "kvm.commandLine")
    private String commandLine;

    /**
     * Files that are loaded beside the kernel, with commas between them; only for {@code multiboot}, {@code pvh} and
     * {@code linux}. Default: none.
     */
    @Parameter(property = "kvm.modules")
    private List<File> modules;

    /**
     * What runs the guests: {@code emulator}, which runs anywhere and does the same each time; {@code kvm};
     * {@code qemu}, an installed QEMU; or {@code auto}, which is KVM if this host's KVM can run the boot mode at a
     * processor's speed, else the emulator. On KVM and QEMU each result is taken twice.
     */
    @Parameter(property = "kvm.engine", defaultValue = "emulator")
    private String engine;

    /**
     * Further arguments for the engine {@code qemu}, with blanks between them, such as {@code -device edu}: hardware
     * that isn't modelled here, the same for each boot. Default: none.
     */
    @Parameter(property = "kvm.qemuArguments")
    private String qemuArguments;

    /**
     * The input typed before each guest starts. {@code \n}, {@code \r}, {@code \t}, {@code \e} (escape), {@code \\} and
     * {@code \x00} to {@code \x7f} are understood. Default: nothing.
     */
    @Parameter(property = "kvm.input")
    private String input;

    /** How long each boot may take, such as {@code 500ms} or {@code 5s}. Default: {@code 2s}. */
    @Parameter(property = "kvm.timeout")
    private String timeout;

    /**
     * What the guest's CMOS clock shows when it starts, such as {@code 2026-12-31} or {@code 2026-12-31T23:59:58}.
     * Default: {@code 2026-01-01}.
     */
    @Parameter(property = "kvm.date")
    private String date;

    /**
     * How a guest ends that tells good from bad: {@code halted}, {@code debug-exit}, {@code hypercall-exit},
     * {@code triple-fault}, {@code unhandled-exception}, {@code reset}, {@code timed-out} or {@code unsupported}.
     * Default: any.
     */
    @Parameter(property = "kvm.outcome")
    private String outcome;

    /** The exception that a guest dies of that tells good from bad, such as {@code #UD}. Default: any, and none. */
    @Parameter(property = "kvm.exception")
    private String exception;

    /** The exit code that tells good from bad. Default: any, and none. */
    @Parameter(property = "kvm.exitCode")
    private String exitCode;

    /** A text on the console that tells good from bad. Default: any. */
    @Parameter(property = "kvm.console")
    private String console;

    /** How many boots there may be, at least 4. */
    @Parameter(property = "kvm.maxBoots", defaultValue = "5000")
    private int maxBoots;

    /** A file for the result in JSON. Default: none. */
    @Parameter(property = "kvm.report")
    private File report;

    /** Skips the goal. */
    @Parameter(property = "kvm.skip", defaultValue = "false")
    private boolean skip;

    @Override
    public void execute() throws MojoExecutionException, MojoFailureException {
        if (skip) {
            getLog().info("Nothing is bisected: kvm.skip is set");
            return;
        }
        BootParameters parameters = BootParameters.read(text());
        Optional<BisectPredicate> predicate = BisectPredicate.read(outcome, exception, exitCode, console);
        OutputFile output = new OutputFile("kvm.report", report);
        VcpuConfig goodGuest = guest("kvm.good", good);
        VcpuConfig badGuest = guest("kvm.bad", bad);
        output.requireFree(inputs());
        output.removeOld();
        BisectionResult result = bisect(parameters, predicate, goodGuest, badGuest);
        String text = BisectionReport.text(result).stripTrailing();
        if (getLog().isInfoEnabled()) {
            getLog().info(text);
        } else {
            System.out.println(text);
        }
        Optional<String> problem =
                output.write(() -> BisectionReport.json(result).getBytes(StandardCharsets.UTF_8));
        if (problem.isPresent()) {
            throw new MojoExecutionException(problem.get());
        }
    }

    private BisectionResult bisect(
            BootParameters parameters, Optional<BisectPredicate> predicate, VcpuConfig goodGuest, VcpuConfig badGuest)
            throws MojoExecutionException, MojoFailureException {
        try {
            MachineConfig goodMachine =
                    parameters.machine(goodGuest, OptionalLong.empty(), ImageBisection.DEFAULT_TIMEOUT);
            MachineConfig badMachine =
                    parameters.machine(badGuest, OptionalLong.empty(), ImageBisection.DEFAULT_TIMEOUT);
            ImageBisection bisection = ImageBisection.of(goodMachine, badMachine)
                    .maxBoots(maxBoots)
                    .listener(new ProgressLog(getLog()));
            predicate.ifPresent(given -> given.applyTo(bisection));
            return bisection.run();
        } catch (IllegalArgumentException e) {
            throw new MojoExecutionException("kvm:bisect: " + e.getMessage(), e);
        } catch (BisectionException e) {
            throw new MojoFailureException("kvm:bisect: " + e.getMessage(), e);
        } catch (VmmException e) {
            throw new MojoExecutionException(e.getMessage(), e);
        }
    }

    /** Logs the start of each phase, and how far it is once a second. */
    private static final class ProgressLog implements Consumer<BisectionProgress> {

        private static final long INTERVAL = 1_000_000_000;

        private final Log log;
        private String phase = "";
        private long last;

        ProgressLog(Log log) {
            this.log = log;
        }

        @Override
        public void accept(BisectionProgress progress) {
            long now = System.nanoTime();
            if (!progress.phase().equals(phase) || now - last >= INTERVAL) {
                phase = progress.phase();
                last = now;
                log.info(progress.toString());
            }
        }
    }

    /** Reads an image, and finds out how it is booted. What a parameter says replaces that. */
    private VcpuConfig guest(String property, File file) throws MojoExecutionException {
        if (file == null) {
            throw new MojoExecutionException(property + " is missing; name the " + property.substring(4)
                    + " image: a flat binary or an ELF file");
        }
        try {
            if (!file.isFile()) {
                throw new IllegalArgumentException("there is no file " + file + "; name a flat binary or an ELF file");
            }
            GuestImage image = GuestImage.of(name(file), Files.readAllBytes(file.toPath()));
            return BootTargets.detected(image, boot, getLog());
        } catch (IllegalArgumentException e) {
            throw new MojoExecutionException(property + ": " + e.getMessage(), e);
        } catch (IOException e) {
            throw new MojoExecutionException(property + " can't be read: " + Reasons.of(e), e);
        }
    }

    /** Builds of one kernel in two folders have one file name. */
    private String name(File file) {
        boolean isUnique = good == null || bad == null || !good.getName().equals(bad.getName());
        return isUnique ? file.getName() : file.getPath();
    }

    private Map<Path, String> inputs() {
        Map<Path, String> inputs = new LinkedHashMap<>();
        inputs.put(good.toPath(), "the good image");
        inputs.put(bad.toPath(), "the bad image");
        if (modules != null) {
            modules.forEach(module -> inputs.put(module.toPath(), "a module of the guest"));
        }
        return inputs;
    }

    private BootParameters.Text text() {
        BootParameters.Text text = new BootParameters.Text();
        text.boot = boot;
        text.load = load;
        text.entry = entry;
        text.memory = memory;
        text.commandLine = commandLine;
        text.modules = modules;
        text.input = input;
        text.timeout = timeout;
        text.date = date;
        text.engine = engine;
        text.qemuArguments = qemuArguments;
        return text;
    }
}
