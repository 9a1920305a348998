package dev.kvmguest.sample;

import static dev.kvmguest.junit.GuestAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.junit.KvmGuest;
import dev.kvmguest.vmm.outcome.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The kernel that prints what a Multiboot 2 loader tells it. Each subclass runs it on an engine. */
abstract class Multiboot2Guests {

    @Test
    @KvmGuest("multiboot2")
    void printsWhatItIsTold(Outcome outcome) {
        assertThat(outcome).debugExited(0).hasConsole("""
                        command line: colour=blue
                        module greeting.txt: Hello from a module.
                        RAM 0x0 to 0x9fc00
                        reserved 0x9fc00 to 0xa0000
                        reserved 0xf0000 to 0x100000
                        RAM 0x100000 to 0x1000000
                        """);
    }

    @Test
    @KvmGuest(value = "multiboot2", commandLine = "", memory = "4G")
    void printsAnotherCommandLineAndMap(Outcome outcome) {
        assertThat(outcome)
                .debugExited(0)
                .consoleContains("command line: \n")
                .consoleContains("RAM 0x100000 to 0xc0000000\nRAM 0x100000000 to 0x140000000\n");
    }

    @ParameterizedTest
    @ValueSource(strings = {"start.S", "kernel.c"})
    void isTheOneThatTheGuideShows(String file) throws IOException {
        String source = Files.readString(Path.of("src/main/guest/multiboot2").resolve(file));

        assertThat(Files.readString(Path.of("../docs/multiboot2.md"))).contains(source);
    }
}
