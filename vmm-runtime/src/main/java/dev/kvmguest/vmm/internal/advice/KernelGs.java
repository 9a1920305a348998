package dev.kvmguest.vmm.internal.advice;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.MsrFile;
import dev.kvmguest.vmm.internal.emulator.core.Registers;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Operand;
import dev.kvmguest.vmm.internal.emulator.decode.Trait;
import dev.kvmguest.vmm.internal.x86.PageFaultCode;
import dev.kvmguest.vmm.internal.x86.Vector;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Recognizes a SWAPGS that is missing or one too many: the kernel uses GS with the program's base while its own is in
 * IA32_KERNEL_GS_BASE, or the program with the kernel's (Intel SDM volume 2, SWAPGS).
 *
 * <p>Silent unless what was accessed with one base would have been there with the other, and the fault comes from that
 * access.
 */
final class KernelGs {

    private static final int USER = 3;
    private static final long NEAR = 0x1000;
    private static final long UPPER_HALF = 0xffff_ffff_0000_0000L;

    private KernelGs() {}

    /** The base of GS and IA32_KERNEL_GS_BASE are exchanged. */
    static Optional<String> exchanged(Evidence evidence) {
        OptionalLong other = evidence.msr(MsrFile.KERNEL_GS_BASE);
        long base = evidence.registers().segment(SegmentRegister.GS).base();
        if (!evidence.mode().is64() || other.isEmpty() || other.getAsLong() == base) {
            return Optional.empty();
        }
        return evidence.cpl() == USER
                ? inRing3(evidence, base, other.getAsLong())
                : evidence.cpl() == 0 ? inRing0(evidence, base, other.getAsLong()) : Optional.empty();
    }

    /** The base of GS has lost its upper half: WRMSR was given zeros for it. */
    static Optional<String> cut(Evidence evidence) {
        List<Executed> path = evidence.path();
        long base = evidence.registers().segment(SegmentRegister.GS).base();
        long whole = base | UPPER_HALF;
        boolean lost = evidence.mode().is64()
                && base != 0
                && (base & UPPER_HALF) == 0
                && evidence.memory().physical(whole).stream().anyMatch(evidence::isTaken);
        int use = lost ? lastUse(evidence, path) : -1;
        if (use < 0) {
            return Optional.empty();
        }
        Operand gs = operand(path.get(use)).orElseThrow();
        boolean fails = use == path.size() - 1;
        long place = base + (fails ? gs.offset(evidence.registers()) : gs.value);
        boolean proved =
                !evidence.memory().isRam(place) && (fails ? isAt(evidence, place) : dependsOn(evidence, path.get(use)));
        return proved
                ? Optional.of(
                        path.get(use).inWords() + " uses GS with the base " + hex(base) + ", where no RAM is, and "
                                + hex(whole) + evidence.symbol(whole)
                                + " is the kernel's; WRMSR takes bits 63 to 32 of IA32_GS_BASE and IA32_KERNEL_GS_BASE from EDX: put"
                                + " the upper half of the address there")
                : Optional.empty();
    }

    private static Optional<String> inRing3(Evidence evidence, long base, long other) {
        int denied = PageFaultCode.PRESENT | PageFaultCode.USER;
        boolean refused = Vector.PF.is(evidence.first().vector())
                && (evidence.first().errorCode().orElse(0) & denied) == denied
                && other >= 0
                && isKernels(evidence, base);
        return refused
                ? operand(evidence.at())
                        .filter(gs -> isAt(evidence, gs.linear(evidence.registers())))
                        .map(gs -> evidence.at().inWords() + " uses GS in ring 3 with the base " + hex(base)
                                + ", where only the kernel may access memory, and IA32_KERNEL_GS_BASE has " + hex(other)
                                + ": the kernel went to ring 3 without SWAPGS; execute it right before each SYSRET, and"
                                + " before each IRETQ to a CS with RPL 3")
                : Optional.empty();
    }

    private static boolean isAt(Evidence evidence, long linear) {
        OptionalLong address = evidence.first().cr2();
        return address.isPresent() && address.getAsLong() - linear >= 0 && address.getAsLong() - linear < Long.BYTES;
    }

    private static Optional<String> inRing0(Evidence evidence, long base, long kernels) {
        List<Executed> path = evidence.path();
        int use = lastUse(evidence, path);
        if (use < 0 || base < 0 || !isKernels(evidence, kernels) || isKernels(evidence, base)) {
            return Optional.empty();
        }
        Operand gs = operand(path.get(use)).orElseThrow();
        // An index may have changed since.
        long offset = use == path.size() - 1 ? gs.offset(evidence.registers()) : gs.value;
        int swap = lastSwap(path, use);
        boolean absent = !evidence.memory().isRam(base + offset);
        boolean fromSystemCall = swap < 0 && call(path, use) >= 0;
        boolean proved = evidence.memory().isRam(kernels + offset)
                && (use == path.size() - 1
                        ? absent && evidence.first().cr2().isPresent() && isAt(evidence, base + offset)
                        : (absent || base == 0 || fromSystemCall) && dependsOn(evidence, path.get(use)));
        return proved ? Optional.of(sentence(path, use, swap, base, kernels)) : Optional.empty();
    }

    private static String sentence(List<Executed> path, int use, int swap, long base, long kernels) {
        String state = path.get(use).inWords() + " uses GS with the base " + hex(base)
                + " while IA32_KERNEL_GS_BASE has " + hex(kernels) + ", the kernel's";
        if (swap < 0) {
            return state
                    + (call(path, use) >= 0
                            ? ": there was no SWAPGS after SYSCALL; make it the first instruction there, and the last before SYSRET"
                            : ": a SWAPGS is missing on the way in from ring 3, or there was one on the way in from ring 0; execute"
                                    + " it in an interrupt's handler if CS on its frame has RPL 3, and only then, and write"
                                    + " IA32_GS_BASE for code that runs before the first program");
        }
        return state + ": " + path.get(swap).inWords() + " exchanged them though GS had the kernel's; "
                + (call(path, swap) >= 0
                        ? "the kernel had gone to ring 3 without SWAPGS: execute it right before SYSRET, and before IRETQ to a"
                                + " CS with RPL 3"
                        : "execute it in an interrupt's handler only if CS on its frame has RPL 3, since a handler that is"
                                + " entered from ring 0 finds the kernel's base");
    }

    /**
     * Returns the last instruction that used GS for memory with the base that it has now, in the same ring, as an
     * index; else -1.
     */
    private static int lastUse(Evidence evidence, List<Executed> path) {
        for (int i = path.size() - 1; i >= 0; i--) {
            Executed executed = path.get(i);
            boolean last = i == path.size() - 1;
            if (operand(executed).isPresent()) {
                return last
                                || operand(executed)
                                        .filter(gs -> gs.base == Registers.NONE)
                                        .isPresent()
                        ? i
                        : -1;
            }
            boolean leaves = !last && (isChange(executed) || executed.is(Mnemonic.SYSCALL) || returns(executed));
            if (leaves || !evidence.isInImage(evidence.linear(executed)) && !last) {
                return -1;
            }
        }
        return -1;
    }

    private static boolean returns(Executed executed) {
        return executed.is(Mnemonic.SYSRET) || executed.is(Trait.INTERRUPT_RETURN);
    }

    private static boolean isChange(Executed executed) {
        boolean loads = executed.decoded()
                .filter(one -> one.op0 != null
                        && one.op0.kind == Operand.Kind.SEGMENT
                        && one.op0.number == Cpu.GS
                        && one.mnemonic != Mnemonic.PUSH)
                .isPresent();
        return loads || executed.is(Mnemonic.SWAPGS, Mnemonic.WRMSR, Mnemonic.WRGSBASE, Mnemonic.LGS);
    }

    /** Returns the SWAPGS that gave GS the base which an instruction used, as an index; -1 if it isn't known. */
    private static int lastSwap(List<Executed> path, int use) {
        for (int i = use - 1; i >= 0; i--) {
            if (isChange(path.get(i)) || returns(path.get(i))) {
                return path.get(i).is(Mnemonic.SWAPGS) ? i : -1;
            }
        }
        return -1;
    }

    /** Returns the SYSCALL that led to an instruction, as an index, if GS has been left alone since; else -1. */
    private static int call(List<Executed> path, int to) {
        for (int i = to - 1; i >= 0; i--) {
            if (path.get(i).is(Mnemonic.SYSCALL)) {
                return i;
            }
            if (isChange(path.get(i)) || returns(path.get(i))) {
                return -1;
            }
        }
        return -1;
    }

    /** Returns whether the fault comes from what an instruction loaded: a stack, a pointer, or where it went. */
    private static boolean dependsOn(Evidence evidence, Executed use) {
        Instruction load = use.decoded().orElseThrow();
        if (load.mnemonic == Mnemonic.JMP || load.mnemonic == Mnemonic.CALL) {
            return evidence.before().filter(use::equals).isPresent() && !evidence.isInImage(evidence.address());
        }
        if (load.mnemonic != Mnemonic.MOV || !load.op0.isRegister()) {
            return false;
        }
        Set<Integer> derived = derived(evidence, use, load.op0.number);
        boolean ofStack = derived.contains(Registers.RSP)
                && evidence.fault().chain().stream().anyMatch(event -> isOfStack(evidence, event));
        return ofStack
                || evidence.at()
                        .decoded()
                        .filter(at -> Stream.of(at.op0, at.op1)
                                .anyMatch(operand -> operand != null
                                        && operand.isMemory()
                                        && (derived.contains(operand.base) || derived.contains(operand.index))))
                        .isPresent();
    }

    /** Returns the registers that hold what was loaded, or was found through it, when the last instruction began. */
    private static Set<Integer> derived(Evidence evidence, Executed use, int loaded) {
        List<Executed> path = evidence.path();
        Set<Integer> derived = new HashSet<>(Set.of(loaded));
        for (Executed executed : path.subList(path.lastIndexOf(use) + 1, path.size() - 1)) {
            executed.decoded()
                    .filter(one -> one.op0 != null && one.op0.isRegister())
                    .filter(one -> one.mnemonic == Mnemonic.MOV
                            || one.mnemonic == Mnemonic.LEA
                            || one.mnemonic == Mnemonic.POP)
                    .ifPresent(one -> {
                        if (isFrom(derived, one.op1)) {
                            derived.add(one.op0.wholeRegister());
                        } else {
                            derived.remove(one.op0.wholeRegister());
                        }
                    });
        }
        return derived;
    }

    private static boolean isFrom(Set<Integer> registers, Operand operand) {
        return operand != null
                && (operand.isRegister() && registers.contains(operand.wholeRegister())
                        || operand.isMemory()
                                && (registers.contains(operand.base) || registers.contains(operand.index)));
    }

    private static boolean isOfStack(Evidence evidence, Fault.Event event) {
        return Vector.SS.is(event.vector())
                || event.cr2().isPresent() && Math.abs(event.cr2().getAsLong() - evidence.stackPointer()) < NEAR;
    }

    /** Returns whether an address is one of the kernel's: in the upper half, or in the image or a stack of it. */
    private static boolean isKernels(Evidence evidence, long linear) {
        OptionalLong physical = evidence.memory().physical(linear);
        return linear < 0 || physical.isPresent() && evidence.isTaken(physical.getAsLong());
    }

    private static Optional<Operand> operand(Executed executed) {
        return executed.decoded().flatMap(one -> Stream.of(one.op0, one.op1)
                .filter(operand ->
                        operand != null && operand.isMemory() && operand.width > 0 && operand.segment == Cpu.GS)
                .findFirst());
    }
}
