package dev.kvmguest.vmm.internal.emulator.conformance;

import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * One instruction and what a real 80286 made of it.
 *
 * @param form the opcode, with the extension in ModRM if there is one: {@code 81.4}
 * @param name the instruction as a disassembler prints it
 * @param bytes the instruction and the HLT behind it
 * @param registers all registers before, by lower-case name
 * @param ram all bytes of memory that matter, before, by physical address
 * @param finalRegisters the registers that have changed; IP is behind the HLT
 * @param finalRam the bytes that have changed
 * @param vector the exception or interrupt that it raised, or -1
 */
record ConformanceCase(
        String form,
        String name,
        byte[] bytes,
        Map<String, Integer> registers,
        Map<Integer, Integer> ram,
        Map<String, Integer> finalRegisters,
        Map<Integer, Integer> finalRam,
        int vector) {

    private static final Set<Integer> PREFIXES = Set.of(0x26, 0x2e, 0x36, 0x3e, 0xf0, 0xf2, 0xf3);
    private static final int LOCK = 0xf0;
    private static final int SS_OVERRIDE = 0x36;

    /** Forms that can be locked if their operand is in memory (Intel SDM volume 2, LOCK). */
    private static final Set<String> LOCKABLE = Set.of(
            ("00 01 08 09 10 11 18 19 20 21 28 29 30 31 80.0 80.1 80.2 80.3 80.4 80.5 80.6 81.0 81.1 81.2 81.3 81.4"
                            + " 81.5 81.6 82.0 82.1 82.2 82.3 82.4 82.5 82.6 83.0 83.1 83.2 83.3 83.4 83.5 83.6 86 87"
                            + " F6.2 F6.3 F7.2 F7.3 FE.0 FE.1 FF.0 FF.1")
                    .split(" "));

    private static final Set<String> STRING = Set.of("6C 6D 6E 6F A4 A5 A6 A7 AA AB AC AD AE AF".split(" "));

    /** Forms that access the stack and nothing else. */
    private static final Set<String> STACK = Set.of("07 17 1F 58 59 5A 5B 5C 5D 5E 5F C2 C3 C9 CA CB".split(" "));

    private static final int HLT_LENGTH = 1;

    /** Reads a case from its line. */
    static ConformanceCase parse(String form, String line) {
        Map<String, Object> json = JsonReader.object(line);
        Map<?, ?> before = (Map<?, ?>) json.get("initial");
        Map<?, ?> after = (Map<?, ?>) json.get("final");
        Map<?, ?> exception = (Map<?, ?>) json.get("exception");
        return new ConformanceCase(
                form,
                (String) json.get("name"),
                HexFormat.of().parseHex((String) json.get("bytes")),
                registers(before.get("regs")),
                ram(before.get("ram")),
                registers(after.get("regs")),
                ram(after.get("ram")),
                exception == null ? -1 : number(exception.get("number")));
    }

    private static Map<String, Integer> registers(Object json) {
        Map<String, Integer> registers = new LinkedHashMap<>();
        ((Map<?, ?>) json).forEach((name, value) -> registers.put((String) name, number(value)));
        return registers;
    }

    private static Map<Integer, Integer> ram(Object json) {
        Map<Integer, Integer> ram = new TreeMap<>();
        for (Object pair : (List<?>) json) {
            ram.put(number(((List<?>) pair).get(0)), number(((List<?>) pair).get(1)));
        }
        return ram;
    }

    private static int number(Object json) {
        return Math.toIntExact((Long) json);
    }

    /** Returns a register as it is afterwards. */
    int expected(String register) {
        return finalRegisters.getOrDefault(register, registers.get(register));
    }

    /** Returns the number of prefixes. */
    int prefixes() {
        int count = 0;
        while (PREFIXES.contains(bytes[count] & 0xff)) {
            count++;
        }
        return count;
    }

    /** Returns whether there is a LOCK prefix where the 386 and later don't allow it. */
    boolean isLockedInVain() {
        for (int i = 0; i < prefixes(); i++) {
            if ((bytes[i] & 0xff) == LOCK) {
                return !LOCKABLE.contains(form) || isRegisterForm();
            }
        }
        return false;
    }

    /** Returns whether the instruction is a string instruction. */
    boolean isString() {
        return STRING.contains(form);
    }

    /** Returns whether memory is accessed through SS; for forms with ModRM, string forms and those of the stack. */
    boolean usesStackSegment() {
        if (STACK.contains(form)) {
            return true;
        }
        int override = -1;
        for (int i = 0; i < prefixes(); i++) {
            int prefix = bytes[i] & 0xff;
            override = (prefix & 0xe7) == 0x26 ? prefix : override;
        }
        if (isString()) {
            return override == SS_OVERRIDE;
        }
        int base = modRm() & 7;
        boolean hasBp = base == 2 || base == 3 || base == 6 && modRm() >= 0x40;
        return !isRegisterForm() && (override == SS_OVERRIDE || override < 0 && hasBp);
    }

    /** Returns whether the register field of ModRM is FS or GS. */
    boolean namesFsOrGs() {
        int field = modRm() >> 3 & 7;
        return field == 4 || field == 5;
    }

    int opcode() {
        return bytes[prefixes()] & 0xff;
    }

    /** Returns the byte behind the opcode, for opcodes that have ModRM there. */
    int modRm() {
        return bytes[prefixes() + 1] & 0xff;
    }

    /** Returns whether ModRM names a register rather than memory. */
    boolean isRegisterForm() {
        return modRm() >= 0xc0;
    }

    /** Returns the instruction's length in bytes, prefixes included. */
    int length() {
        return bytes.length - HLT_LENGTH;
    }

    /** Returns the last byte of the instruction: an immediate byte, if it has one. */
    int lastByte() {
        return bytes[length() - 1] & 0xff;
    }

    /** Returns by how much a shift or rotate instruction shifts: 0 to 31. */
    int shiftCount() {
        return switch (opcode()) {
            case 0xc0, 0xc1 -> lastByte() & 0x1f;
            case 0xd0, 0xd1 -> 1;
            default -> registers.get("cx") & 0x1f;
        };
    }

    /** Returns the bits of a shift's operand. */
    int shiftWidth() {
        return (opcode() & 1) == 0 ? 8 : 16;
    }

    String hex() {
        return HexFormat.ofDelimiter(" ").formatHex(bytes);
    }
}
