package dev.kvmguest.vmm.diagnosis;

import dev.kvmguest.vmm.Register;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Divisions that raise #DE. */
final class Division {

    private static final int DIVIDE_ERROR = 0;
    private static final Pattern BY_REGISTER = Pattern.compile("i?div (e?)([abcd]|si|di|bp|sp)([xlh]?)");
    private static final List<String> NAMES = List.of("a", "b", "c", "d", "si", "di", "bp", "sp");
    private static final List<Register> REGISTERS = List.of(
            Register.RAX,
            Register.RBX,
            Register.RCX,
            Register.RDX,
            Register.RSI,
            Register.RDI,
            Register.RBP,
            Register.RSP);

    private Division() {}

    /** The guest divides by zero or by too little, and has no handler for that. */
    static Optional<String> withoutHandler(Evidence evidence) {
        String text = evidence.at().text();
        if (evidence.first().vector() != DIVIDE_ERROR || !(text.startsWith("div") || text.startsWith("idiv"))) {
            return Optional.empty();
        }
        OptionalLong divisor = divisor(evidence, text);
        String what = divisor.isEmpty()
                ? " divides by 0 or has a quotient that doesn't fit"
                : divisor.getAsLong() == 0 ? " divides by 0" : " has a quotient that doesn't fit into its register";
        return Optional.of(Evidence.name(evidence.at()) + what
                + "; check the operands before it, and give IDT[0] a handler that says where it happened");
    }

    private static OptionalLong divisor(Evidence evidence, String text) {
        Matcher register = BY_REGISTER.matcher(text);
        if (!register.matches()) {
            return OptionalLong.empty();
        }
        long value = evidence.registers().get(REGISTERS.get(NAMES.indexOf(register.group(2))));
        return OptionalLong.of(
                switch (register.group(3)) {
                    case "l" -> value & 0xff;
                    case "h" -> value >> 8 & 0xff;
                    default -> register.group(1).isEmpty() ? value & 0xffff : value & 0xffff_ffffL;
                });
    }
}
