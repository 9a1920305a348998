package dev.kvmguest.vmm.report;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Writes reports and other files, whole or not at all: the content goes to a file beside, which is then given the name.
 * Whoever reads the file sees the old content or the new one, and a failure leaves the old one.
 */
public final class ReportFile {

    private static final AtomicLong NUMBER = new AtomicLong();

    private ReportFile() {}

    /** Writes text as UTF-8; see {@link #write(Path, byte[])}. */
    public static void write(Path file, String text) throws IOException {
        write(file, text.getBytes(StandardCharsets.UTF_8));
    }

    /**
     * Writes a file, in place of one that is there, and makes the folders that it needs. What is there and neither a
     * file nor a folder, such as a pipe or {@code /dev/null}, stays and is written to.
     *
     * @throws IOException if the file can't be written, or is a folder
     */
    public static void write(Path file, byte[] content) throws IOException {
        Path target = Files.exists(file) ? file.toRealPath() : file.toAbsolutePath();
        if (Files.isDirectory(target)) {
            throw new FileSystemException(file.toString(), null, "it is a folder");
        }
        if (Files.exists(target) && !Files.isRegularFile(target)) {
            Files.write(target, content);
            return;
        }
        Path folder = target.getParent();
        Files.createDirectories(folder);
        Path beside = folder.resolve(".kvmguest-" + ProcessHandle.current().pid() + "-" + NUMBER.incrementAndGet());
        try {
            Files.write(beside, content, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
            Files.move(beside, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(beside);
        }
    }
}
