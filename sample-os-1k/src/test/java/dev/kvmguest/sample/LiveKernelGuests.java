package dev.kvmguest.sample;

import static dev.kvmguest.junit.GuestAssertions.assertThat;
import static dev.kvmguest.sample.ShellSession.PROMPT;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.junit.Guest;
import dev.kvmguest.vmm.keyboard.Key;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/**
 * Conversations with the kernel while it runs, on its serial line and on its keyboard. Each subclass has them on an engine
 * and in a boot mode, where the guest is at its prompt first.
 */
abstract class LiveKernelGuests {

    private static final String CTRL_C = "\u0003";

    @Test
    void showsTheMenuAndRunsAProgram(Guest guest) {
        guest.type("1\n");
        guest.awaitOutput("9 x 9 = 81\n" + PROMPT);
        guest.type("0\n");
        assertThat(guest).ended().debugExited(0);
    }

    @Test
    void keyboardIsAsGoodAsTheSerialLine(Guest guest) {
        guest.typeOnKeyboard("echo Hello, World! {~|}\n");
        guest.awaitOutput("\nHello, World! {~|}\n" + PROMPT);
        guest.type("6 6 * 7\n");
        guest.awaitOutput("6 * 7 = 42\n" + PROMPT);
        guest.typeOnKeyboard("exit 3\n");
        assertThat(guest).ended().debugExited(3);
    }

    @Test
    void shellStaysUsableWhileAProgramSpins(Guest guest) {
        guest.type("spin &\n");
        guest.awaitOutput("spin is process 2\n" + PROMPT);
        guest.type("5\n");
        guest.awaitOutput("2 3 5 7 11 13 ");
        guest.awaitOutput(PROMPT);
        int ticks = ticksOfProcess2(guest);
        guest.type("2\n");
        guest.awaitOutput("9\n" + PROMPT);
        assertThat(ticksOfProcess2(guest)).isGreaterThan(ticks);
        guest.type("kill 2\n");
        guest.awaitOutput("spin was killed\n" + PROMPT);
        guest.type("0\n");
        assertThat(guest).ended().debugExited(0);
    }

    @Test
    void controlCEndsTheProgramInTheForeground(Guest guest) {
        guest.type("spin round\n");
        guest.awaitOutput("spin round\n");
        guest.awaitOutput("round\n");
        guest.type(CTRL_C);
        guest.awaitOutput("spin was killed\n" + PROMPT);
        guest.type("8\n");
        guest.awaitOutput("Two numbers: ");
        guest.press(Key.LEFT_CONTROL, Key.C);
        guest.awaitOutput("gcd was killed\n" + PROMPT);
        guest.type(CTRL_C + "0\n");
        assertThat(guest).ended().debugExited(0);
    }

    @Test
    void flushedArchiveIsInMemoryWithEveryFile(Guest guest) {
        guest.type("write note.txt Hello, archive!\nflush\n");
        Matcher archive = Pattern.compile("3 files in (\\d+) bytes at 0x([0-9a-f]+)\n")
                .matcher(guest.awaitOutput(Pattern.compile("3 files in \\d+ bytes at 0x[0-9a-f]+\n")));
        assertThat(archive.find()).isTrue();
        byte[] bytes = guest.memory().read(Long.parseLong(archive.group(2), 16), Integer.parseInt(archive.group(1)));
        assertThat(UstarArchive.read(bytes))
                .containsOnlyKeys("motd.txt", "poem.txt", "note.txt")
                .containsEntry("note.txt", "Hello, archive!\n")
                .hasEntrySatisfying("motd.txt", text -> assertThat(text).startsWith("Welcome to 1K OS.\n"));
    }

    private static int ticksOfProcess2(Guest guest) {
        guest.type("ps\n");
        Matcher line = Pattern.compile("2 spin, (\\d+) ticks").matcher(guest.awaitOutput(PROMPT));
        assertThat(line.find()).isTrue();
        return Integer.parseInt(line.group(1));
    }
}
