package dev.kvmguest.maven.decoder;

import dev.kvmguest.vmm.internal.x86.AddressPolicy;
import dev.kvmguest.vmm.internal.x86.CpuMode;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * An instruction as LLVM prints it in Intel syntax, brought into a form that can be compared.
 *
 * @param mnemonic its name
 * @param operands its operands: numbers as decimal, memory as {@code WIDTH SEGMENT [BASE+SCALE*INDEX+DISPLACEMENT]}
 *     with a question mark for a width that the text leaves open, and {@link #FLAT} for segments that 64-bit code
 *     ignores
 */
record LlvmText(String mnemonic, List<String> operands) {

    private static final Pattern MEMORY = Pattern.compile("(?:(\\w+) ptr )?(?:([c-gs]s):)?\\[(.*)]");
    private static final Pattern FLAT_SEGMENT = Pattern.compile("[c-es]s");
    private static final String FLAT = "flat";
    private static final Pattern STACK_REGISTER = Pattern.compile("st\\((\\d)\\)");

    private static final Set<String> FAR = Set.of("lcall", "ljmp");
    /** What LLVM calls the index register of a SIB byte that has none. */
    private static final Set<String> NO_INDEX = Set.of("eiz", "riz");

    static LlvmText parse(String text, int addressSize, CpuMode mode) {
        long addressMask = AddressPolicy.offsetMask(addressSize);
        String[] words = text.split("\\s+", 2);
        List<String> operands = new ArrayList<>();
        if (words.length > 1) {
            for (String operand : words[1].split(", ")) {
                operands.add(operand(operand.strip(), addressMask, mode));
            }
        }
        if (FAR.contains(words[0]) && operands.size() == 2) {
            // A selector and an offset.
            long selector = Long.parseLong(operands.get(0)) & 0xffff;
            long offset = Long.parseLong(operands.get(1)) & 0xffff_ffffL;
            operands = List.of(selector + ":" + offset);
        }
        return new LlvmText(words[0], operands);
    }

    /** Returns what stands for a segment: the base of all but two is 0 in 64-bit code, whatever a prefix says. */
    static String segment(String name, CpuMode mode) {
        return mode.is64() && FLAT_SEGMENT.matcher(name).matches() ? FLAT : name;
    }

    private static String operand(String text, long addressMask, CpuMode mode) {
        Matcher memory = MEMORY.matcher(text);
        if (memory.matches()) {
            return memory(memory.group(1), memory.group(2), memory.group(3), addressMask, mode);
        }
        return text.equals("st") ? "st0" : STACK_REGISTER.matcher(text).replaceFirst("st$1");
    }

    private static String memory(String size, String segment, String address, long addressMask, CpuMode mode) {
        String base = "";
        String index = "";
        long displacement = 0;
        boolean negative = false;
        for (String term : address.split(" ")) {
            if (term.equals("-")) {
                negative = true;
            } else if (NO_INDEX.contains(term.substring(term.indexOf('*') + 1))) {
                continue;
            } else if (term.contains("*")) {
                index = term;
            } else if (Character.isLetter(term.charAt(0))) {
                if (base.isEmpty()) {
                    base = term;
                } else {
                    index = "1*" + term;
                }
            } else if (!term.equals("+")) {
                displacement = negative ? -Long.parseLong(term) : Long.parseLong(term);
            }
        }
        String shownSegment = segment != null ? segment : base.endsWith("bp") || base.endsWith("sp") ? "ss" : "ds";
        return width(size) + " " + segment(shownSegment, mode) + " [" + base + "+" + index + "+"
                + (displacement & addressMask) + "]";
    }

    private static String width(String size) {
        if (size == null) {
            return "?";
        }
        return switch (size) {
            case "byte" -> "1";
            case "word" -> "2";
            case "dword" -> "4";
            case "fword" -> "6";
            case "qword" -> "8";
            case "tbyte" -> "10";
            case "xmmword" -> "16";
            default -> size;
        };
    }
}
