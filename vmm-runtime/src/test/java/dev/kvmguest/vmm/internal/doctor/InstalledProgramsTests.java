package dev.kvmguest.vmm.internal.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Versions of programs that are shell scripts. */
@Timeout(60)
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "the programs are shell scripts")
class InstalledProgramsTests {

    private static final long LONG = 50_000;
    private static final long SHORT = 1000;

    @TempDir
    private Path folder;

    @Test
    void versionsAreFoundInWhatProgramsSay() throws IOException {
        program("gcc", "echo 'gcc (Debian 12.2.0-14+deb12u1) 12.2.0'; echo 'Copyright (C) 2022'");
        program("clang", "echo 'Debian clang version 14.0.6'; echo 'InstalledDir: /usr/bin'");
        program("nasm", "echo 'NASM version 2.16.01'");
        program("qemu-system-i386", "echo 'QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7)'");
        program("ld.lld", "echo what is your name >&2; exit 1");

        assertThat(versions(LONG))
                .containsExactly(
                        Map.entry("gcc", "12.2.0"),
                        Map.entry("clang", "14.0.6"),
                        Map.entry("ld.lld", "found, and says no version"),
                        Map.entry("nasm", "2.16.01"),
                        Map.entry("qemu-system-x86_64", "not found"),
                        Map.entry("qemu-system-i386", "7.2.22"));
    }

    @Test
    void aProgramThatCannotBeStartedIsSaidToBe() throws IOException {
        Path file = Files.writeString(folder.resolve("nasm"), "#!/nowhere/sh\n");
        assertThat(file.toFile().setExecutable(true)).isTrue();

        assertThat(versions(LONG)).containsEntry("nasm", "found, and can't be started");
    }

    @Test
    void aProgramThatHangsIsKilledWithWhatItStarted() throws Exception {
        String seconds = Long.toString(1_000_000 + ProcessHandle.current().pid());
        // Two processes that have the pipe open.
        program("nasm", "sleep " + seconds + " & exec sleep " + seconds);

        assertThat(versions(SHORT)).containsEntry("nasm", "found, and doesn't say its version within 1000 ms");

        // They were killed, and may take a moment to be gone. An orphan is nobody's descendant.
        for (ProcessHandle process : ProcessHandle.allProcesses().toList()) {
            if (process.info().commandLine().orElse("").matches(".*(" + seconds + "|" + folder + ").*")) {
                process.onExit().get(30, TimeUnit.SECONDS);
            }
        }
    }

    @Test
    void aPathWithFoldersThatAreNoneIsSearchedAllTheSame() throws IOException {
        program("nasm", "echo NASM version 2.15");

        assertThat(new InstalledPrograms(
                                Map.of("PATH", "/nowhere" + File.pathSeparator + File.pathSeparator + folder), LONG)
                        .versions())
                .containsEntry("nasm", "2.15");
        assertThat(new InstalledPrograms(Map.of(), LONG).versions()).containsEntry("nasm", "not found");
    }

    private Map<String, String> versions(long limit) {
        return new InstalledPrograms(Map.of("PATH", folder.toString()), limit).versions();
    }

    private void program(String name, String script) throws IOException {
        Path file = Files.writeString(folder.resolve(name), "#!/bin/sh\nPATH=/usr/bin:/bin\n" + script + "\n");
        assertThat(file.toFile().setExecutable(true)).isTrue();
    }
}
