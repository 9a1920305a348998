package dev.kvmguest.vmm.internal.advice;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.internal.emulator.core.MsrFile;
import dev.kvmguest.vmm.internal.emulator.core.Registers;
import dev.kvmguest.vmm.internal.emulator.decode.CodeReader;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Trait;
import dev.kvmguest.vmm.internal.x86.AddressPolicy;
import dev.kvmguest.vmm.internal.x86.Efer;
import dev.kvmguest.vmm.internal.x86.Flag;
import dev.kvmguest.vmm.internal.x86.Selector;
import dev.kvmguest.vmm.internal.x86.Vector;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Recognizes a SYSCALL that is switched off, goes nowhere, or goes to code that takes the program's stack or flags for
 * the kernel's (Intel SDM volume 2, SYSCALL, and volume 3A, 5.8.8).
 *
 * <p>Silent where the SYSCALL is not among the instructions executed last, unless a device interrupted what IA32_LSTAR
 * leads to.
 */
final class SystemCall {

    /** What CALL, PUSH, an interrupt's frame or a function's locals take at once, and the other way. */
    private static final long NEAR_BELOW = 0x1000;

    private static final long NEAR_ABOVE = 0x100;
    /** So many instructions of the entry are looked at. */
    private static final int FIRST = 16;

    private static final long UPPER_HALF = 0xffff_ffff_0000_0000L;

    private SystemCall() {}

    /** EFER.SCE is clear, or the code is not 64-bit code. */
    static Optional<String> off(Evidence evidence) {
        if (!Vector.UD.is(evidence.first().vector()) || !evidence.at().is(Mnemonic.SYSCALL, Mnemonic.SYSRET)) {
            return Optional.empty();
        }
        if ((evidence.registers().get(Register.EFER) & Efer.SCE) == 0) {
            return Optional.of(
                    evidence.at().inWords() + " is #UD, since EFER.SCE (bit 0 of MSR 0xc0000080) is clear; set it,"
                            + " and IA32_STAR, IA32_LSTAR and IA32_FMASK, before the first program runs");
        }
        return evidence.mode().is64()
                ? Optional.empty()
                : Optional.of(
                        evidence.at().inWords() + " is #UD outside 64-bit code on processors of Intel, as it is here;"
                                + " use INT n or SYSENTER there");
    }

    /** SYSENTER and SYSEXIT are off as long as their MSR has no selector. */
    static Optional<String> withoutSelector(Evidence evidence) {
        OptionalLong selector = evidence.msr(MsrFile.SYSENTER_CS);
        boolean refused = Vector.GP.is(evidence.first().vector())
                && evidence.at().is(Mnemonic.SYSENTER, Mnemonic.SYSEXIT)
                && selector.isPresent()
                && Selector.isNull((int) selector.getAsLong() & Selector.WITHOUT_RPL);
        return refused
                ? Optional.of(evidence.at().inWords()
                        + " raises #GP, since IA32_SYSENTER_CS (MSR 0x174) has no selector; write"
                        + " that of the kernel's code there, and IA32_SYSENTER_ESP and IA32_SYSENTER_EIP (0x175, 0x176),"
                        + " before the first program runs")
                : Optional.empty();
    }

    /**
     * Returns what to do about a SYSCALL that went where no code is.
     *
     * @param to where it went
     */
    static String remedy(Evidence evidence, long to) {
        String lstar = "SYSCALL goes to the address in IA32_LSTAR (MSR 0xc0000082)";
        OptionalLong msr = evidence.msr(MsrFile.LSTAR);
        if (msr.isEmpty() || msr.getAsLong() != to) {
            return lstar + ": write that of the kernel's entry there";
        }
        if (to == 0) {
            return lstar + ", which is 0: write that of the kernel's entry there";
        }
        long whole = to | UPPER_HALF;
        return (to & UPPER_HALF) == 0 && evidence.isInImage(whole)
                ? lstar + ", which has lost its upper half: " + hex(whole) + evidence.symbol(whole)
                        + " is in the image; WRMSR takes bits 63 to 32 from EDX"
                : lstar + ": see what was written there, and that the page tables of every program map it";
    }

    /** What runs after SYSCALL pushes onto the stack that the program had. */
    static Optional<String> onUsersStack(Evidence evidence) {
        boolean kernel = evidence.cpl() == 0 && evidence.mode().is64();
        if (!kernel || !isStackFault(evidence) || !(keptStack(evidence) || isInEntry(evidence))) {
            return Optional.empty();
        }
        String rsp = hex(evidence.registers().get(Register.RSP));
        return Optional.of((evidence.first().interrupt()
                        ? evidence.first().name() + " came at "
                                + hex(evidence.at().eip()) + evidence.symbol(evidence.address()) + ", where RSP, " + rsp
                                + ","
                        : evidence.at().inWords() + " uses the stack at RSP, " + rsp + ", which")
                + " is still the program's: SYSCALL, unlike an interrupt, leaves RSP as it is; save it and load that of a"
                + " stack of the kernel before anything is pushed, such as from gs:[...] after SWAPGS, with IF among the"
                + " flags that IA32_FMASK clears");
    }

    /** Returns whether nothing that was executed since SYSCALL has loaded RSP. */
    private static boolean keptStack(Evidence evidence) {
        int since = last(evidence);
        return since >= 0
                && evidence.path().subList(since + 1, evidence.path().size() - 1).stream()
                        .map(Executed::decoded)
                        .flatMap(Optional::stream)
                        .noneMatch(SystemCall::loadsStack);
    }

    /** Returns whether a device interrupted the first instructions of the entry, none of which loads RSP. */
    private static boolean isInEntry(Evidence evidence) {
        long here = evidence.at().eip();
        long eip = evidence.msr(MsrFile.LSTAR).orElse(here + 1);
        if (!evidence.first().interrupt() || eip == 0) {
            return false;
        }
        for (int i = 0; i < FIRST && eip != here; i++) {
            Optional<Instruction> one = CodeReader.decode(evidence.memory().code(eip), eip, evidence.mode());
            if (one.isEmpty() || loadsStack(one.get()) || leaves(one.get())) {
                return false;
            }
            eip = one.get().nextEip;
        }
        return eip == here;
    }

    private static boolean leaves(Instruction one) {
        return one.mnemonic.is(Trait.JUMP)
                || one.mnemonic.is(Trait.CALL)
                || one.mnemonic.is(Trait.RETURN)
                || one.mnemonic.is(Trait.INTERRUPT_RETURN)
                || one.mnemonic == Mnemonic.SYSRET;
    }

    /** A program that is stepped through takes TF into the kernel. */
    static Optional<String> stepped(Evidence evidence) {
        OptionalLong mask = evidence.msr(MsrFile.FMASK);
        OptionalLong entry = evidence.msr(MsrFile.LSTAR);
        boolean atEntry = Vector.DB.is(evidence.first().vector())
                && entry.equals(OptionalLong.of(evidence.at().eip()))
                && evidence.before()
                        .filter(before -> before.is(Mnemonic.SYSCALL))
                        .isPresent();
        return atEntry && mask.isPresent() && (mask.getAsLong() & Flag.TF) == 0
                ? Optional.of("#DB came at the entry of system calls, " + hex(entry.getAsLong())
                        + evidence.symbol(entry.getAsLong()) + ", since the program had TF set and IA32_FMASK, "
                        + hex(mask.getAsLong()) + ", doesn't clear it; have it clear TF, IF, DF, NT and AC (0x44700)")
                : Optional.empty();
    }

    /** Returns where among what was executed the SYSCALL is that the kernel has not returned from, else -1. */
    static int last(Evidence evidence) {
        List<Executed> path = evidence.path();
        // What failed itself was not executed.
        for (int i = path.size() - 2; i >= 0; i--) {
            if (path.get(i).is(Mnemonic.SYSCALL)) {
                return i;
            }
            if (path.get(i).is(Mnemonic.SYSRET)
                    || path.get(i).is(Trait.INTERRUPT_RETURN)
                    || !leadsTo(path.get(i), path.get(i + 1))) {
                return -1;
            }
        }
        return -1;
    }

    /** Returns whether an instruction can have come after another one without a handler's entry between them. */
    private static boolean leadsTo(Executed executed, Executed next) {
        return executed.isTransfer()
                || executed.decoded()
                        .filter(one -> one.nextEip == next.eip() || one.repeat != Instruction.NO_REPEAT)
                        .isPresent();
    }

    private static boolean isStackFault(Evidence evidence) {
        long rsp = evidence.registers().get(Register.RSP);
        boolean refused = !AddressPolicy.isCanonical(rsp)
                && evidence.fault().chain().stream().anyMatch(event -> Vector.SS.is(event.vector()));
        return refused
                || evidence.fault().chain().stream()
                        .map(Fault.Event::cr2)
                        .filter(OptionalLong::isPresent)
                        .anyMatch(address -> isNear(address.getAsLong(), rsp));
    }

    private static boolean isNear(long address, long rsp) {
        return address - rsp >= -NEAR_BELOW && address - rsp < NEAR_ABOVE;
    }

    /** Returns whether an instruction loads RSP with something that doesn't depend on it. */
    private static boolean loadsStack(Instruction instruction) {
        return switch (instruction.mnemonic) {
            case LEAVE -> true;
            case MOV, POP -> Effects.isStackPointer(instruction.op0);
            case LEA -> Effects.isStackPointer(instruction.op0) && instruction.op1.base != Registers.RSP;
            case XCHG -> Effects.isStackPointer(instruction.op0) || Effects.isStackPointer(instruction.op1);
            default -> false;
        };
    }
}
