package dev.kvmguest.maven.files;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * Keeps two builds from writing to one folder at the same time: the second one waits. The operating system releases the
 * lock of a process that ends, however it ends.
 */
public final class FolderLock {

    /** The lock's file in the folder; it says who has the lock, or who had it last. */
    public static final String FILE_NAME = "kvm.lock";

    private static final long BETWEEN_TRIES_MILLIS = 100;

    /** What the file says is before this byte, since on Windows nobody else can read what is locked. */
    private static final long LOCKED_BYTE = Long.MAX_VALUE - 1;

    private static final int LONGEST_OWNER = 1000;

    private final FileChannel channel;

    private FolderLock(FileChannel channel) {
        this.channel = channel;
    }

    /**
     * Waits until no other build has the lock, and takes it.
     *
     * @param folder the folder, which is made if it isn't there
     * @param project the folder of the project that is built, for the builds that wait for this one
     * @param waiting is told once, before the waiting, who has the lock
     * @throws IOException if the lock's file can't be made or locked
     */
    public static FolderLock take(Path folder, Path project, Consumer<String> waiting)
            throws IOException, InterruptedException {
        Files.createDirectories(folder);
        FileChannel channel = FileChannel.open(
                folder.resolve(FILE_NAME),
                StandardOpenOption.CREATE,
                StandardOpenOption.READ,
                StandardOpenOption.WRITE);
        try {
            if (!isLocked(channel)) {
                waiting.accept("another build writes to " + folder + ": " + read(channel) + "; this one waits for it");
                // Not by a lock() that blocks: that fails at once where another build has it in this very process.
                while (!isLocked(channel)) {
                    TimeUnit.MILLISECONDS.sleep(BETWEEN_TRIES_MILLIS);
                }
            }
            String owner = "process " + ProcessHandle.current().pid() + ", the build of " + project + ", since "
                    + Instant.now().truncatedTo(ChronoUnit.SECONDS);
            channel.truncate(0);
            channel.write(ByteBuffer.wrap(owner.getBytes(StandardCharsets.UTF_8)), 0);
            return new FolderLock(channel);
        } catch (IOException | InterruptedException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    private static boolean isLocked(FileChannel channel) throws IOException {
        try {
            FileLock lock = channel.tryLock(LOCKED_BYTE, 1, false);
            return lock != null;
        } catch (OverlappingFileLockException e) {
            return false;
        }
    }

    /** By the same channel: where another one of this process is closed, its locks on the file may go. */
    private static String read(FileChannel channel) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(LONGEST_OWNER);
        channel.read(bytes, 0);
        String owner = new String(bytes.array(), 0, bytes.position(), StandardCharsets.UTF_8);
        return owner.isEmpty() ? "it has just begun" : owner;
    }

    /** Releases the lock. */
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw new UncheckedIOException("the lock on the folder can't be released", e);
        }
    }
}
