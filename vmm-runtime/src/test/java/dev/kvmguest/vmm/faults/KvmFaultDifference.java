package dev.kvmguest.vmm.faults;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Something that some KVM does otherwise than the fault tables say: a line of {@code kvm-differences.txt} beside them.
 *
 * @param kind the KVM, by a word of its {@code KvmKind}
 * @param lines the table and the titles where that is so, as in {@code gates: INT through a gate}
 * @param effect all that is different there, as {@link Expected} says it, with {@code ;} between; or {@code efl without
 *     0x10000} for a number that lacks these bits and is right but for that; or {@code not run} where it would end more
 *     than the guest
 * @param reason why
 */
record KvmFaultDifference(String kind, Pattern lines, String effect, String reason) {

    private static final String LIST = "kvm-differences.txt";
    private static final int COLUMNS = 4;
    private static final String NOT_RUN = "not run";
    private static final Pattern WITHOUT = Pattern.compile("(\\w+) without (0x[0-9a-f]+)");
    private static final Pattern NUMBERS = Pattern.compile("(\\w+) is (\\S+), not (\\S+)");

    static List<KvmFaultDifference> list() {
        try (InputStream in = KvmFaultDifference.class.getResourceAsStream(LIST)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .filter(line -> !line.isBlank() && !line.startsWith(";"))
                    .map(KvmFaultDifference::parse)
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static KvmFaultDifference parse(String line) {
        String[] columns = line.strip().split("\\s+\\|\\s+");
        if (columns.length != COLUMNS) {
            throw new IllegalArgumentException(columns.length + " columns: " + line);
        }
        return new KvmFaultDifference(columns[0], glob(columns[1]), columns[2], columns[3]);
    }

    /** A star stands for any characters. */
    private static Pattern glob(String text) {
        return Pattern.compile("\\Q" + text.replace("*", "\\E.*\\Q") + "\\E");
    }

    /** Returns whether the lines that this is about can't be run at all. */
    boolean isNotRun() {
        return effect.equals(NOT_RUN);
    }

    /** Returns whether this is about a line. */
    boolean isAbout(String table, FaultLine line) {
        return lines.matcher(table + ": " + line.title()).matches();
    }

    /** Returns whether this is a number that lacks the listed bits, and is right but for that. */
    boolean isMissingBits(String difference) {
        Matcher without = WITHOUT.matcher(effect);
        Matcher numbers = NUMBERS.matcher(difference);
        return without.matches()
                && numbers.matches()
                && numbers.group(1).equals(without.group(1))
                && Long.decode(numbers.group(2)) == (Long.decode(numbers.group(3)) & ~Long.decode(without.group(2)));
    }

    @Override
    public String toString() {
        return lines.pattern() + " | " + effect + " | " + reason;
    }
}
