package dev.kvmguest.vmm.config;

import dev.kvmguest.vmm.image.Resources;
import java.io.IOException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A file that a boot loader puts into memory beside a kernel, such as an initial RAM disk; only for a boot mode that
 * {@linkplain BootMode#hasLoader has a loader}. In {@link BootMode#LIMINE} the first word of its string is its path,
 * and the rest goes with it.
 *
 * @param commandLine the string that the kernel gets with it, usually the file's name and options; without a NUL
 * @param bytes the file's bytes; not to be changed
 */
public record BootModule(String commandLine, byte[] bytes) {

    public BootModule {
        VcpuConfig.requireCString("command line of a module", commandLine);
    }

    /**
     * Reads a module, whose command line is the file's name.
     *
     * @throws IOException if the file can't be read
     */
    public static BootModule read(Path file) throws IOException {
        return new BootModule(file.getFileName().toString(), Files.readAllBytes(file));
    }

    /**
     * Reads a module from a class path or any other address.
     *
     * @param commandLine the string that the kernel gets with it
     * @throws IOException if it can't be read
     */
    public static BootModule read(String commandLine, URL url) throws IOException {
        return new BootModule(commandLine, Resources.read(url));
    }
}
