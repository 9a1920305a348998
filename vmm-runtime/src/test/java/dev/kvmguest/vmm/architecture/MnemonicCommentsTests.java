package dev.kvmguest.vmm.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.internal.emulator.decode.Decoder;
import dev.kvmguest.vmm.internal.emulator.decode.Disassembler;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.OperationTable;
import dev.kvmguest.vmm.internal.x86.CpuMode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * The mnemonics in comments beside the bytes of a test's guest are those of the bytes, as the disassembler has them. Checked
 * is a comment that begins with a mnemonic, behind a string literal of hexadecimal bytes or on the lines right above it.
 */
class MnemonicCommentsTests {

    private static final Path SOURCES = Path.of("src", "test", "java");

    /** More than the guests that have been deleted or given other comments since this was written. */
    private static final int FEWEST = 400;

    private static final int LONGEST = 16;

    private static final Pattern HEX = Pattern.compile("\"((?:[0-9a-f]{2} ?)+)\"");
    private static final Pattern TRAILING = Pattern.compile("^[^\"]*(?:\"[^\"]*\"[^\"/]*)*// (.*)$");
    private static final Pattern ABOVE = Pattern.compile("^ *(?://|/\\*\\*|\\*) ?(?:\\{@code )?(.*?)}?\\.?(?: \\*/)?$");
    private static final Pattern LABEL = Pattern.compile("^\\w+: ");

    private static final Map<String, String> OTHER_NAMES = Map.ofEntries(
            Map.entry("jz", "je"), Map.entry("jnz", "jne"), Map.entry("jc", "jb"), Map.entry("jnc", "jae"));

    private static final Set<String> MNEMONICS =
            Arrays.stream(Mnemonic.values()).map(Mnemonic::text).collect(Collectors.toCollection(TreeSet::new));

    private static final Set<String> PREFIXES =
            Set.of("rep", "repe", "repne", "lock", "o16", "o32", "o64", "a16", "a32");

    @Test
    void mnemonicsAreThoseOfTheBytes() throws IOException {
        List<String> wrong = new ArrayList<>();
        int checked = 0;
        try (Stream<Path> files = Files.walk(SOURCES)) {
            for (Path file :
                    files.filter(path -> path.toString().endsWith(".java")).toList()) {
                List<String> lines = Files.readAllLines(file);
                for (int i = 0; i < lines.size(); i++) {
                    byte[] code = code(lines.get(i));
                    List<String> said = said(comment(lines, i));
                    if (code.length < 2 || said.isEmpty()) {
                        continue;
                    }
                    checked++;
                    List<String> of16Bits = found(code, CpuMode.REAL16);
                    List<String> of32Bits = found(code, CpuMode.PROTECTED32);
                    List<String> of64Bits = found(code, CpuMode.LONG64);
                    if (!agree(said, of16Bits) && !agree(said, of32Bits) && !agree(said, of64Bits)) {
                        wrong.add(SOURCES.relativize(file) + ":" + (i + 1) + " says " + said + ", and there is "
                                + of16Bits + " or " + of32Bits + " or " + of64Bits);
                    }
                }
            }
        }
        assertThat(wrong).isEmpty();
        assertThat(checked).isGreaterThan(FEWEST);
    }

    /** Returns the bytes in a line; none if it has several literals, since nothing says which of them a comment is about. */
    private static byte[] code(String line) {
        List<String> literals =
                HEX.matcher(line).results().map(literal -> literal.group(1)).toList();
        return literals.size() == 1 ? HexFormat.of().parseHex(literals.get(0).replace(" ", "")) : new byte[0];
    }

    /** A comment may end before the bytes, which go on with data, or go on where other bytes do. */
    private static boolean agree(List<String> said, List<String> found) {
        int both = Math.min(said.size(), found.size());
        return both > 0 && said.subList(0, both).equals(found.subList(0, both));
    }

    private static String comment(List<String> lines, int at) {
        Matcher trailing = TRAILING.matcher(lines.get(at));
        if (trailing.matches()) {
            return trailing.group(1);
        }
        StringBuilder above = new StringBuilder();
        for (int i = at - 1; i >= 0; i--) {
            Matcher line = ABOVE.matcher(lines.get(i));
            if (!line.matches()) {
                break;
            }
            above.insert(0, line.group(1) + " ");
        }
        return above.toString();
    }

    private static List<String> said(String comment) {
        List<String> mnemonics = new ArrayList<>();
        for (String piece : comment.split(";")) {
            String text = LABEL.matcher(piece.trim()).replaceFirst("");
            List<String> words = Stream.of(text.split("[ ,]+"))
                    .filter(word -> !PREFIXES.contains(word))
                    .toList();
            String first = words.isEmpty() ? "" : words.get(0);
            String name = OTHER_NAMES.getOrDefault(first, first);
            if (!MNEMONICS.contains(name)) {
                return List.of();
            }
            mnemonics.add(name);
        }
        return mnemonics;
    }

    private static List<String> found(byte[] code, CpuMode mode) {
        Decoder decoder = new Decoder(new OperationTable());
        byte[] padded = Arrays.copyOf(code, code.length + LONGEST);
        List<String> mnemonics = new ArrayList<>();
        for (int at = 0; at < code.length; ) {
            int start = at;
            Instruction instruction = decoder.decode(i -> padded[start + i] & 0xff, 0x1000 + at, mode);
            mnemonics.add(Stream.of(Disassembler.text(instruction).split(" "))
                    .filter(word -> !PREFIXES.contains(word))
                    .findFirst()
                    .orElse(""));
            at += instruction.length;
            if (at > code.length) {
                mnemonics.remove(mnemonics.size() - 1);
            }
        }
        return mnemonics;
    }
}
