package dev.kvmguest.vmm.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** An installed QEMU that emulates in software: its guests write to port 0xe9, and exit by port 0xf4. */
final class Qemu {

    private static final String PROGRAM = "qemu-system-x86_64";

    private Qemu() {}

    static boolean isInstalled() throws InterruptedException {
        try {
            Process process = new ProcessBuilder(PROGRAM, "--version")
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start();
            return process.waitFor(10, TimeUnit.SECONDS) && process.exitValue() == 0;
        } catch (IOException e) {
            return false;
        }
    }

    /** Starts a guest; what it writes is the process's output. */
    static Process start(String... guest) throws IOException {
        List<String> command = new ArrayList<>(List.of(PROGRAM, "-accel", "tcg", "-display", "none", "-no-reboot"));
        command.addAll(List.of("-debugcon", "stdio", "-device", "isa-debug-exit,iobase=0xf4"));
        command.addAll(List.of(guest));
        return new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
    }

    /** Refuses another byte of a guest's output than the one expected. */
    static void require(int read, char expected) {
        if (read != expected) {
            throw new IllegalStateException("QEMU's guest wrote " + read + " in place of " + expected);
        }
    }
}
