package dev.kvmguest.vmm.export;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * What a program did.
 *
 * @param status its exit status
 * @param console its standard output, an octet a character
 * @param messages its standard error
 */
public record CProgramRun(int status, String console, String messages) {

    /** Seconds after which a program is killed, since its output would be awaited for ever. */
    private static final int LONGEST = 90;

    private static final Path KVM_HEADER = Path.of("/usr/include/linux/kvm.h");

    /** Has a test skipped where no C program for KVM can be compiled. */
    public static void assumeCompiler() throws InterruptedException {
        String os = System.getProperty("os.name").toLowerCase(Locale.ROOT);
        String arch = System.getProperty("os.arch");
        assumeTrue(
                os.contains("linux") && (arch.equals("amd64") || arch.equals("x86_64")),
                "the program is for Linux on x86-64; this is " + os + " on " + arch);
        assumeTrue(isInstalled("gcc"), "no gcc is installed");
        assumeTrue(Files.exists(KVM_HEADER), "there is no " + KVM_HEADER + "; Debian has it in linux-libc-dev");
    }

    /** Returns whether a program is on the path. */
    public static boolean isInstalled(String program) throws InterruptedException {
        try {
            return of(Path.of(""), List.of(program, "--version")).status == 0;
        } catch (IOException e) {
            return false;
        }
    }

    /** Compiles a program with all warnings as errors, and returns where it is. */
    public static Path compile(Path folder, String text) throws IOException, InterruptedException {
        Files.writeString(folder.resolve("guest.c"), text);
        CProgramRun compiler =
                of(folder, List.of("gcc", "-Wall", "-Wextra", "-Werror", "-std=c11", "-o", "guest", "guest.c"));
        if (compiler.status != 0) {
            throw new AssertionError("gcc failed:\n" + compiler.messages);
        }
        return folder.resolve("guest");
    }

    /** Runs a command to its end, with nothing on its standard input. */
    public static CProgramRun of(Path folder, List<String> words) throws IOException, InterruptedException {
        Path messages = Files.createTempFile("kvmguest", ".stderr");
        try {
            Process process = new ProcessBuilder(words)
                    .directory(folder.toAbsolutePath().toFile())
                    .redirectError(messages.toFile())
                    .start();
            CompletableFuture<Void> guard = CompletableFuture.runAsync(
                    () -> destroy(process), CompletableFuture.delayedExecutor(LONGEST, TimeUnit.SECONDS));
            process.getOutputStream().close();
            String console = new String(process.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
            guard.cancel(false);
            return new CProgramRun(process.waitFor(), console, Files.readString(messages));
        } finally {
            Files.delete(messages);
        }
    }

    private static void destroy(Process process) {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
    }

    /** Returns the kind of outcome that it says last. */
    public String outcome() {
        String last = messages.lines().reduce("", (before, line) -> line);
        return last.replaceFirst("^outcome: ", "");
    }
}
