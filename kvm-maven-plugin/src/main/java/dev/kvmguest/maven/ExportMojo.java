package dev.kvmguest.maven;

import dev.kvmguest.vmm.Machine;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.export.KvmReproducer;
import dev.kvmguest.vmm.export.QemuCommand;
import dev.kvmguest.vmm.report.TextReport;
import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.apache.maven.plugin.MojoExecutionException;
import org.apache.maven.plugins.annotations.Mojo;
import org.apache.maven.plugins.annotations.Parameter;

/**
 * Writes a guest's run for people who don't have kvmguest: as a C program that makes the same ioctls on /dev/kvm and
 * says how the guest ended, or as a command line of QEMU. The guest is booted once for it, with no keyboard. It is an
 * image file, for which no POM is needed, or a guest of the project that kvm:assemble has built.
 */
@Mojo(name = "export", requiresProject = false, threadSafe = true)
public class ExportMojo extends AbstractBootMojo {

    /** The guest of the project to boot, by its id. Default: the project's only guest. */
    @Parameter(property = "kvm.guest")
    private String guest;

    /**
     * The state at entry: {@code real}, {@code protected}, {@code paged}, {@code paged-4k}, {@code multiboot},
     * {@code pvh}, {@code linux} or {@code long}. Default: what the project's guest says; for an image what it asks for
     * itself, by a loader's header, 64 bits or an entry that real mode can't reach, else {@code real}.
     */
    @Parameter(property = "kvm.boot")
    private String boot;

    /**
     * What runs the guest: {@code kvm}; {@code emulator}, which runs anywhere; or {@code auto}, which is KVM if this
     * host's KVM can run the boot mode at a processor's speed, else the emulator.
     */
    @Parameter(property = "kvm.engine", defaultValue = "auto")
    private String engine;

    /** How long the guest may run, such as {@code 500ms}, {@code 5s} or {@code 2m}. Default: {@code 10s}. */
    @Parameter(property = "kvm.timeout")
    private String timeout;

    /**
     * What is written: {@code c}, a C program; or {@code qemu}, a command line of QEMU, which is shown, and the files
     * that it names.
     */
    @Parameter(property = "kvm.format", defaultValue = "c")
    private String format;

    /**
     * The folder for what is written, or the file for the C program, if it ends in {@code .c}. Default: a file called
     * after the guest, in the current folder.
     */
    @Parameter(property = "kvm.output")
    private File output;

    @Override
    public void execute() throws MojoExecutionException {
        if (skip) {
            getLog().info("No guest is exported: kvm.skip is set");
            return;
        }
        BootParameters parameters = BootParameters.read(text());
        boolean qemu = isQemu();
        export(onlyGuest(guest, boot, "export them one by one"), parameters, qemu);
    }

    private boolean isQemu() throws MojoExecutionException {
        return switch (format) {
            case "c" -> false;
            case "qemu" -> true;
            default ->
                throw new MojoExecutionException("kvm.format: \"" + format + "\" is unknown; use one of c, qemu");
        };
    }

    private void export(BootTargets.Target target, BootParameters parameters, boolean qemu)
            throws MojoExecutionException {
        ExportPlace place = ExportPlace.of(Optional.ofNullable(output).map(File::toPath), target.name());
        try {
            MachineConfig config = parameters.machine(target.vcpu(), target.memory(), MachineConfig.DEFAULT_TIMEOUT);
            KvmReproducer reproducer = run(config);
            if (qemu) {
                QemuCommand command = reproducer.toQemu(place.name());
                write(place, command.files(), inputs(target));
                print(command.line(), "In " + place.folder() + ": ");
                command.notes().forEach(note -> getLog().info("Note: " + note));
            } else {
                String program = reproducer.toC(place.name());
                Map<String, byte[]> file = Map.of(place.name() + ".c", program.getBytes(StandardCharsets.UTF_8));
                write(place, file, inputs(target));
                getLog().info("It says itself how to build and run it");
            }
        } catch (IllegalArgumentException e) {
            throw new MojoExecutionException("guest " + target.name() + " can't be exported: " + e.getMessage(), e);
        } catch (VmmException e) {
            throw new MojoExecutionException(e.getMessage(), e);
        }
    }

    private KvmReproducer run(MachineConfig config) {
        try (Machine machine = Machine.create(config)) {
            getLog().info(TextReport.line(machine.run()));
            return machine.reproducer();
        }
    }

    private void write(ExportPlace place, Map<String, byte[]> files, Map<Path, String> inputs)
            throws MojoExecutionException {
        Map<OutputFile, byte[]> outputs = new LinkedHashMap<>();
        for (Map.Entry<String, byte[]> file : files.entrySet()) {
            OutputFile output = new OutputFile(
                    "kvm.output", place.folder().resolve(file.getKey()).toFile());
            output.requireFree(inputs);
            outputs.put(output, file.getValue());
        }
        for (Map.Entry<OutputFile, byte[]> output : outputs.entrySet()) {
            Optional<String> problem = output.getKey().write(output::getValue);
            if (problem.isPresent()) {
                throw new MojoExecutionException(problem.get());
            }
            getLog().info("Wrote " + output.getKey().file());
        }
    }

    /** Without Maven's log, the line is what the goal was called for. */
    private void print(String line, String introduction) {
        if (getLog().isInfoEnabled()) {
            getLog().info(introduction + line);
        } else {
            System.out.println(line);
        }
    }

    private BootParameters.Text text() {
        BootParameters.Text text = commonText();
        text.boot = boot;
        text.timeout = timeout;
        text.engine = engine;
        return text;
    }
}
