package dev.kvmguest.vmm.internal.qemu;

import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.internal.run.Uninterrupted;
import dev.kvmguest.vmm.memory.GuestMemory;
import dev.kvmguest.vmm.outcome.Console;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

/**
 * A running QEMU and what it shares with this process: a folder with its sockets, the file that is the guest's RAM, and
 * its standard streams. It ends with this object, and with the JVM.
 */
final class QemuProcess implements AutoCloseable {

    /** A QEMU that has not entered the guest by then never will. */
    private static final int START_SECONDS = 30;

    private static final long RETRY_NANOS = 1_000_000;

    /** A boot sector that waits for ever: CLI, HLT, a jump to both. The machine is stopped before it. */
    private static final byte[] SECTOR = {(byte) 0xfa, (byte) 0xf4, (byte) 0xeb, (byte) 0xfc};

    private static final int SECTOR_BYTES = 512;
    private static final int ZEROS = 1 << 20;

    private final Path folder;
    private final Thread atExit = new Thread(this::kill, "kvmguest-qemu-exit");
    private final Console console = new Console();
    private final Process process;
    private final QemuLog log;
    private final Thread reader;
    private final GuestMemory memory;
    private final QmpClient monitor;
    private final QemuInput input;
    private boolean ended;

    /**
     * Starts QEMU, and has it come to where the guest is entered.
     *
     * @throws VmmException if it can't be started, or doesn't get there
     */
    QemuProcess(QemuProgram program, MachineConfig config, QemuEntry entry) {
        QemuArguments arguments;
        try {
            folder = Files.createTempDirectory("kvmguest-qemu-");
            arguments = new QemuArguments(program, folder);
            process = start(arguments, config);
        } catch (IOException e) {
            throw new VmmException("QEMU can't be started: " + e.getMessage(), e);
        }
        Runtime.getRuntime().addShutdownHook(atExit);
        log = new QemuLog(process.getErrorStream());
        reader = new Thread(() -> readConsole(process.getInputStream()), "kvmguest-qemu-console");
        reader.setDaemon(true);
        reader.start();
        Executor late = CompletableFuture.delayedExecutor(START_SECONDS, TimeUnit.SECONDS);
        CompletableFuture<Void> limit = CompletableFuture.runAsync(this::kill, late);
        QmpClient opened = null;
        QemuInput typing = null;
        try {
            opened = new QmpClient(connect(arguments.monitor()));
            monitor = opened;
            memory = new GuestMemory(map(arguments.ram()), () -> {});
            typing = new QemuInput(process.getOutputStream(), monitor);
            input = typing;
            try (GdbClient gdb = new GdbClient(connect(arguments.debugger()))) {
                entry.prepare(gdb, monitor, memory);
            }
        } catch (IOException e) {
            kill();
            log.await();
            String complaints = log.complaints();
            end();
            free(opened, typing);
            throw new VmmException(
                    "QEMU (" + program.name() + ") did not come to the guest's entry: "
                            + (complaints.isEmpty() ? e.getMessage() : complaints),
                    e);
        } finally {
            limit.cancel(false);
        }
    }

    /** Starts the QEMU of this host for a guest, as the constructor does. */
    static QemuProcess of(MachineConfig config) {
        QemuProgram program = QemuProgram.find(System.getenv(), config.vcpus().get(0));
        return new QemuProcess(program, config, new QemuEntry(config, program));
    }

    private static Process start(QemuArguments arguments, MachineConfig config) throws IOException {
        byte[] sector = new byte[SECTOR_BYTES];
        System.arraycopy(SECTOR, 0, sector, 0, SECTOR.length);
        sector[SECTOR_BYTES - 2] = 0x55;
        sector[SECTOR_BYTES - 1] = (byte) 0xaa;
        Files.write(arguments.floppy(), sector);
        // Written, so that a full disk is found out now and not by a write of the guest.
        try (FileChannel ram =
                FileChannel.open(arguments.ram(), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            for (long at = 0; at < config.memorySize(); at += ZEROS) {
                ram.write(ByteBuffer.allocate((int) Math.min(ZEROS, config.memorySize() - at)));
            }
        }
        return new ProcessBuilder(arguments.line(config)).start();
    }

    private static ByteBuffer map(Path ram) throws IOException {
        try (FileChannel file = FileChannel.open(ram, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            return file.map(FileChannel.MapMode.READ_WRITE, 0, file.size());
        }
    }

    /** Connects as soon as QEMU listens. */
    private UnixSocket connect(Path file) throws IOException {
        while (true) {
            try {
                return new UnixSocket(file);
            } catch (IOException e) {
                if (!process.isAlive()) {
                    throw new IOException("it ended with status " + process.exitValue(), e);
                }
                LockSupport.parkNanos(RETRY_NANOS);
            }
        }
    }

    private void readConsole(InputStream from) {
        try (from) {
            for (int octet = from.read(); octet >= 0; octet = from.read()) {
                console.append(octet);
            }
        } catch (IOException e) {
            // The process has been killed, and its stream with it.
        }
    }

    Console console() {
        return console;
    }

    QemuLog log() {
        return log;
    }

    QmpClient monitor() {
        return monitor;
    }

    QemuInput input() {
        return input;
    }

    GuestMemory memory() {
        return memory;
    }

    /**
     * Has QEMU log a triple fault from now on and, if wanted, each exception and interrupt: that takes some 75 us each,
     * for the registers that come with it.
     */
    void log(boolean exceptions) throws IOException {
        monitor.human(exceptions ? "log int,cpu_reset" : "log cpu_reset");
    }

    /** Returns whether QEMU runs still. */
    boolean isAlive() {
        return process.isAlive();
    }

    /** Returns the status with which QEMU has ended. */
    int status() {
        return process.exitValue();
    }

    /** Copies physical memory as a device or RAM has it. */
    byte[] read(long address, int length) throws IOException {
        Path copy = folder.resolve("copy");
        monitor.execute("pmemsave", Map.of("val", address, "size", length, "filename", copy));
        return Files.readAllBytes(copy);
    }

    /** Ends QEMU, and waits until all that it has written is read. A second call does nothing. */
    synchronized void end() {
        if (ended) {
            return;
        }
        ended = true;
        kill();
        Uninterrupted.await(process::waitFor);
        Uninterrupted.await(reader::join);
        log.await();
        deleteFolder();
        try {
            Runtime.getRuntime().removeShutdownHook(atExit);
        } catch (IllegalStateException e) {
            // The JVM is ending, and the hook runs.
        }
    }

    private void kill() {
        // Process.destroyForcibly would close the streams with what nobody has read yet.
        process.toHandle().destroyForcibly();
    }

    private void deleteFolder() {
        try (Stream<Path> files = Files.walk(folder)) {
            List<Path> all = files.sorted(Comparator.reverseOrder()).toList();
            for (Path file : all) {
                Files.deleteIfExists(file);
            }
        } catch (IOException | UncheckedIOException e) {
            System.getLogger(QemuProcess.class.getName())
                    .log(System.Logger.Level.WARNING, "the folder " + folder + " of a QEMU can't be deleted", e);
        }
    }

    /** Ends QEMU, and frees what is shared with it. */
    @Override
    public void close() {
        end();
        free(monitor, input);
        memory.close();
    }

    /** Ends the threads that talk to a QEMU that has ended; either may be null. */
    private static void free(QmpClient monitor, QemuInput input) {
        if (input != null) {
            input.close();
        }
        if (monitor != null) {
            monitor.close();
        }
    }
}
