package dev.kvmguest.vmm.internal.emulator.decode;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/** The opcode map and the traits of mnemonics, read from {@code opcodes.txt}, which says how it is written. */
final class OpcodeMap {

    /** Columns of an opcode for mandatory prefixes. */
    static final int NO_PREFIX = 0;

    static final int PREFIX_66 = 1;
    static final int PREFIX_F3 = 2;
    static final int PREFIX_F2 = 3;
    /** The columns of 64-bit mode come after these four. */
    static final int IN_64_BIT_MODE = 4;

    private static final int TWO_BYTES = 0x100;
    private static final int THREE_BYTES_38 = 0x200;
    private static final int THREE_BYTES_3A = 0x300;
    private static final OpcodeMap MAP = read();

    private final Opcode[] opcodes = new Opcode[THREE_BYTES_3A + 0x100];
    /** By mnemonic: bit n is set if it has trait n. */
    private final int[] traits = new int[Mnemonic.values().length];

    /**
     * One form of an instruction.
     *
     * @param mnemonics its names for operands of 16, 32 and 64 bits (of JCXZ, addresses); the last is for wider ones
     *     too
     * @param operands its operands
     * @param size64 what 64-bit mode does to its operand size
     */
    record Form(Mnemonic[] mnemonics, OperandForm[] operands, OperandSize64 size64) {

        /** Returns its name, by which it is the same at every size. */
        Mnemonic mnemonic() {
            return mnemonics[0];
        }

        /** Returns its name for a size of operands (of JCXZ, addresses): 2, 4 or 8 bytes. */
        Mnemonic mnemonic(int size) {
            return mnemonics[Math.min(Integer.numberOfTrailingZeros(size) - 1, mnemonics.length - 1)];
        }

        boolean needsModRm() {
            for (OperandForm operand : operands) {
                if (operand.needsModRm()) {
                    return true;
                }
            }
            return false;
        }
    }

    /** What an opcode means: one form, or one for each mandatory prefix and each ModRM byte. */
    static final class Opcode {

        private static final String[] COLUMNS = {"np", "66", "F3", "F2"};

        private final Form[] plain = new Form[IN_64_BIT_MODE + COLUMNS.length];
        /** By mandatory prefix, with those of 64-bit mode, and ModRM byte; null where ModRM doesn't select. */
        private final Form[][] byModRm = new Form[plain.length][];

        private boolean prefixed;

        /** Returns whether a prefix 66, F3 or F2 is part of the opcode. */
        boolean isPrefixed() {
            return prefixed;
        }

        /** Returns whether ModRM has to be looked at to know the form. */
        boolean isSelectedByModRm(int column) {
            return byModRm[column] != null;
        }

        /** Returns the form for a prefix, or null. */
        Form form(int column) {
            return plain[column];
        }

        /** Returns the form for a prefix and a ModRM byte, or null. */
        Form form(int column, int modRm) {
            return byModRm[column][modRm];
        }

        private void add(String prefix, String selector, String mode, Form form) {
            for (int column = 0; column < COLUMNS.length; column++) {
                if (prefix.isEmpty() || prefix.equals(COLUMNS[column])) {
                    if (!mode.equals("o64")) {
                        add(column, selector, form);
                    }
                    if (!mode.equals("i64")) {
                        add(IN_64_BIT_MODE + column, selector, form);
                    }
                }
            }
            prefixed |= !prefix.isEmpty();
        }

        private void add(int column, String selector, Form form) {
            if (selector.isEmpty()) {
                plain[column] = form;
                return;
            }
            if (byModRm[column] == null) {
                byModRm[column] = new Form[0x100];
            }
            for (int modRm = 0; modRm < 0x100; modRm++) {
                if (selects(selector, modRm)) {
                    byModRm[column][modRm] = form;
                }
            }
        }

        private static boolean selects(String selector, int modRm) {
            if (selector.startsWith("=")) {
                return Integer.parseInt(selector.substring(1), 16) == modRm;
            }
            boolean memory = modRm < 0xc0;
            boolean field = !Character.isDigit(selector.charAt(1)) || selector.charAt(1) - '0' == (modRm >> 3 & 7);
            return field && !(selector.endsWith("m") && !memory) && !(selector.endsWith("r") && memory);
        }
    }

    /** Returns what a one-byte opcode means, or null. */
    static Opcode oneByte(int opcode) {
        return MAP.opcodes[opcode];
    }

    /** Returns what 0F and this byte mean, or null. */
    static Opcode twoBytes(int opcode) {
        return MAP.opcodes[TWO_BYTES + opcode];
    }

    /** Returns what 0F, 38 and this byte mean, or null. */
    static Opcode threeBytes38(int opcode) {
        return MAP.opcodes[THREE_BYTES_38 + opcode];
    }

    /** Returns what 0F, 3A and this byte mean, or null. */
    static Opcode threeBytes3A(int opcode) {
        return MAP.opcodes[THREE_BYTES_3A + opcode];
    }

    /** Returns whether instructions of a name have a trait. */
    static boolean has(Mnemonic mnemonic, Trait trait) {
        return (MAP.traits[mnemonic.ordinal()] >>> trait.ordinal() & 1) != 0;
    }

    private static OpcodeMap read() {
        OpcodeMap map = new OpcodeMap();
        try (InputStream text = OpcodeMap.class.getResourceAsStream("opcodes.txt")) {
            new String(text.readAllBytes(), StandardCharsets.US_ASCII)
                    .lines()
                    .filter(line -> !line.isEmpty() && !line.startsWith("#"))
                    .forEach(map::add);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return map;
    }

    private void add(String line) {
        String[] words = line.split(" ");
        if (words[0].equals("trait")) {
            addTrait(words);
        } else {
            addForm(words);
        }
    }

    private void addTrait(String[] words) {
        Trait trait = Trait.valueOf(words[1].toUpperCase(Locale.ROOT).replace('-', '_'));
        for (int i = 2; i < words.length; i++) {
            traits[Mnemonic.valueOf(words[i]).ordinal()] |= 1 << trait.ordinal();
        }
    }

    private void addForm(String[] words) {
        int next = 1;
        String prefix = "";
        if (words[next].equals("np") || words[next].equals("66") || words[next].matches("F[23]")) {
            prefix = words[next++];
        }
        String selector = "";
        if (words[next].startsWith("/") || words[next].startsWith("=")) {
            selector = words[next++];
        }
        String mode = words[next].matches("[dfino]64") ? words[next++] : "";
        String[] mnemonics = words[next++].split("/");
        List<OperandForm> operands = new ArrayList<>();
        if (next < words.length) {
            for (String code : words[next].split(",")) {
                operands.add(OperandForm.of(code));
            }
        }
        Form form = new Form(
                Stream.of(mnemonics).map(Mnemonic::valueOf).toArray(Mnemonic[]::new),
                operands.toArray(OperandForm[]::new),
                OperandSize64.of(mode));
        int opcode = index(words[0]);
        if (opcodes[opcode] == null) {
            opcodes[opcode] = new Opcode();
        }
        opcodes[opcode].add(prefix, selector, mode, form);
    }

    /** Returns where an opcode is: the last byte, in the part for those before it. */
    private static int index(String opcode) {
        int last = opcode.length() - 2;
        int part =
                switch (opcode.substring(0, last)) {
                    case "" -> 0;
                    case "0F" -> TWO_BYTES;
                    case "0F38" -> THREE_BYTES_38;
                    case "0F3A" -> THREE_BYTES_3A;
                    default -> throw new IllegalArgumentException("there is no opcode " + opcode);
                };
        return part + Integer.parseInt(opcode.substring(last), 16);
    }
}
