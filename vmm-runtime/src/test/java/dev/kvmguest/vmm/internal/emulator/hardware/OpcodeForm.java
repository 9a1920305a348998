package dev.kvmguest.vmm.internal.emulator.hardware;

import dev.kvmguest.vmm.internal.emulator.decode.Decoder;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Set;

/**
 * A line of the emulator's opcode map, {@code opcodes.txt}, which says how it is written.
 *
 * @param opcode one byte, 0x0f00 and a second one, or 0x0f3800 or 0x0f3a00 and a third one
 * @param prefix np, 66, F3, F2, or nothing
 * @param selector what ModRM must be, or nothing
 * @param mode what 64-bit mode changes, or nothing
 * @param mnemonic the first one
 * @param operands the manual's codes
 */
record OpcodeForm(int opcode, String prefix, String selector, String mode, String mnemonic, List<String> operands) {

    private static final String MAP = "opcodes.txt";
    private static final Set<String> PREFIXES = Set.of("np", "66", "F3", "F2");
    private static final Set<String> OF_64_BIT_MODE = Set.of("i64", "o64", "d64", "f64", "n64");
    private static final int REX = 0x40;
    private static final String WITH_MODRM = "EGRMSCDPVQWNU";
    /** Operands that begin like those, and are registers. */
    private static final Set<String> NAMED = Set.of("ES", "CS", "SS", "DS", "FS", "GS", "DX", "ST0", "STi");

    /**
     * Returns those that are an instruction, or #UD, of its own.
     *
     * @param is64 whether in 64-bit code; REX prefixes have taken the place of INC and DEC there
     */
    static List<OpcodeForm> all(boolean is64) {
        try (InputStream in = Decoder.class.getResourceAsStream(MAP)) {
            return new String(in.readAllBytes(), StandardCharsets.US_ASCII)
                    .lines()
                    .filter(line -> !line.isEmpty() && !line.startsWith("#") && !line.startsWith("trait "))
                    .map(OpcodeForm::parse)
                    .filter(form -> is64 ? (form.opcode & ~0xf) != REX : !form.mode.equals("o64"))
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static OpcodeForm parse(String line) {
        String[] words = line.split(" ");
        int next = 1;
        String prefix = PREFIXES.contains(words[next]) ? words[next++] : "";
        String selector = words[next].startsWith("/") || words[next].startsWith("=") ? words[next++] : "";
        String mode = OF_64_BIT_MODE.contains(words[next]) ? words[next++] : "";
        String mnemonic = words[next++].split("/")[0];
        List<String> operands = next < words.length ? Arrays.asList(words[next].split(",")) : List.of();
        return new OpcodeForm(Integer.parseInt(words[0], 16), prefix, selector, mode, mnemonic, operands);
    }

    /** Returns whether an operand is as wide as the operand size. */
    boolean hasOperandSize() {
        return operands.stream().anyMatch(code -> code.endsWith("v"));
    }

    boolean hasModRm() {
        return !selector.isEmpty()
                || operands.stream().anyMatch(code -> !NAMED.contains(code) && WITH_MODRM.indexOf(code.charAt(0)) >= 0);
    }

    /** Returns whether the address of memory is in the instruction, without ModRM. */
    boolean hasOffset() {
        return operands.stream().anyMatch(code -> code.startsWith("O"));
    }

    /** Returns ModRM if the map leaves no choice; else -1. */
    int fixedModRm() {
        return selector.startsWith("=") ? Integer.parseInt(selector.substring(1), 16) : -1;
    }

    /** Returns what ModRM's reg field must be; else -1. */
    int extension() {
        return selector.startsWith("/") && Character.isDigit(selector.charAt(1)) ? selector.charAt(1) - '0' : -1;
    }

    boolean isMemoryOnly() {
        return selector.endsWith("m");
    }

    boolean isRegisterOnly() {
        return selector.endsWith("r");
    }
}
