package dev.kvmguest.vmm.internal.advice;

import dev.kvmguest.vmm.internal.x86.CpuMode;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * An instruction of a feature beyond x86-64-v2, by its bytes (Intel SDM volume 2, appendix A; AMD APM volume 3).
 *
 * @param name in a sentence, such as {@code RDSEED}
 * @param remedy how to do without
 */
record AbsentInstruction(String name, String remedy) {

    /**
     * The form of an instruction.
     *
     * @param prefix the mandatory prefix, or 0 for any or none
     * @param opcode the bytes after prefixes, in hexadecimal, without blanks
     * @param register what the reg field of the ModR/M byte has, or -1 for any
     * @param registerOperand whether the ModR/M byte must name a register
     */
    private record Form(int prefix, String opcode, int register, boolean registerOperand, String name, String cpuid) {}

    private static final int ANY = -1;
    private static final int OPERAND_SIZE = 0x66;
    private static final int REP = 0xf3;
    /** The first bytes of the two forms of VEX, and of EVEX; outside 64-bit mode they may be LES, LDS and BOUND. */
    private static final int VEX_3 = 0xc4;

    private static final int VEX_2 = 0xc5;
    private static final int EVEX = 0x62;
    private static final int REX_FIRST = 0x40;
    private static final int REX_LAST = 0x4f;

    private static final Set<Integer> PREFIXES =
            Set.of(0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, OPERAND_SIZE, 0x67, 0xf0, 0xf2, REP);

    private static final List<Form> FORMS = List.of(
            new Form(REP, "0fc7", 7, true, "RDPID", "leaf 7, ECX bit 22"),
            new Form(0, "0fc7", 7, true, "RDSEED", "leaf 7, EBX bit 18"),
            new Form(OPERAND_SIZE, "0f3882", ANY, false, "INVPCID", "leaf 7, EBX bit 10"),
            new Form(0, "0f01c1", ANY, false, "VMCALL", "leaf 1, ECX bit 5"),
            new Form(0, "0f01d9", ANY, false, "VMMCALL", "leaf 0x80000001, ECX bit 2"),
            new Form(0, "0f01d8", ANY, false, "VMRUN", "leaf 0x80000001, ECX bit 2"),
            new Form(0, "0f01c8", ANY, false, "MONITOR", "leaf 1, ECX bit 3"),
            new Form(0, "0f01c9", ANY, false, "MWAIT", "leaf 1, ECX bit 3"),
            new Form(0, "0f01ee", ANY, false, "RDPKRU", "leaf 7, ECX bit 3"),
            new Form(0, "0f01ef", ANY, false, "WRPKRU", "leaf 7, ECX bit 3"),
            new Form(OPERAND_SIZE, "0f38db", ANY, false, "AESIMC", "leaf 1, ECX bit 25"),
            new Form(OPERAND_SIZE, "0f38dc", ANY, false, "AESENC", "leaf 1, ECX bit 25"),
            new Form(OPERAND_SIZE, "0f38dd", ANY, false, "AESENCLAST", "leaf 1, ECX bit 25"),
            new Form(OPERAND_SIZE, "0f38de", ANY, false, "AESDEC", "leaf 1, ECX bit 25"),
            new Form(OPERAND_SIZE, "0f38df", ANY, false, "AESDECLAST", "leaf 1, ECX bit 25"),
            new Form(OPERAND_SIZE, "0f3adf", ANY, false, "AESKEYGENASSIST", "leaf 1, ECX bit 25"),
            new Form(OPERAND_SIZE, "0f3a44", ANY, false, "PCLMULQDQ", "leaf 1, ECX bit 1"),
            new Form(OPERAND_SIZE, "0f38f6", ANY, false, "ADCX", "leaf 7, EBX bit 19"),
            new Form(REP, "0f38f6", ANY, false, "ADOX", "leaf 7, EBX bit 19"));

    /** Returns the instruction that bytes are; empty if it is none of these. */
    static Optional<AbsentInstruction> of(byte[] code, CpuMode mode) {
        int at = 0;
        Set<Integer> prefixes = new HashSet<>();
        while (at < code.length && PREFIXES.contains(octet(code, at))) {
            prefixes.add(octet(code, at));
            at++;
        }
        int first = octet(code, at);
        if (mode.is64() && (first == VEX_3 || first == VEX_2 || first == EVEX)) {
            return Optional.of(new AbsentInstruction(
                    first == EVEX ? "EVEX-encoded (AVX-512)" : "VEX-encoded (AVX or BMI)",
                    "compile with -march=x86-64, or -mno-avx -mno-bmi -mno-bmi2, or ask CPUID before (AVX: leaf 1, ECX bit"
                            + " 28; BMI: leaf 7, EBX bits 3 and 8)"));
        }
        if (mode.is64() && first >= REX_FIRST && first <= REX_LAST) {
            at++;
        }
        int start = at;
        return FORMS.stream()
                .filter(form -> form.prefix == 0 || prefixes.contains(form.prefix))
                .filter(form -> isOf(code, start, form))
                .findFirst()
                .map(form -> new AbsentInstruction(
                        form.name, "ask CPUID for it first (" + form.cpuid + "), and have a way without it"));
    }

    private static boolean isOf(byte[] code, int at, Form form) {
        int length = form.opcode.length() / 2;
        for (int i = 0; i < length; i++) {
            if (octet(code, at + i) != Integer.parseInt(form.opcode, 2 * i, 2 * i + 2, 16)) {
                return false;
            }
        }
        int modRm = octet(code, at + length);
        return (form.register == ANY || (modRm >> 3 & 7) == form.register)
                && (!form.registerOperand || modRm >> 6 == 3);
    }

    /** Returns a byte, or -1 beyond the end. */
    private static int octet(byte[] code, int index) {
        return index < code.length ? code[index] & 0xff : -1;
    }
}
