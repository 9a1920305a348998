package dev.kvmguest.vmm.internal.emulator.hardware;

import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.x86.Flag;
import java.util.Set;
import java.util.function.Predicate;

/** The flags that the Intel SDM calls undefined after an instruction: volume 2, "Flags Affected", at each of them. */
enum UndefinedFlags {
    LOGIC(Flag.AF, executed -> true, Mnemonic.AND, Mnemonic.OR, Mnemonic.XOR, Mnemonic.TEST),
    MULTIPLICATION(Flag.SF | Flag.ZF | Flag.AF | Flag.PF, executed -> true, Mnemonic.MUL, Mnemonic.IMUL),
    DIVISION(Flag.ARITHMETIC, executed -> true, Mnemonic.DIV, Mnemonic.IDIV),
    ASCII_ADJUSTMENT(Flag.OF | Flag.SF | Flag.ZF | Flag.PF, executed -> true, Mnemonic.AAA, Mnemonic.AAS),
    DECIMAL_ADJUSTMENT(Flag.OF, executed -> true, Mnemonic.DAA, Mnemonic.DAS),
    ASCII_SCALING(Flag.OF | Flag.AF | Flag.CF, executed -> true, Mnemonic.AAM, Mnemonic.AAD),
    BIT_TEST(
            Flag.OF | Flag.SF | Flag.AF | Flag.PF,
            executed -> true,
            Mnemonic.BT,
            Mnemonic.BTC,
            Mnemonic.BTR,
            Mnemonic.BTS),
    BIT_SCAN(Flag.ARITHMETIC & ~Flag.ZF, executed -> true, Mnemonic.BSF, Mnemonic.BSR),
    SHIFT(
            Flag.AF,
            executed -> executed.shiftCount() != 0,
            Mnemonic.SHL,
            Mnemonic.SHR,
            Mnemonic.SAR,
            Mnemonic.SHLD,
            Mnemonic.SHRD),
    SHIFT_BY_MORE_THAN_ONE(
            Flag.OF,
            executed -> executed.shiftCount() > 1,
            Mnemonic.SHL,
            Mnemonic.SHR,
            Mnemonic.SAR,
            Mnemonic.SHLD,
            Mnemonic.SHRD,
            Mnemonic.ROL,
            Mnemonic.ROR,
            Mnemonic.RCL,
            Mnemonic.RCR),
    SHIFT_BY_ALL_BITS(Flag.CF, executed -> executed.shiftCount() >= executed.operandBits(), Mnemonic.SHL, Mnemonic.SHR),
    DOUBLE_SHIFT_BY_MORE_THAN_ALL_BITS(
            Flag.ARITHMETIC, executed -> executed.shiftCount() > executed.operandBits(), Mnemonic.SHLD, Mnemonic.SHRD);

    private final int flags;
    private final Predicate<Executed> when;
    private final Set<Mnemonic> mnemonics;

    UndefinedFlags(int flags, Predicate<Executed> when, Mnemonic... mnemonics) {
        this.flags = flags;
        this.when = when;
        this.mnemonics = Set.of(mnemonics);
    }

    /** Returns the flags that are undefined after this step. */
    static int after(Executed executed) {
        int undefined = 0;
        for (UndefinedFlags row : values()) {
            if (executed.step()
                            .instruction()
                            .filter(i -> row.mnemonics.contains(i.mnemonic))
                            .isPresent()
                    && row.when.test(executed)) {
                undefined |= row.flags;
            }
        }
        return undefined;
    }
}
