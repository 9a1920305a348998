package dev.kvmguest.maven.decoder;

import dev.kvmguest.vmm.internal.x86.CpuMode;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** LLVM's disassembler for single instructions, {@code llvm-mc --disassemble}. */
final class LlvmMc {

    private static final HexFormat BYTES = HexFormat.ofDelimiter(" ").withPrefix("0x");
    private static final Pattern WARNING = Pattern.compile("<stdin>:(\\d+):\\d+: warning: .*");
    private static final Set<String> PREFIXES = Set.of(
            "lock",
            "rep",
            "repne",
            "data16",
            "addr16",
            "addr32",
            "notrack",
            "xacquire",
            "xrelease",
            "es",
            "cs",
            "ss",
            "ds",
            "fs",
            "gs");
    /** What MARKER + n in EAX says: what was printed before is the n-th encoding's. */
    private static final int MARKER = 0x5e00_0000;

    private final Path program;
    private final Path folder;

    /**
     * What LLVM makes of some bytes.
     *
     * @param instructions their texts without prefixes, up to the first one that it doesn't know
     * @param complete whether it knows them all, and the last one ends where the bytes end
     */
    record Disassembly(List<String> instructions, boolean complete) {}

    /** Creates a disassembler that puts its files into a folder. */
    LlvmMc(Path program, Path folder) {
        this.program = program;
        this.folder = folder;
    }

    /** Disassembles each of these encodings on its own, in one run of the program. */
    List<Disassembly> disassemble(List<byte[]> encodings, CpuMode mode) throws IOException, InterruptedException {
        Path in = folder.resolve("in.txt");
        Path out = folder.resolve("out.txt");
        Path warnings = folder.resolve("warnings.txt");
        write(in, encodings, mode);
        int status = new ProcessBuilder(
                        program.toString(),
                        "--disassemble",
                        "--triple=" + triple(mode),
                        "--output-asm-variant=1",
                        "--show-encoding")
                .redirectInput(in.toFile())
                .redirectOutput(out.toFile())
                .redirectError(warnings.toFile())
                .start()
                .waitFor();
        // It ends with 1 when there was anything to warn of.
        if (status > 1) {
            throw new IOException(program + " ended with status " + status);
        }
        return read(out, linesWarnedOf(warnings), encodings.size());
    }

    private static String triple(CpuMode mode) {
        if (mode.is64()) {
            return "x86_64-unknown-unknown";
        }
        return "i386-unknown-unknown" + (mode.operandSize() == 4 ? "" : "-code16");
    }

    /** Brackets keep an encoding apart from the next line: what is wrong in it is skipped up to its end. */
    private static void write(Path file, List<byte[]> encodings, CpuMode mode) throws IOException {
        try (BufferedWriter writer = Files.newBufferedWriter(file, StandardCharsets.US_ASCII)) {
            for (int i = 0; i < encodings.size(); i++) {
                int marker = MARKER + i;
                writer.append('[').append(BYTES.formatHex(encodings.get(i))).append("]\n");
                writer.append(mode.operandSize() == 4 ? "[0xb8 " : "[0x66 0xb8 ")
                        .append(BYTES.formatHex(new byte[] {
                            (byte) marker, (byte) (marker >> 8), (byte) (marker >> 16), (byte) (marker >> 24)
                        }))
                        .append("]\n");
            }
        }
    }

    private static BitSet linesWarnedOf(Path warnings) throws IOException {
        BitSet lines = new BitSet();
        try (Stream<String> text = Files.lines(warnings, StandardCharsets.US_ASCII)) {
            text.map(WARNING::matcher)
                    .filter(Matcher::matches)
                    .forEach(matcher -> lines.set(Integer.parseInt(matcher.group(1))));
        }
        return lines;
    }

    private static List<Disassembly> read(Path out, BitSet warned, int count) throws IOException {
        List<Disassembly> disassemblies = new ArrayList<>(count);
        List<String> instructions = new ArrayList<>();
        try (Stream<String> lines = Files.lines(out, StandardCharsets.US_ASCII)) {
            for (String line : (Iterable<String>) lines::iterator) {
                int comment = line.indexOf("# encoding");
                if (comment < 0) {
                    continue;
                }
                String instruction = line.substring(0, comment).strip();
                int encoding = disassemblies.size();
                if (instruction.equals("mov\teax, " + (MARKER + encoding))) {
                    disassemblies.add(new Disassembly(List.copyOf(instructions), !warned.get(2 * encoding + 1)));
                    instructions.clear();
                } else {
                    String text = withoutPrefixes(instruction);
                    if (!text.isEmpty()) {
                        instructions.add(text);
                    }
                }
            }
        }
        if (disassemblies.size() != count) {
            throw new IOException(disassemblies.size() + " of " + count + " encodings came back");
        }
        return disassemblies;
    }

    /** A prefix may have a line of its own, or be in front of the name. */
    private static String withoutPrefixes(String instruction) {
        String text = instruction;
        while (PREFIXES.contains(text.split("\\s", 2)[0])) {
            text = text.replaceFirst("\\S+\\s*", "");
        }
        return text;
    }
}
