package dev.kvmguest.maven;

import dev.kvmguest.maven.check.BuiltGuests;
import dev.kvmguest.vmm.config.DetectedBoot;
import dev.kvmguest.vmm.config.GuestManifest;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.text.Reasons;
import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.maven.model.Plugin;
import org.apache.maven.plugin.MojoExecution;
import org.apache.maven.plugin.MojoExecutionException;
import org.apache.maven.plugin.logging.Log;
import org.apache.maven.project.MavenProject;

/**
 * Finds the guests that a goal boots: an image file, or guests of the project.
 *
 * @param log takes what is odd about them
 * @param project the project, which may be Maven's own where there is no POM
 * @param execution of the goal, for the plugin that it belongs to
 * @param outputDirectory the root of the class path that kvm:assemble has put the guests on
 */
record BootTargets(Log log, MavenProject project, MojoExecution execution, Path outputDirectory) {

    /**
     * A guest to boot, with the memory that its manifest asks for, and what each of the files that it comes from is, in
     * words.
     */
    record Target(VcpuConfig vcpu, OptionalLong memory, Map<Path, String> files) {

        String name() {
            return vcpu.image().name();
        }
    }

    /**
     * Returns the guests.
     *
     * @param image {@code kvm.image}; null if it isn't given
     * @param guest {@code kvm.guest}; null if it isn't given
     * @param boot {@code kvm.boot}; null if it isn't given
     * @throws MojoExecutionException if there is no such guest; the message names the property
     */
    List<Target> find(File image, String guest, String boot) throws MojoExecutionException {
        if (image != null && guest != null) {
            throw new MojoExecutionException(
                    "kvm.image " + image + " and kvm.guest " + guest + " can't both be booted; leave one of them out");
        }
        try {
            if (image != null) {
                if (!image.isFile()) {
                    throw new IllegalArgumentException(
                            "there is no file " + image + "; name a flat binary or an ELF file");
                }
                return List.of(new Target(
                        detected(GuestImage.read(image.toPath()), boot, log),
                        OptionalLong.empty(),
                        Map.of(image.toPath(), "the image that is booted")));
            }
            BuiltGuests built = new BuiltGuests(outputDirectory);
            List<Target> targets = new ArrayList<>();
            for (String id : GuestSelection.choose(guest, ids(built))) {
                targets.add(built(built, id));
            }
            return targets;
        } catch (IllegalArgumentException e) {
            throw new MojoExecutionException((image == null ? "" : "kvm.image: ") + e.getMessage(), e);
        } catch (IOException e) {
            throw new MojoExecutionException(
                    (image == null ? "a guest" : "kvm.image") + " can't be read: " + Reasons.of(e), e);
        }
    }

    private Target built(BuiltGuests built, String id) throws IOException {
        GuestManifest.Located located = built.find(id);
        Map<Path, String> files = Stream.concat(built.files(id).stream(), located.files().stream())
                .distinct()
                .collect(Collectors.toMap(file -> file, file -> "a file of guest " + id));
        located.newerOrigin()
                .ifPresent(file -> log.warn("guest " + id + " is a copy of " + file
                        + ", which has changed since; mvn process-classes copies it again"));
        return new Target(VcpuConfig.of(located), located.manifest().memory(), files);
    }

    /** Returns a guest of which no manifest says the boot mode. What a parameter says replaces what the image says. */
    static VcpuConfig detected(GuestImage image, String boot, Log log) {
        DetectedBoot detected = DetectedBoot.of(image);
        if (boot == null) {
            GuestWarnings.log(log, "", detected, image.name());
        }
        return VcpuConfig.of(image).withBoot(detected.boot());
    }

    /** Returns the guests that the POM names, else those that were built. */
    private Collection<String> ids(BuiltGuests built) throws IOException {
        Plugin plugin = project.getPlugin(execution.getPlugin().getKey());
        Collection<String> named = plugin == null ? List.of() : PomGuests.ids(plugin);
        return named.isEmpty() ? built.ids() : named;
    }

    /**
     * Returns what a guest is booted from, which no output may replace.
     *
     * @param modules {@code kvm.modules}; null if it isn't given
     */
    Map<Path, String> inputs(Target target, List<File> modules) {
        Map<Path, String> inputs = new LinkedHashMap<>(target.files());
        if (modules != null) {
            modules.forEach(module -> inputs.put(module.toPath(), "a module of the guest"));
        }
        if (project.getFile() != null) {
            inputs.put(project.getFile().toPath(), "the project's POM");
        }
        return inputs;
    }
}
