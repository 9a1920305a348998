package dev.kvmguest.maven;

import dev.kvmguest.vmm.report.ReportFile;
import dev.kvmguest.vmm.text.Reasons;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.apache.maven.plugin.MojoExecutionException;

/**
 * A file that a goal writes for one guest on request.
 *
 * @param property the parameter that names it, for messages
 * @param file the file; null if none was asked for
 */
record OutputFile(String property, File file) {

    /**
     * Makes sure that only one guest writes the file.
     *
     * @throws MojoExecutionException if there is more than one guest
     */
    void requireOneGuest(int guests) throws MojoExecutionException {
        if (file != null && guests > 1) {
            throw new MojoExecutionException(property + ": " + file + " can take the output of one guest, and kvm.guest"
                    + " names " + guests + "; boot them one by one");
        }
    }

    /**
     * Makes sure that writing the file takes nothing from the user.
     *
     * @param others what each file is that must stay as it is, in words that follow "is"
     * @throws MojoExecutionException if the file is one of them, or a folder
     */
    void requireFree(Map<Path, String> others) throws MojoExecutionException {
        if (file == null) {
            return;
        }
        if (file.isDirectory()) {
            throw new MojoExecutionException(property + ": " + file + " is a folder; name a file in it");
        }
        for (Map.Entry<Path, String> other : others.entrySet()) {
            if (isSame(file.toPath(), other.getKey())) {
                throw new MojoExecutionException(
                        property + ": " + file + " is " + other.getValue() + "; name another file");
            }
        }
    }

    private static boolean isSame(Path one, Path other) {
        try {
            return Files.isSameFile(one, other);
        } catch (IOException e) {
            // At least one of them isn't there yet.
            return one.toAbsolutePath()
                    .normalize()
                    .equals(other.toAbsolutePath().normalize());
        }
    }

    /**
     * Removes the file of an earlier run.
     *
     * @return why it can't be removed; empty if it is gone
     */
    Optional<String> removeOld() {
        // A pipe or a device is no file of an earlier run.
        if (file == null || !file.isFile()) {
            return Optional.empty();
        }
        try {
            Files.delete(file.toPath());
            return Optional.empty();
        } catch (IOException e) {
            return Optional.of(property + ": the old file can't be removed: " + Reasons.of(file.toPath(), e));
        }
    }

    /**
     * Writes the file, if one was asked for.
     *
     * @param content makes what is written
     * @return why it can't be written; empty if it is
     */
    Optional<String> write(Callable<byte[]> content) {
        if (file == null) {
            return Optional.empty();
        }
        try {
            ReportFile.write(file.toPath(), content.call());
            return Optional.empty();
        } catch (Exception e) {
            // Whatever it is, how the guest ended must be told nevertheless.
            return Optional.of(property + ": " + file.getAbsolutePath() + " can't be written: " + Reasons.of(e));
        }
    }
}
