package dev.kvmguest.vmm.internal.qemu;

import dev.kvmguest.vmm.internal.device.Keystroke;
import dev.kvmguest.vmm.internal.device.MouseMove;
import dev.kvmguest.vmm.internal.run.Uninterrupted;
import dev.kvmguest.vmm.keyboard.Key;
import dev.kvmguest.vmm.mouse.MouseButton;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;

/**
 * Types for a guest in QEMU. Bytes go to COM1, by a thread of its own, since the guest may be slow to read them;
 * keystrokes and movements go to QEMU's monitor.
 */
final class QemuInput {

    /** With this byte the user speaks to the multiplexer of QEMU's console, not to the guest; twice it means itself. */
    private static final int ESCAPE = 1;

    /** Bit 7 of QEMU's number of a key stands for the prefix 0xE0 of scan code set 1. */
    private static final int EXTENDED = 0x80;

    private final QmpClient monitor;
    private final Thread writer;
    private final BlockingQueue<byte[]> typed = new LinkedBlockingQueue<>();
    private final List<List<? extends Map<String, ?>>> early = new ArrayList<>();
    private boolean open;

    QemuInput(OutputStream console, QmpClient monitor) {
        this.monitor = monitor;
        writer = new Thread(() -> writeAll(console), "kvmguest-qemu-input");
        writer.setDaemon(true);
        writer.start();
    }

    private void writeAll(OutputStream console) {
        try (console) {
            for (byte[] bytes = typed.take(); bytes.length > 0; bytes = typed.take()) {
                console.write(escaped(bytes));
                console.flush();
            }
        } catch (IOException e) {
            // The guest has ended: nobody reads what is typed for it.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static byte[] escaped(byte[] bytes) {
        ByteArrayOutputStream escaped = new ByteArrayOutputStream();
        for (byte octet : bytes) {
            if (octet == ESCAPE) {
                escaped.write(ESCAPE);
            }
            escaped.write(octet);
        }
        return escaped.toByteArray();
    }

    void type(byte[] bytes) {
        if (bytes.length > 0) {
            typed.add(bytes.clone());
        }
    }

    void press(List<Keystroke> keystrokes) throws IOException {
        for (Keystroke keystroke : keystrokes) {
            List<Key> released = new ArrayList<>(keystroke.keys());
            Collections.reverse(released);
            send(keystroke.keys().stream().map(key -> key(key, true)).toList());
            send(released.stream().map(key -> key(key, false)).toList());
        }
    }

    private static Map<String, ?> key(Key key, boolean down) {
        int number = key.set1() | (key.isExtended() ? EXTENDED : 0);
        return event("key", Map.of("down", down, "key", Map.of("type", "number", "data", number)));
    }

    void move(List<MouseMove> moves) throws IOException {
        for (MouseMove move : moves) {
            List<Map<String, ?>> events = new ArrayList<>(List.of(axis("x", move.dx()), axis("y", -move.dy())));
            for (MouseButton button : MouseButton.values()) {
                events.add(button(
                        button.name().toLowerCase(Locale.ROOT), move.held().contains(button)));
            }
            for (int notch = 0; notch < Math.abs(move.wheel()); notch++) {
                String direction = move.wheel() < 0 ? "wheel-up" : "wheel-down";
                events.add(button(direction, true));
                events.add(button(direction, false));
            }
            send(events);
        }
    }

    private static Map<String, ?> axis(String axis, int value) {
        return event("rel", Map.of("axis", axis, "value", value));
    }

    private static Map<String, ?> button(String button, boolean down) {
        return event("btn", Map.of("button", button, "down", down));
    }

    private static Map<String, ?> event(String type, Map<String, ?> data) {
        return Map.of("type", type, "data", data);
    }

    /** A machine that doesn't run takes no events. */
    private synchronized void send(List<? extends Map<String, ?>> events) throws IOException {
        if (open) {
            monitor.execute("input-send-event", Map.of("events", events));
        } else {
            early.add(events);
        }
    }

    /** Says that the machine runs, and sends what has been waiting for that. */
    synchronized void open() throws IOException {
        open = true;
        for (List<? extends Map<String, ?>> events : early) {
            send(events);
        }
        early.clear();
    }

    /** Ends the thread that writes, once QEMU has ended, so that no write waits for it. */
    void close() {
        typed.add(new byte[0]);
        Uninterrupted.await(writer::join);
    }
}
