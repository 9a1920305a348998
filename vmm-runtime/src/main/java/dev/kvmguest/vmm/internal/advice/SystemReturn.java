package dev.kvmguest.vmm.internal.advice;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.internal.emulator.core.MsrFile;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Trait;
import dev.kvmguest.vmm.internal.x86.AddressPolicy;
import dev.kvmguest.vmm.internal.x86.CpuMode;
import dev.kvmguest.vmm.internal.x86.Flag;
import dev.kvmguest.vmm.internal.x86.Vector;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Recognizes a SYSRET that has lost what SYSCALL left in RCX and R11, or that returns to 32-bit code (Intel SDM volume
 * 2, SYSRET).
 *
 * <p>Silent where the SYSRET is not among the instructions executed last.
 */
final class SystemReturn {

    private static final byte[] SYSCALL = {0x0f, 0x05};

    /** What restores a register that was saved. */
    private static final Set<Mnemonic> RESTORES = EnumSet.of(Mnemonic.POP, Mnemonic.MOV);

    private SystemReturn() {}

    /** The return address in RCX is not canonical. */
    static Optional<String> notCanonical(Evidence evidence) {
        long rcx = evidence.registers().get(Register.RCX);
        boolean refused = Vector.GP.is(evidence.first().vector())
                && evidence.first().errorCode().orElse(-1) == 0
                && evidence.cpl() == 0
                && is64(evidence.at())
                && !AddressPolicy.isCanonical(rcx);
        return refused
                ? Optional.of(evidence.at().inWords() + " takes RIP from RCX, which is " + hex(rcx)
                        + ", no canonical address, and so raises #GP, in ring 0 with RSP already the program's; "
                        + change(evidence, evidence.path().size() - 1, Register.RCX)
                        + "check that the address is below 0x800000000000, or return by IRETQ")
                : Optional.empty();
    }

    /** Returns what to do about a SYSRET that went where no code is. */
    static String remedy(Evidence evidence) {
        int at = last(evidence.path());
        return "SYSRET takes RIP from RCX, where SYSCALL has left it: "
                + (at < 0 ? "" : change(evidence, at, Register.RCX))
                + "save RCX and R11 first in the kernel's entry, and restore them right before SYSRET";
    }

    /** Code of 64 bits is returned to as if it were one of 32 bits. */
    static Optional<String> to32(Evidence evidence) {
        List<Executed> path = evidence.path();
        int at = last(path);
        if (at < 0
                || at + 1 == path.size()
                || evidence.mode() != CpuMode.COMPATIBILITY32
                || is64(path.get(at))
                || evidence.msr(MsrFile.CSTAR).orElse(-1) != 0) {
            return Optional.empty();
        }
        long target = path.get(at + 1).eip();
        // Compatibility mode has no SYSCALL here, so that what comes after one is 64-bit code.
        return evidence.memory()
                .read(target - SYSCALL.length, SYSCALL.length)
                .filter(before -> Arrays.equals(before, SYSCALL))
                .map(before -> path.get(at).inWords() + " has no REX.W prefix and returned to " + hex(target)
                        + evidence.symbol(target)
                        + ", after a SYSCALL of 64-bit code, in compatibility mode, with a RIP of"
                        + " 32 bits; write sysretq (o64 sysret in NASM), which has it");
    }

    /** R11 has no flags any more, but some with TF set. */
    static Optional<String> flagsLost(Evidence evidence) {
        List<Executed> path = evidence.path();
        int at = last(path);
        long r11 = evidence.registers().get(Register.R11);
        if (!Vector.DB.is(evidence.first().vector()) || at < 0 || path.size() - at > 3 || (r11 & Flag.TF) == 0) {
            return Optional.empty();
        }
        return changedBy(path, at, Register.R11)
                .map(by -> path.get(at).inWords() + " took RFLAGS from R11, which is " + hex(r11)
                        + " and has TF set, so that #DB came after the next instruction; " + by.inWords()
                        + " changed R11, where SYSCALL has left the flags: save R11 first in the kernel's entry, and restore"
                        + " it right before SYSRET");
    }

    /** Returns where the SYSRET is that led to what is executed now, else -1. */
    private static int last(List<Executed> path) {
        for (int i = path.size() - 2; i >= 0; i--) {
            if (path.get(i).is(Mnemonic.SYSRET)) {
                return i;
            }
            if (path.get(i).is(Mnemonic.SYSCALL)
                    || path.get(i).is(Trait.FAR)
                    || path.get(i).is(Trait.INTERRUPT_RETURN)) {
                return -1;
            }
        }
        return -1;
    }

    private static boolean is64(Executed executed) {
        return executed.decoded()
                .filter(instruction -> instruction.mnemonic == Mnemonic.SYSRET && instruction.operandSize == Long.BYTES)
                .isPresent();
    }

    private static String change(Evidence evidence, int sysret, Register register) {
        return changedBy(evidence.path(), sysret, register)
                .map(by -> by.inWords() + " changed it; ")
                .orElse("");
    }

    /**
     * Returns the last instruction between SYSCALL and SYSRET that changed a register, unless that is what restores one
     * from memory; empty as well if the SYSCALL isn't known.
     */
    private static Optional<Executed> changedBy(List<Executed> path, int sysret, Register register) {
        Optional<Executed> found = Optional.empty();
        for (int i = sysret - 1; i >= 0; i--) {
            Executed executed = path.get(i);
            if (executed.is(Mnemonic.SYSCALL)) {
                return found.filter(by -> !restores(by));
            }
            if (found.isEmpty()
                    && executed.decoded()
                            .flatMap(Effects::written)
                            .filter(written -> written.contains(register))
                            .isPresent()) {
                found = Optional.of(executed);
            }
        }
        return Optional.empty();
    }

    private static boolean restores(Executed executed) {
        return executed.is(RESTORES)
                && executed.decoded()
                        .filter(one -> one.mnemonic == Mnemonic.POP || one.op1.isMemory())
                        .isPresent();
    }
}
