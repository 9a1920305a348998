package dev.kvmguest.vmm.internal.advice;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Operand;
import dev.kvmguest.vmm.internal.inspection.LinearMemory;
import dev.kvmguest.vmm.internal.inspection.PageTables.Entry;
import dev.kvmguest.vmm.internal.x86.Cr0;
import dev.kvmguest.vmm.internal.x86.Cr4;
import dev.kvmguest.vmm.internal.x86.Efer;
import dev.kvmguest.vmm.internal.x86.PageLevel;
import dev.kvmguest.vmm.internal.x86.PagingMode;
import dev.kvmguest.vmm.internal.x86.Vector;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.IntStream;

/**
 * Recognizes a step on the way into long mode, or out of it, that a processor refuses with #GP since it comes too
 * early or too late, or with a wrong address (Intel SDM volume 3A, 2.2.1, 4.1.2, 4.4.1 and 9.8.5).
 *
 * <p>Silent about every other #GP of these instructions.
 */
final class LongModeSteps {

    private static final int EFER_NUMBER = 0xc000_0080;

    /** PAE's table of page directories has so many entries, which CR0.PG loads. */
    private static final int POINTERS = 4;

    private static final String ORDER = "; the order is CR4.PAE, CR3, EFER.LME and then CR0.PG";

    private LongModeSteps() {}

    /** A control register or EFER was to be set so, and could not be. */
    static Optional<String> refused(Evidence evidence) {
        boolean refused = Vector.GP.is(evidence.first().vector())
                && evidence.first().errorCode().orElse(-1) == 0
                && evidence.cpl() == 0;
        return refused ? evidence.at().decoded().flatMap(at -> reason(evidence, at)) : Optional.empty();
    }

    private static Optional<String> reason(Evidence evidence, Instruction at) {
        String by = evidence.at().inWords();
        if (at.mnemonic == Mnemonic.WRMSR) {
            return lateEnable(evidence).map(why -> by + why);
        }
        if (at.mnemonic != Mnemonic.MOV_CONTROL || at.op0.kind != Operand.Kind.CONTROL) {
            return Optional.empty();
        }
        long value = evidence.registers().get(Register.byNumber().get(at.op1.number));
        return switch (at.op0.number) {
            case 0 -> paging(evidence, value).map(why -> by + why);
            case 3 -> linearAddress(evidence, value).map(why -> by + why);
            case 4 ->
                evidence.registers().longMode() && (value & Cr4.PAE) == 0
                        ? Optional.of(by + " clears CR4.PAE in long mode, which can't be without it; leave it set")
                        : Optional.empty();
            default -> Optional.empty();
        };
    }

    private static Optional<String> paging(Evidence evidence, long value) {
        CpuState registers = evidence.registers();
        boolean on = (value & Cr0.PG) != 0;
        boolean wasOn = (registers.get(Register.CR0) & Cr0.PG) != 0;
        boolean enabled = (registers.get(Register.EFER) & Efer.LME) != 0;
        boolean pae = (registers.get(Register.CR4) & Cr4.PAE) != 0;
        if (!on && registers.code64()) {
            return Optional.of(" clears CR0.PG in 64-bit mode; jump far to a 32-bit code segment first");
        }
        if (!on || wasOn) {
            return Optional.empty();
        }
        if ((value & Cr0.PE) == 0) {
            return Optional.of(" sets CR0.PG without CR0.PE; set both");
        }
        if (enabled && !pae) {
            return Optional.of(
                    " sets CR0.PG with EFER.LME set and CR4.PAE (bit 5) clear, and long mode can't be without PAE"
                            + ORDER);
        }
        if (enabled && registers.segment(SegmentRegister.CS).longMode()) {
            return Optional.of(
                    " sets CR0.PG with EFER.LME set, and CS has a segment with L set already; stay in a 32-bit"
                            + " segment until CR0.PG is set, and jump far to the 64-bit one then");
        }
        return !enabled && pae ? reservedPointer(evidence) : Optional.empty();
    }

    /** CR0.PG loads the four entries of PAE's outermost table, of which other tables' bits are refused. */
    private static Optional<String> reservedPointer(Evidence evidence) {
        LinearMemory ofPae = evidence.memory().withPaging(PagingMode.PAE);
        return IntStream.range(0, POINTERS)
                .mapToObj(i ->
                        ofPae.walk(i * PagingMode.PAE.span(PageLevel.POINTER)).orElseThrow())
                .map(walk -> walk.entries().get(0))
                .filter(entry -> entry.reserved() != 0 && entry.isInRam())
                .findFirst()
                .map(entry -> withoutLongMode(evidence, entry));
    }

    private static String withoutLongMode(Evidence evidence, Entry entry) {
        String what = " sets CR0.PG with CR4.PAE set and EFER.LME clear, which is PAE paging with three levels, and "
                + entry.name() + " at " + hex(entry.address()) + " has bits set that are reserved there, "
                + hex(entry.reserved());
        LinearMemory ofLongMode = evidence.memory().withPaging(PagingMode.LEVELS_4);
        return evidence.isInImage(ofLongMode, evidence.address())
                ? what + ": the tables are those of long mode; set EFER.LME (bit 8 of MSR 0xc0000080) before CR0.PG"
                : what
                        + "; set EFER.LME (bit 8 of MSR 0xc0000080) before CR0.PG if long mode is meant, else clear them";
    }

    private static Optional<String> linearAddress(Evidence evidence, long value) {
        OptionalLong loaded = evidence.memory().physical(value);
        return loaded.isPresent() && evidence.registers().longMode() && (value & ~PagingMode.PHYSICAL) != 0
                ? Optional.of(" loads CR3 with " + hex(value) + evidence.symbol(value)
                        + ", a linear address; it takes the physical one, " + hex(loaded.getAsLong()))
                : Optional.empty();
    }

    private static Optional<String> lateEnable(Evidence evidence) {
        CpuState registers = evidence.registers();
        boolean ofEfer = (int) registers.get(Register.RCX) == EFER_NUMBER;
        boolean changes = ((registers.get(Register.RAX) ^ registers.get(Register.EFER)) & Efer.LME) != 0;
        boolean paging = (registers.get(Register.CR0) & Cr0.PG) != 0;
        if (!ofEfer || !changes || !paging) {
            return Optional.empty();
        }
        return Optional.of(
                (registers.get(Register.EFER) & Efer.LME) == 0
                        ? " sets EFER.LME while CR0.PG is set; clear CR0.PG before, on a page that is mapped at its physical"
                                + " address" + ORDER
                        : " clears EFER.LME while CR0.PG is set; jump far to a 32-bit code segment and clear CR0.PG before");
    }
}
