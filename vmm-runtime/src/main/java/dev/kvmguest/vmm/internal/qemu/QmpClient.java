package dev.kvmguest.vmm.internal.qemu;

import dev.kvmguest.vmm.internal.report.json.JsonReader;
import dev.kvmguest.vmm.internal.report.json.JsonWriter;
import dev.kvmguest.vmm.internal.run.Uninterrupted;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;

/**
 * Speaks QMP, the language of QEMU's monitor: a JSON value a line (QEMU's docs/interop/qmp-spec). Commands are given by
 * one thread at a time; a thread of its own reads, so that events are noted when they come.
 */
final class QmpClient implements AutoCloseable {

    private static final Map<String, Object> END = Map.of();

    /**
     * What becomes of a machine that was shut down.
     *
     * @param reason QEMU's word for it, such as {@code guest-reset}
     */
    record Shutdown(String reason) {}

    private final UnixSocket socket;
    private final BlockingQueue<Map<?, ?>> answers = new LinkedBlockingQueue<>();
    private final Thread reader;
    private final String version;
    private volatile Shutdown shutdown;

    /** Connects, and waits for the greeting. */
    QmpClient(UnixSocket socket) throws IOException {
        this.socket = socket;
        version = greeting();
        reader = new Thread(this::readAll, "kvmguest-qemu-monitor");
        reader.setDaemon(true);
        reader.start();
        try {
            execute("qmp_capabilities", Map.of());
        } catch (IOException e) {
            close();
            throw e;
        }
    }

    private String greeting() throws IOException {
        try {
            return version(line());
        } catch (IOException | IllegalArgumentException e) {
            closeSocket();
            throw e instanceof IOException io ? io : new IOException(e.getMessage(), e);
        }
    }

    private static String version(String greeting) throws IOException {
        if (greeting != null
                && JsonReader.read(greeting) instanceof Map<?, ?> all
                && all.get("QMP") instanceof Map<?, ?> qmp
                && qmp.get("version") instanceof Map<?, ?> version
                && version.get("qemu") instanceof Map<?, ?> numbers) {
            return number(numbers, "major") + "." + number(numbers, "minor") + "." + number(numbers, "micro");
        }
        throw new IOException("its monitor greets with " + greeting);
    }

    private static int number(Map<?, ?> numbers, String name) {
        return numbers.get(name) instanceof Long value ? value.intValue() : 0;
    }

    /** Returns the version, such as {@code 7.2.22}. */
    String version() {
        return version;
    }

    /** Returns why the machine was shut down, if it was. */
    Optional<Shutdown> shutdown() {
        return Optional.ofNullable(shutdown);
    }

    /**
     * Executes a command of the monitor for people, and returns what it prints.
     *
     * @throws IOException if QEMU has ended, or refuses it
     */
    String human(String command) throws IOException {
        Object printed = execute("human-monitor-command", Map.of("command-line", command));
        return printed instanceof String text ? text.replace("\r", "") : "";
    }

    /**
     * Executes a command.
     *
     * @param arguments its arguments by their names
     * @return what it returns
     * @throws IOException if QEMU has ended, or refuses it
     */
    synchronized Object execute(String command, Map<String, ?> arguments) throws IOException {
        socket.write(JsonWriter.write(Map.of("execute", command, "arguments", arguments))
                .getBytes(StandardCharsets.UTF_8));
        Map<?, ?> answer;
        try {
            answer = answers.take();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while QEMU executed " + command, e);
        }
        if (answer == END) {
            answers.add(END);
            throw new IOException("QEMU has closed its monitor");
        }
        if (answer.get("error") instanceof Map<?, ?> error) {
            throw new IOException("QEMU refuses " + command + ": " + error.get("desc"));
        }
        return answer.get("return");
    }

    private void readAll() {
        try {
            for (String line = line(); line != null; line = line()) {
                if (JsonReader.read(line) instanceof Map<?, ?> message) {
                    take(message);
                }
            }
        } catch (IOException | IllegalArgumentException e) {
            // Whoever waits for an answer is told that none will come.
        } finally {
            answers.add(END);
        }
    }

    private void take(Map<?, ?> message) {
        if (!message.containsKey("event")) {
            answers.add(message);
        } else if ("SHUTDOWN".equals(message.get("event")) && message.get("data") instanceof Map<?, ?> data) {
            shutdown = new Shutdown(String.valueOf(data.get("reason")));
        }
    }

    private String line() throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        for (int next = socket.read(); next >= 0; next = socket.read()) {
            if (next == '\n') {
                return line.toString(StandardCharsets.UTF_8);
            }
            line.write(next);
        }
        return null;
    }

    /** Closes the connection, and waits for the thread that reads. */
    @Override
    public void close() {
        closeSocket();
        Uninterrupted.await(reader::join);
    }

    private void closeSocket() {
        try {
            socket.close();
        } catch (IOException e) {
            // The other side has gone; there is nothing left to close.
        }
    }
}
