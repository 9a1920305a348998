package dev.kvmguest.vmm.diagnosis;

import static dev.kvmguest.vmm.Notation.hex;

import dev.kvmguest.vmm.Fault;
import dev.kvmguest.vmm.diagnosis.Selectors.Use;
import dev.kvmguest.vmm.emulator.memory.SegmentDescriptor;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/** Instructions that load a segment register with a selector that doesn't fit (Intel SDM volume 3A, 5.4 to 5.8). */
final class SegmentLoad {

    /** #TS, #NP, #SS and #GP, whose error codes can be selectors. */
    private static final Set<Integer> OF_SELECTORS = Set.of(10, 11, 12, 13);

    private static final int EXTERNAL_OR_IDT = 3;
    private static final int SELECTOR = 0xfffc;

    /** With a register as the operand, or a selector in the instruction, #GP(0) has no other reason. */
    private static final Pattern NULL = Pattern.compile("mov ss, [abcds][xpi]|(jmp|call) 0(x0)?:.*");

    private SegmentLoad() {}

    /** The selector names nothing that the register takes. */
    static Optional<String> unfit(Evidence evidence) {
        Fault.Event first = evidence.first();
        int error = first.errorCode().orElse(EXTERNAL_OR_IDT);
        if (!evidence.registers().protectedMode()
                || !OF_SELECTORS.contains(first.vector())
                || (error & EXTERNAL_OR_IDT) != 0) {
            return Optional.empty();
        }
        if (error == 0) {
            return NULL.matcher(evidence.at().text()).matches()
                    ? Optional.of(Evidence.name(evidence.at()) + " loads the null selector, which SS and CS don't take"
                            + remedy(evidence, 0))
                    : Optional.empty();
        }
        return use(evidence, error).flatMap(wanted -> Selectors.unfit(evidence, error, wanted)
                .or(() -> privilege(evidence, error))
                .map(why -> Evidence.name(evidence.at()) + " loads the selector " + hex(error) + ", " + why
                        + "; it takes " + wanted.words() + remedy(evidence, error)));
    }

    private static Optional<Use> use(Evidence evidence, int selector) {
        String text = evidence.at().text();
        if (text.matches("(mov|pop) ss\\b.*|lss .*")) {
            return Optional.of(Use.STACK);
        }
        if (text.matches("(mov|pop) [defg]s\\b.*|l[defg]s .*")) {
            return Optional.of(Use.DATA);
        }
        if (text.startsWith("ltr")) {
            return Optional.of(Use.TASK);
        }
        if (text.startsWith("lldt")) {
            return Optional.of(Use.LOCAL_TABLE);
        }
        if (text.matches("(jmp|call) .*(:|far ).*")) {
            return Optional.of(Use.CODE);
        }
        if (text.matches("(retf|iret).*")) {
            // On the way to an outer ring they load SS too.
            return isOnStack(evidence, 1, selector)
                    ? Optional.of(Use.CODE)
                    : isOnStack(evidence, text.startsWith("iret") ? 4 : 3, selector)
                            ? Optional.of(Use.STACK)
                            : Optional.empty();
        }
        return Optional.empty();
    }

    private static boolean isOnStack(Evidence evidence, int index, int selector) {
        return (evidence.stack(index).orElse(0) & SELECTOR) == selector;
    }

    private static Optional<String> privilege(Evidence evidence, int selector) {
        int dpl = evidence.descriptor(selector).map(SegmentDescriptor::dpl).orElse(0);
        return dpl == evidence.cpl()
                ? Optional.empty()
                : Optional.of("whose segment has DPL " + dpl + " while the code is in ring " + evidence.cpl());
    }

    private static String remedy(Evidence evidence, int selector) {
        return evidence.hasBootGdt()
                        && (selector | 7) > evidence.registers().gdt().limit()
                ? ", and GDTR is still the boot table's: load the guest's own GDT with LGDT first"
                : "; a selector is 8 times the number of its entry, plus the ring";
    }
}
