package dev.kvmguest.vmm.internal.advice;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.internal.emulator.decode.Disassembler;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Trait;
import dev.kvmguest.vmm.internal.x86.CpuMode;
import dev.kvmguest.vmm.internal.x86.Cr0;
import dev.kvmguest.vmm.internal.x86.Cr4;
import dev.kvmguest.vmm.internal.x86.Efer;
import dev.kvmguest.vmm.internal.x86.Selector;
import java.util.ArrayList;
import java.util.List;

/** Puts into words why code was executed as of another size than it is, for {@link CodeSize}. */
final class CodeSizeWords {

    private CodeSizeWords() {}

    /**
     * Returns the sentence.
     *
     * @param other the mode that the code is for
     * @param from where it begins
     * @param meant an instruction of it
     * @param became what was executed in its place
     */
    static String sentence(Evidence evidence, CpuMode other, long from, Instruction meant, String became) {
        CpuMode mode = evidence.mode();
        int bits = bits(mode);
        String assemble = bits + " bits (.code" + bits + ", bits " + bits + ")";
        return "the code at " + hex(from) + evidence.symbol(from) + " is of " + bits(other)
                + " bits and was executed as of " + bits + ", so that " + Disassembler.text(meant) + " at "
                + hex(meant.eip) + " became " + became + ": " + why(evidence, mode, other)
                + ", or assemble the code for " + assemble;
    }

    private static int bits(CpuMode mode) {
        return Byte.SIZE * mode.addressSize();
    }

    private static String why(Evidence evidence, CpuMode mode, CpuMode other) {
        if (mode.is64()) {
            return "L is set in CS's descriptor, " + entry(evidence)
                    + ", which is 64-bit mode; jump far to a segment of " + bits(other)
                    + " bits, or boot it in a mode of " + bits(other) + " bits";
        }
        if (!evidence.registers().protectedMode()) {
            return "the guest is in real mode; boot it in " + (other.is64() ? "long" : "protected") + " mode";
        }
        if (other.is64()) {
            return mode.isLong() ? compatibility(evidence) : inactive(evidence.registers());
        }
        return mode.operandSize() == 4
                ? "D is set in CS's descriptor, " + entry(evidence)
                        + "; clear D there, bit 6 of byte 6, or boot it in real mode"
                : "D is clear in CS's descriptor, " + entry(evidence) + "; set D there, bit 6 of byte 6";
    }

    private static String entry(Evidence evidence) {
        int selector = evidence.registers().segment(SegmentRegister.CS).selector();
        return "entry " + Selector.index(selector) + " of the GDT at "
                + hex(evidence.registers().gdt().base());
    }

    private static String compatibility(Evidence evidence) {
        String existing = Selectors.first(evidence, Selectors.Use.CODE_64)
                .map(selector -> ", such as " + hex(selector) + " of this GDT")
                .orElse("");
        String to = "jump far to a segment with L set and D clear" + existing;
        return isSinceActivation(evidence)
                ? "CS has the segment that it had before CR0.PG was set, which is compatibility mode; " + to
                        + ", right after that"
                : "L is clear in CS's descriptor, " + entry(evidence) + ", which is compatibility mode; " + to;
    }

    /** Returns whether CS has not been loaded since long mode was activated, as far as that is known. */
    private static boolean isSinceActivation(Evidence evidence) {
        List<Executed> path = evidence.path();
        for (int i = path.size() - 1; i >= 0; i--) {
            if (path.get(i).is(Trait.FAR)) {
                return false;
            }
            if (PagingSwitch.setsPaging(path.get(i))) {
                return true;
            }
        }
        return false;
    }

    private static String inactive(CpuState registers) {
        List<String> clear = new ArrayList<>();
        if ((registers.get(Register.CR4) & Cr4.PAE) == 0) {
            clear.add("CR4.PAE");
        }
        if ((registers.get(Register.EFER) & Efer.LME) == 0) {
            clear.add("EFER.LME");
        }
        if ((registers.get(Register.CR0) & Cr0.PG) == 0) {
            clear.add("CR0.PG");
        }
        return "long mode is not active, since " + String.join(" and ", clear) + (clear.size() == 1 ? " is" : " are")
                + " clear; set CR4.PAE, CR3, EFER.LME and CR0.PG, in this order, before the far jump to 64-bit code";
    }
}
