package dev.kvmguest.maven.decoder;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * An instruction as LLVM prints it in Intel syntax, brought into a form that can be compared.
 *
 * @param mnemonic its name
 * @param operands its operands: numbers as decimal, memory as {@code WIDTH SEGMENT [BASE+SCALE*INDEX+DISPLACEMENT]} with
 *     a question mark for a width that the text leaves open
 */
record LlvmText(String mnemonic, List<String> operands) {

    private static final Pattern MEMORY = Pattern.compile("(?:(\\w+) ptr )?(?:([c-gs]s):)?\\[(.*)]");
    private static final Pattern STACK_REGISTER = Pattern.compile("st\\((\\d)\\)");

    private static final Set<String> FAR = Set.of("lcall", "ljmp");
    /** What LLVM calls the index register of a SIB byte that has none. */
    private static final String NO_INDEX = "eiz";

    static LlvmText parse(String text, int addressSize) {
        long addressMask = addressSize == 2 ? 0xffff : 0xffff_ffffL;
        String[] words = text.split("\\s+", 2);
        List<String> operands = new ArrayList<>();
        if (words.length > 1) {
            for (String operand : words[1].split(", ")) {
                operands.add(operand(operand.strip(), addressMask));
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

    private static String operand(String text, long addressMask) {
        Matcher memory = MEMORY.matcher(text);
        if (memory.matches()) {
            return memory(memory.group(1), memory.group(2), memory.group(3), addressMask);
        }
        return text.equals("st") ? "st0" : STACK_REGISTER.matcher(text).replaceFirst("st$1");
    }

    private static String memory(String size, String segment, String address, long addressMask) {
        String base = "";
        String index = "";
        long displacement = 0;
        boolean negative = false;
        for (String term : address.split(" ")) {
            if (term.equals("-")) {
                negative = true;
            } else if (term.contains(NO_INDEX)) {
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
        return width(size) + " " + shownSegment + " [" + base + "+" + index + "+" + (displacement & addressMask) + "]";
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
