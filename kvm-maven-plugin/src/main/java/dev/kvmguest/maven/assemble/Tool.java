package dev.kvmguest.maven.assemble;

import dev.kvmguest.vmm.text.Reasons;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;

/** Runs compilers and binary tools: no shell, no input, and an environment that can't change what they make. */
final class Tool {

    /**
     * What a program did.
     *
     * @param exitCode its exit code
     * @param output what it wrote, both streams in one
     */
    record Result(int exitCode, String output) {

        boolean failed() {
            return exitCode != 0;
        }
    }

    // Compilers also take options and include paths from the environment; only what a program needs to run is kept.
    private static final Set<String> KEPT_VARIABLES =
            Set.of("PATH", "HOME", "USERPROFILE", "SystemRoot", "TMPDIR", "TEMP", "TMP", "LD_LIBRARY_PATH");

    private static final Map<String, String> FIXED_VARIABLES = Map.of(
            // Messages are parsed.
            "LC_ALL", "C",
            // __DATE__ and __TIME__ would make each build another one.
            "SOURCE_DATE_EPOCH", "0");

    private final Path directory;
    private final Duration limit;

    /**
     * Creates a runner.
     *
     * @param directory the programs' working directory
     * @param limit how long one may run before it is taken as hung and killed
     */
    Tool(Path directory, Duration limit) {
        this.directory = directory;
        this.limit = limit;
    }

    /**
     * Runs a program to its end.
     *
     * @throws GuestBuildException if it can't be started or is killed at the limit
     */
    Result run(List<String> command) throws GuestBuildException, InterruptedException {
        ProcessBuilder builder =
                new ProcessBuilder(command).directory(directory.toFile()).redirectErrorStream(true);
        builder.environment().keySet().removeIf(variable -> !KEPT_VARIABLES.contains(variable));
        builder.environment().putAll(FIXED_VARIABLES);
        // gcc's debug information has the folder's name from here, where links in it are still to be seen.
        builder.environment().put("PWD", directory.toString());
        Process process;
        try {
            process = builder.start();
            process.getOutputStream().close();
        } catch (IOException e) {
            throw new GuestBuildException("the program " + command.get(0) + " can't be started: " + e.getMessage(), e);
        }
        try {
            CompletableFuture<String> output = CompletableFuture.supplyAsync(() -> read(process), Tool::startReader);
            if (!process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
                throw new GuestBuildException("the program " + command.get(0) + " did not end within "
                        + limit.toMillis() + " ms and was killed; its command was " + command);
            }
            return new Result(process.exitValue(), output.get());
        } catch (ExecutionException e) {
            throw new GuestBuildException(
                    "the output of " + command.get(0) + " can't be read: " + Reasons.of(e.getCause()), e);
        } finally {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
        }
    }

    /** On a thread of its own: those of the common pool are few, and each would be taken until its program ends. */
    private static void startReader(Runnable reader) {
        Thread thread = new Thread(reader, "kvmguest-tool-output");
        thread.setDaemon(true);
        thread.start();
    }

    private static String read(Process process) {
        try (InputStream in = process.getInputStream()) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8).replace("\r\n", "\n");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
