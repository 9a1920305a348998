package dev.kvmguest.sample;

import static dev.kvmguest.junit.GuestAssertions.assertThat;
import static dev.kvmguest.sample.ShellSession.COUNTED;
import static dev.kvmguest.sample.ShellSession.FACTORIALS;
import static dev.kvmguest.sample.ShellSession.MENU;
import static dev.kvmguest.sample.ShellSession.NUMBERS_OF_FIBONACCI;
import static dev.kvmguest.sample.ShellSession.PRIMES;
import static dev.kvmguest.sample.ShellSession.PROMPT;
import static dev.kvmguest.sample.ShellSession.TABLES;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.junit.KvmGuest;
import dev.kvmguest.vmm.outcome.Outcome;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/**
 * The kernel, its shell and its programs, each session typed before the machine starts and compared with its whole console.
 * Each subclass runs them on an engine and in a boot mode.
 */
abstract class KernelGuests {

    private static final String A_LONG_LINE = "0123456789abcdef".repeat(16);

    private final ShellSession shell;

    /** Tests the 32-bit kernel. */
    KernelGuests() {
        this(ShellSession.I386);
    }

    /** Tests the kernel that has these sessions. */
    KernelGuests(ShellSession shell) {
        this.shell = shell;
    }

    private String session(String... exchanges) {
        return shell.session(exchanges);
    }

    @Test
    @KvmGuest
    void bootsWithABannerShowsTheMenuAndWaitsForInput(Outcome outcome) {
        assertThat(outcome).waitsForInterrupt().hasConsole(shell.banner() + MENU + PROMPT);
    }

    @Test
    @KvmGuest(input = "0\n")
    void exitReportsSuccess(Outcome outcome) {
        assertThat(outcome).debugExited(0).hasConsole(session());
    }

    @Test
    @KvmGuest(input = "exit 7\n")
    void exitReportsTheStatusThatItIsGiven(Outcome outcome) {
        assertThat(outcome).debugExited(7).consoleContains(PROMPT + "exit 7\nBye.\n");
    }

    @Test
    @KvmGuest(input = "0\n", strictPorts = true)
    void usesNoPortThatNoDeviceHas(Outcome outcome) {
        assertThat(outcome).debugExited(0).hasNoUnclaimedPorts();
    }

    @Test
    @KvmGuest(input = "1\n0\n")
    void multiplicationTableGoesFromTwoToNine(Outcome outcome) {
        assertThat(outcome).debugExited(0).hasConsole(session("1", TABLES));
    }

    @Test
    @KvmGuest(input = "2\n0\n")
    void counterCountsFromZeroToNineByTheTimer(Outcome outcome) {
        assertThat(outcome).debugExited(0).hasConsole(session("2", COUNTED));
    }

    @Test
    @KvmGuest(input = "3\nHello, World!\n0\n")
    void echoRepeatsALine(Outcome outcome) {
        assertThat(outcome).debugExited(0).hasConsole(session("3", "Text: Hello, World!\nHello, World!\n"));
    }

    @Test
    @KvmGuest(input = "4\n0\n")
    void fibonacciPrintsTheFirstNumbers(Outcome outcome) {
        assertThat(outcome).debugExited(0).hasConsole(session("4", NUMBERS_OF_FIBONACCI));
    }

    @Test
    @KvmGuest(input = "5\n0\n")
    void primesGoTo100(Outcome outcome) {
        assertThat(outcome).debugExited(0).hasConsole(session("5", PRIMES));
    }

    @Test
    @KvmGuest(input = "6\n6 * 7\n0\n")
    void calculatorMultiplies(Outcome outcome) {
        assertThat(outcome).debugExited(0).hasConsole(session("6", "Calculate, such as 6 * 7: 6 * 7\n6 * 7 = 42\n"));
    }

    @Test
    @KvmGuest(input = "6 2+3\ncalculator 2 - 5\n6 -7/2\n6 -7 % 2\n6 -2147483648 + 0\n0\n")
    void calculatorTakesItsTaskFromTheCommandLine(Outcome outcome) {
        assertThat(outcome)
                .debugExited(0)
                .hasConsole(session(
                        "6 2+3", "2 + 3 = 5\n",
                        "calculator 2 - 5", "2 - 5 = -3\n",
                        "6 -7/2", "-7 / 2 = -3\n",
                        "6 -7 % 2", "-7 % 2 = -1\n",
                        "6 -2147483648 + 0", "-2147483648 + 0 = -2147483648\n"));
    }

    @Test
    @KvmGuest(
            input =
                    "6 1 / 0\n6 1 % 0\n6 65536 * 65536\n6 -2147483648 / -1\n6 2147483648 + 1\n6 x\n6 1 ^ 2\n6 1 +\n6 1 + 2 3\n0\n")
    void calculatorSaysWhatIsWrong(Outcome outcome) {
        String number = "Error: a number is missing or too large\ncalculator returned 1\n";
        String form = "Error: a calculation is a number, an operator and a number\ncalculator returned 1\n";
        String zero = "Error: division by zero\ncalculator returned 1\n";
        String large = "Error: the result is too large\ncalculator returned 1\n";
        assertThat(outcome)
                .debugExited(0)
                .hasConsole(session(
                        "6 1 / 0", zero,
                        "6 1 % 0", zero,
                        "6 65536 * 65536", large,
                        "6 -2147483648 / -1", large,
                        "6 2147483648 + 1", number,
                        "6 x", number,
                        "6 1 ^ 2", "Error: the operators are + - * / %\ncalculator returned 1\n",
                        "6 1 +", form,
                        "6 1 + 2 3", form));
    }

    @Test
    @KvmGuest(input = "7\n0\n")
    void factorialsGoTo12(Outcome outcome) {
        assertThat(outcome).debugExited(0).hasConsole(session("7", FACTORIALS));
    }

    @Test
    @KvmGuest(input = "8\n48 18\ngcd 7 13\n8 0 1\n8 12\n0\n")
    void gcdTakesTwoPositiveNumbers(Outcome outcome) {
        String error = "Error: two positive numbers are needed\ngcd returned 1\n";
        assertThat(outcome)
                .debugExited(0)
                .hasConsole(session(
                        "8",
                        "Two numbers: 48 18\ngcd(48, 18) = 6\n",
                        "gcd 7 13",
                        "gcd(7, 13) = 1\n",
                        "8 0 1",
                        error,
                        "8 12",
                        error));
    }

    @Test
    @KvmGuest(input = "9\n0\n")
    void aboutSaysWhatThisIs(Outcome outcome) {
        assertThat(outcome)
                .debugExited(0)
                .consoleMatches("9\n" + Pattern.quote(shell.about()) + "\\d+ pages of memory are free\\.\n");
    }

    @Test
    @KvmGuest(input = "5\n4\n6\n6 * 7\nmenu\n7\n5\n0\n")
    void severalProgramsRunInOneSession(Outcome outcome) {
        assertThat(outcome)
                .debugExited(0)
                .hasConsole(session(
                        "5", PRIMES,
                        "4", NUMBERS_OF_FIBONACCI,
                        "6", "Calculate, such as 6 * 7: 6 * 7\n6 * 7 = 42\n",
                        "menu", MENU,
                        "7", FACTORIALS,
                        "5", PRIMES));
    }

    @Test
    @KvmGuest(input = "9\n1\n5\ndivide\nwild\n3\nx\n9\n0\n")
    void programsLeaveNoMemoryBehind(Outcome outcome) {
        assertThat(outcome).debugExited(0);
        Matcher free = Pattern.compile("(\\d+) pages of memory").matcher(outcome.console());
        assertThat(free.results().map(match -> match.group(1)).distinct()).hasSize(1);
    }

    @Test
    @KvmGuest(input = "42\nx\n\n   \n-1\n1 \naverylongprogramname\n0\n")
    void badInputAtTheMenuGetsAnAnswer(Outcome outcome) {
        String unknown = ": no such program, or no room for it; try menu\n";
        assertThat(outcome)
                .debugExited(0)
                .hasConsole(session(
                        "42", "42" + unknown,
                        "x", "x" + unknown,
                        "", "",
                        "   ", "",
                        "-1", "-1" + unknown,
                        "1 ", TABLES,
                        "averylongprogramname", "averylongprogramname" + unknown));
    }

    @Test
    @KvmGuest(input = "33\b\b\b3\nHallo\b\b\b\bello\u007f\u007fp\n0\n")
    void backspaceAndDeleteTakeCharactersBack(Outcome outcome) {
        String erased = "\b \b";
        assertThat(outcome)
                .debugExited(0)
                .hasConsole(session(
                        "33" + erased.repeat(2) + "3",
                        "Text: Hallo" + erased.repeat(4) + "ello" + erased.repeat(2) + "p\nHelp\n"));
    }

    @Test
    @KvmGuest(
            input =
                    "3\n0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
                            + "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
                            + "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef and what is beyond\n0\n")
    void echoOfALongLineEndsWhereTheLineIsFull(Outcome outcome) {
        String kept = A_LONG_LINE.substring(0, 255);
        assertThat(outcome).debugExited(0).hasConsole(session("3", "Text: " + kept + "\n" + kept + "\n"));
    }

    @Test
    @KvmGuest(input = "divide\n5\n0\n", watchExceptions = true)
    void divisionByZeroEndsTheProgramAndNotTheShell(Outcome outcome) {
        assertThat(outcome)
                .debugExited(0)
                .consoleMatches(
                        "Select: divide\ndivide was killed: #DE divide error at 0x4000[0-9a-f]{4}\nSelect: 5\n2 3 5 ")
                .tookExceptions("#DE");
    }

    @Test
    @KvmGuest(input = "wild\n5\n0\n")
    void wildPointerEndsTheProgramAndNotTheShell(Outcome outcome) {
        assertThat(outcome)
                .debugExited(0)
                .consoleMatches(
                        "Select: wild\nwild was killed: #PF page fault at 0x4000[0-9a-f]{4}, writing 0xdeadbee0\n"
                                + "Select: 5\n2 3 5 ");
    }

    @Test
    @KvmGuest(input = "privileged\n5\n0\n")
    void privilegedInstructionEndsTheProgramAndNotTheShell(Outcome outcome) {
        assertThat(outcome)
                .debugExited(0)
                .consoleMatches(
                        "privileged was killed: #GP general protection at 0x4000[0-9a-f]{4}\nSelect: 5\n2 3 5 ");
    }

    @Test
    @KvmGuest(input = "steal\n0\n")
    void kernelDoesNotPrintItsOwnMemoryForAProgram(Outcome outcome) {
        assertThat(outcome).debugExited(0).hasConsole(session("steal", "steal was refused\n"));
    }

    @Test
    @KvmGuest(input = "spin &\n1\n2\nps\nkill 2\nps\n0\n")
    void timerTakesTheProcessorFromAProgramThatSpins(Outcome outcome) {
        assertThat(outcome).debugExited(0).consoleContains("Select: 1\n" + TABLES + "Select: 2\n" + COUNTED);
        assertThat(outcome)
                .consoleMatches("Select: ps\n1 shell, \\d+ ticks\n2 spin, [1-9]\\d* ticks, background\n"
                        + "Select: kill 2\nspin was killed\nSelect: ps\n1 shell, \\d+ ticks\nSelect: 0\n");
    }

    @Test
    @KvmGuest(input = "kill 2\nkill x\nspin &\nspin &\nkill 3\nkill 3\n0\n")
    void killSaysWhenThereIsNothingToKill(Outcome outcome) {
        assertThat(outcome)
                .debugExited(0)
                .hasConsole(session(
                        "kill 2", "kill: no process 2\n",
                        "kill x", "kill: no process x\n",
                        "spin &", "spin is process 2\n",
                        "spin &", "spin is process 3\n",
                        "kill 3", "spin was killed\n",
                        "kill 3", "kill: no process 3\n"));
    }

    @Test
    @KvmGuest(input = "spin &\nspin &\nspin &\nspin &\nspin &\nspin &\nspin &\nspin &\n0\n")
    void eighthProcessBesideTheShellFindsNoPlace(Outcome outcome) {
        assertThat(outcome)
                .debugExited(0)
                .consoleContains(
                        "spin is process 8\nSelect: spin &\nspin: no such program, or no room for it; try menu\n");
    }

    @Test
    @KvmGuest(input = "kill 1\n")
    void endOfTheShellByForceIsAPanicWithFileAndLine(Outcome outcome) {
        assertThat(outcome)
                .debugExited(255)
                .consoleMatches(
                        "shell was killed\nPANIC src/main/guest/kernel/process\\.c:\\d+: shell, the first process, was killed\n");
    }

    @Test
    @KvmGuest(
            input =
                    "files\ncat motd.txt\nwrite note.txt Hello, file!\ncat note.txt\nwrite note.txt Again\ncat note.txt\nfiles\n0\n")
    void filesAreReadAndWritten(Outcome outcome) {
        String builtIn = "motd.txt, 79 bytes\npoem.txt, 136 bytes\n";
        assertThat(outcome)
                .debugExited(0)
                .hasConsole(session(
                        "files", builtIn,
                        "cat motd.txt",
                                "Welcome to 1K OS.\nYou are in ring 3, and this file comes out of a tar archive.\n",
                        "write note.txt Hello, file!", "",
                        "cat note.txt", "Hello, file!\n",
                        "write note.txt Again", "",
                        "cat note.txt", "Again\n",
                        "files", builtIn + "note.txt, 6 bytes\n"));
    }

    @Test
    @KvmGuest(
            input =
                    "cat nothing\ncat\nwrite averylongfilename x\nwrite\nwrite a\nwrite a 1\nwrite b 2\nwrite c 3\nwrite d 4\nwrite e 5\nwrite f 6\nwrite g 7\n0\n")
    void fileSystemSaysWhatItCannotDo(Outcome outcome) {
        assertThat(outcome)
                .debugExited(0)
                .hasConsole(session(
                        "cat nothing", "cat: no file nothing\n",
                        "cat", "cat: no file \n",
                        "write averylongfilename x", "write: no room for averylongfilename\n",
                        "write", "write: a name and a text are needed\n",
                        "write a", "write: a name and a text are needed\n",
                        "write a 1", "",
                        "write b 2", "",
                        "write c 3", "",
                        "write d 4", "",
                        "write e 5", "",
                        "write f 6", "",
                        "write g 7", "write: no room for g\n"));
    }
}
