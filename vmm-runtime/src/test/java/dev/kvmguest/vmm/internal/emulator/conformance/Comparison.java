package dev.kvmguest.vmm.internal.emulator.conformance;

import dev.kvmguest.vmm.internal.emulator.conformance.ConformanceMachine.Result;
import dev.kvmguest.vmm.internal.x86.Flag;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What a case expected beside what the emulator did.
 *
 * @param flags the flags that differ, in EFLAGS or in the copy that an exception pushed
 * @param others everything else that differs, in words
 */
record Comparison(int flags, List<String> others) {

    /** Bits 12 to 15 don't exist in real mode on a 286. */
    private static final int FLAGS = 0xfff;

    private static final int PUSHED_IP = 0;
    private static final int PUSHED_CS = 1;
    private static final int PUSHED_FLAGS = 2;

    static Comparison of(ConformanceCase test, Result result) {
        List<String> others = new ArrayList<>();
        if (result.end() != null) {
            others.add("ended with " + result.end());
        }
        int flags = (test.expected("flags") ^ result.registers().get("flags")) & FLAGS;
        for (String register : test.registers().keySet()) {
            int expected = test.expected(register);
            int actual = result.registers().get(register);
            if (expected != actual && !register.equals("flags")) {
                others.add(String.format("%s %04x instead of %04x", register, actual, expected));
            }
        }
        Map<Integer, Integer> ram = new TreeMap<>(test.ram());
        ram.putAll(test.finalRam());
        int flagAddress = test.vector() < 0 ? Integer.MIN_VALUE / 2 : result.frameAddress(2 * PUSHED_FLAGS);
        for (Map.Entry<Integer, Integer> expected : ram.entrySet()) {
            int address = expected.getKey();
            int actual = result.ram().get(address);
            int inFlags = address - flagAddress;
            if (inFlags == 0 || inFlags == 1) {
                flags |= (expected.getValue() ^ actual) << 8 * inFlags & FLAGS;
            } else if (expected.getValue() != actual) {
                others.add(String.format("[%05x] %02x instead of %02x", address, actual, expected.getValue()));
            }
        }
        return new Comparison(flags, others);
    }

    /**
     * Returns whether the emulator raised an exception, with the registers as they were before the instruction; those of a
     * repeated one, as they were before some iteration.
     */
    static boolean isFault(ConformanceCase test, Result result, int vector) {
        Map<String, Integer> expected = new HashMap<>(test.registers());
        int flags = test.registers().get("flags") & FLAGS;
        expected.put("flags", flags & ~(Flag.IF | Flag.TF));
        expected.merge("sp", 6, (sp, frame) -> sp - frame & 0xffff);
        if (test.isString()) {
            expected.putAll(afterIterations(test, result));
        }
        expected.put("cs", word(test, 4 * vector + 2));
        expected.put("ip", word(test, 4 * vector) + 1 & 0xffff);
        return result.end() == null
                && result.registers().equals(expected)
                && result.pushed(PUSHED_IP) == test.registers().get("ip")
                && result.pushed(PUSHED_CS) == test.registers().get("cs")
                && result.pushed(PUSHED_FLAGS) == flags;
    }

    private static Map<String, Integer> afterIterations(ConformanceCase test, Result result) {
        int count = result.registers().get("cx");
        int iterations = test.registers().get("cx") - count;
        int distance = 2 * iterations * ((test.registers().get("flags") & Flag.DF) == 0 ? 1 : -1);
        Map<String, Integer> expected = new HashMap<>(Map.of("cx", count));
        for (String register : List.of("si", "di")) {
            boolean isUsed = test.finalRegisters().containsKey(register);
            expected.put(register, test.registers().get(register) + (isUsed ? distance : 0) & 0xffff);
        }
        return expected;
    }

    private static int word(ConformanceCase test, int address) {
        return test.ram().getOrDefault(address, 0) | test.ram().getOrDefault(address + 1, 0) << 8;
    }

    /** Returns whether the emulator went on to the HLT behind the instruction. */
    static boolean isCompleted(ConformanceCase test, Result result) {
        return result.end() == null
                && result.registers().get("cs").equals(test.registers().get("cs"))
                && result.registers().get("ip") == (test.registers().get("ip") + test.bytes().length & 0xffff);
    }

    boolean isEqual() {
        return flags == 0 && others.isEmpty();
    }

    /** Says what differs, and what the case was, on a few lines. */
    String describe(ConformanceCase test, Result result) {
        return test.name() + "  (" + test.hex() + ")"
                + "\n      before " + registers(test.registers()) + " ram " + ram(test.ram())
                + "\n      80286  " + registers(test.finalRegisters()) + " ram " + ram(test.finalRam())
                + (test.vector() < 0 ? "" : " vector " + test.vector())
                + "\n      here   " + registers(result.registers())
                + "\n      " + (flags == 0 ? "" : "flags differ: " + FlagNames.text(flags) + " ")
                + String.join(", ", others);
    }

    private static String registers(Map<String, Integer> registers) {
        StringBuilder text = new StringBuilder();
        registers.forEach((name, value) -> text.append(String.format("%s=%04x ", name, value)));
        return text.toString();
    }

    private static String ram(Map<Integer, Integer> ram) {
        StringBuilder text = new StringBuilder();
        ram.forEach((address, value) -> text.append(String.format("%05x=%02x ", address, value)));
        return text.toString();
    }
}
