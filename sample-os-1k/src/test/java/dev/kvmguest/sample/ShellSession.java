package dev.kvmguest.sample;

import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** What the console of the kernel shows: the banner, the menu, and what was typed at the prompt with what came of it. */
final class ShellSession {

    /** With the 32-bit kernel, which leaves the first 1 MiB of 16 MiB to itself and the boot loader. */
    static final ShellSession I386 = new ShellSession(32, 15360);

    /** With the 64-bit kernel, which leaves the first 2 MiB. */
    static final ShellSession X86_64 = new ShellSession(64, 14336);

    static final String MENU = """
            1) multiplication table
            2) counter
            3) echo
            4) Fibonacci numbers
            5) primes to 100
            6) calculator
            7) factorials of 0 to 12
            8) greatest common divisor
            9) about
            0) exit
            or: menu, ps, kill NUMBER, files, cat FILE, write FILE TEXT, flush, PROGRAM [ARGUMENTS] [&]
            """;
    static final String PROMPT = "Select: ";

    /** What the programs of the menu print, by their numbers. */
    static final String TABLES = IntStream.rangeClosed(2, 9)
            .boxed()
            .flatMap(table ->
                    IntStream.rangeClosed(1, 9).mapToObj(line -> table + " x " + line + " = " + table * line + "\n"))
            .collect(Collectors.joining());

    static final String COUNTED = "0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n";
    static final String NUMBERS_OF_FIBONACCI = "0 1 1 2 3 5 8 13 21 34 55 89 144 233 377 610 987 1597 2584 4181 6765\n";
    static final String PRIMES = "2 3 5 7 11 13 17 19 23 29 31 37 41 43 47 53 59 61 67 71 73 79 83 89 97\n";
    static final String FACTORIALS = """
            0! = 1
            1! = 1
            2! = 2
            3! = 6
            4! = 24
            5! = 120
            6! = 720
            7! = 5040
            8! = 40320
            9! = 362880
            10! = 3628800
            11! = 39916800
            12! = 479001600
            """;

    private final int bits;
    private final int kibFree;

    private ShellSession(int bits, int kibFree) {
        this.bits = bits;
        this.kibFree = kibFree;
    }

    /** Returns what the kernel says before it starts the shell. */
    String banner() {
        return "1K OS\nconsole on COM1, " + kibFree + " KiB free, 2 files\n";
    }

    /** Returns the first line of the program that tells about the kernel. */
    String about() {
        return "1K OS is a small kernel for " + bits + "-bit x86: ring 3, paging, processes, files in memory.\n";
    }

    /**
     * Returns the console of a session that ends with exit, typed as 0.
     *
     * @param exchanges a line typed at the prompt and what is shown after it, by turns
     */
    String session(String... exchanges) {
        StringBuilder console = new StringBuilder(banner()).append(MENU);
        for (int i = 0; i < exchanges.length; i += 2) {
            console.append(PROMPT).append(exchanges[i]).append('\n').append(exchanges[i + 1]);
        }
        return console.append(PROMPT).append("0\nBye.\n").toString();
    }
}
