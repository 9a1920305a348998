package dev.kvmguest.vmm.internal.doctor;

import dev.kvmguest.vmm.internal.host.ProgramPath;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Finds programs on the PATH and asks for their versions, all at once. Of where they are nothing is told. */
final class InstalledPrograms {

    static final String NOT_FOUND = "not found";

    private static final List<String> COMPILERS = List.of("gcc", "clang", "ld.lld", "nasm");
    private static final Pattern PARENTHESES = Pattern.compile("\\([^)]*\\)");
    private static final Pattern VERSION = Pattern.compile("\\d+(\\.\\d+)+[\\w.+-]*");
    private static final int MOST_BYTES = 4096;
    private static final long LIMIT_MILLIS = 3000;

    private final ProgramPath path;
    private final long limitMillis;

    InstalledPrograms(Map<String, String> environment) {
        this(environment, LIMIT_MILLIS);
    }

    /** Takes how long a program may take to say its version, in milliseconds. */
    InstalledPrograms(Map<String, String> environment, long limitMillis) {
        this.path = new ProgramPath(environment);
        this.limitMillis = limitMillis;
    }

    /** Returns the version of each program, or that it isn't there or doesn't answer. */
    Map<String, String> versions() {
        Map<String, CompletableFuture<String>> asked = new LinkedHashMap<>();
        Stream.of(COMPILERS, ProgramPath.QEMU)
                .flatMap(List::stream)
                .forEach(name -> asked.put(
                        name,
                        path.find(name).map(this::ask).orElseGet(() -> CompletableFuture.completedFuture(NOT_FOUND))));
        Map<String, String> versions = new LinkedHashMap<>();
        asked.forEach((name, version) -> versions.put(name, version.join()));
        return versions;
    }

    private CompletableFuture<String> ask(Path program) {
        CompletableFuture<String> answer = new CompletableFuture<>();
        Thread thread = new Thread(() -> answer.complete(version(program)), "kvmguest-version");
        thread.setDaemon(true);
        thread.start();
        return answer;
    }

    private String version(Path program) {
        Process process;
        try {
            process = new ProcessBuilder(program.toString(), "--version")
                    .redirectErrorStream(true)
                    .start();
        } catch (IOException e) {
            return "found, and can't be started";
        }
        // The pipe may stay open after the process is gone, if it has started others.
        CompletableFuture<String> output = new CompletableFuture<>();
        Thread reader = new Thread(
                () -> {
                    try {
                        output.complete(read(process));
                    } catch (IOException e) {
                        output.completeExceptionally(e);
                    }
                },
                "kvmguest-version-output");
        reader.setDaemon(true);
        reader.start();
        try {
            String text = output.get(limitMillis, TimeUnit.MILLISECONDS);
            Matcher version = VERSION.matcher(PARENTHESES.matcher(text).replaceAll(""));
            return version.find() ? version.group() : "found, and says no version";
        } catch (TimeoutException e) {
            return "found, and doesn't say its version within " + limitMillis + " ms";
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return "found, and was not asked to the end";
        } catch (ExecutionException e) {
            return "found, and can't be asked";
        } finally {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
        }
    }

    private static String read(Process process) throws IOException {
        try (InputStream in = process.getInputStream()) {
            return new String(in.readNBytes(MOST_BYTES), StandardCharsets.ISO_8859_1);
        }
    }
}
