package dev.kvmguest.maven;

import dev.kvmguest.vmm.text.Reasons;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
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

    /** Removes the file of an earlier run. */
    void removeOld() throws MojoExecutionException {
        try {
            if (file != null) {
                Files.deleteIfExists(file.toPath());
            }
        } catch (IOException e) {
            throw new MojoExecutionException(
                    property + ": the old file can't be removed: " + Reasons.of(file.toPath(), e), e);
        }
    }

    /** Writes the file, and makes the folders that it needs. */
    void write(byte[] content) throws MojoExecutionException {
        if (file == null) {
            return;
        }
        Path path = file.toPath().toAbsolutePath();
        try {
            Files.createDirectories(path.getParent());
            Files.write(path, content);
        } catch (IOException e) {
            throw new MojoExecutionException(property + " can't be written: " + Reasons.of(path, e), e);
        }
    }
}
