package dev.kvmguest.vmm.internal.emulator.hardware;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.Registers;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Operand;
import dev.kvmguest.vmm.internal.emulator.decode.Trait;
import dev.kvmguest.vmm.internal.x86.AddressPolicy;
import dev.kvmguest.vmm.internal.x86.Flag;
import dev.kvmguest.vmm.internal.x86.Vector;
import java.util.Set;
import java.util.function.Predicate;

/** What the emulator may do otherwise than the machine's processor, and why. */
enum Difference {
    ENDLESS(
            "Linux returns for ever from the fault of a far transfer to its 64-bit code segment, without a signal",
            executed -> !executed.is64Bit() && executed.real().vector == Executed.ENDLESS && executed.is(Trait.FAR)),
    LONG_MODE(
            "a far transfer to Linux's 64-bit code segment is made in long mode",
            executed -> !executed.is64Bit()
                    && executed.is(Trait.FAR)
                    && (executed.emulated().selectors[Cpu.CS] & 0xfffc) == 0x30),
    DOUBLE_SHIFT(
            "SHLD and SHRD of 16 bits by more than 16 leave an undefined result (Intel SDM volume 2)",
            executed -> executed.is(Mnemonic.SHLD, Mnemonic.SHRD)
                    && executed.sameVector()
                    && executed.shiftCount() > executed.operandBits()),
    BEYOND_4_GIB(
            "whether an access from the end of 4 GiB to their start is beyond a limit of 4 GiB is up to the processor"
                    + " (SDM volume 3A, 5.3)",
            executed -> !executed.is64Bit() && isOneLimit(executed) && executed.wrapsAt4GiB()),
    IMAGE_AT_4_GIB(
            "where 32-bit addresses of 64-bit code wrap within an image of x87 or SSE registers is left open",
            executed -> executed.is64Bit() && executed.hasWideOperandAt4GiB()),
    OFFSET_NOT_CANONICAL(
            "an offset in FS or GS that isn't canonical is #GP on AMD's processors, although its linear address may be"
                    + " (SDM volume 1, 3.3.7.1)",
            executed -> executed.is64Bit()
                    && executed.real().vector == Vector.GP.number()
                    && executed.emulated().vector == Vector.PF.number()
                    && executed.hasOffsetNotCanonical()),
    SIGN_EXTENSION_OF_WORD(
            "MOVSXD of 16 bits reads 4 bytes on AMD's processors, 2 on Intel's (SDM volume 2, MOVSXD)",
            executed -> executed.is(Mnemonic.MOVSXD)
                    && executed.operandBits() == Short.SIZE
                    && executed.real().vector != Vector.UD.number()
                    && (executed.oneFaulted() || executed.bothFaulted())),
    SEGMENT_ON_STACK(
            "a segment register on the stack is 4 or 8 bytes for AMD's processors, and 2 with room for as many for"
                    + " Intel's",
            executed -> executed.is(Mnemonic.PUSH, Mnemonic.POP)
                    && executed.step().instruction().orElseThrow().op0.kind == Operand.Kind.SEGMENT
                    && executed.step().instruction().orElseThrow().operandSize >= Integer.BYTES),
    STACK_POINTER_NOT_CANONICAL(
            "PVM, a hypervisor, doesn't go back to code whose RSP isn't canonical, if it interrupts it right then",
            executed -> executed.is64Bit()
                    && !AddressPolicy.isCanonical(executed.real().general[Registers.RSP])
                    && Set.of(Vector.UD.number(), Vector.GP.number()).contains(executed.real().vector)
                    && Set.of(Vector.DB.number(), Vector.BP.number()).contains(executed.emulated().vector)),
    UPPER_HALVES(
            "what the upper halves of registers are after 64-bit mode is left is undefined (SDM volume 1, 3.4.1.1)",
            executed -> executed.is64Bit()
                    && leaves64BitMode(executed, executed.real())
                    && executed.differsInUpperHalvesOnly()),
    STACK_OF_FAR_CALL(
            "a far call out of 64-bit mode pushes by the stack of the mode that it leads to on AMD's processors: with the"
                    + " limit of SS and a stack pointer of 32 bits",
            executed -> executed.is64Bit()
                    && executed.is(Mnemonic.CALL_FAR)
                    && (leaves64BitMode(executed, executed.real()) || leaves64BitMode(executed, executed.emulated()))),
    NESTED_TASK(
            "PVM, a hypervisor, gives up NT if it interrupts the program right then",
            executed -> (executed.emulated().eflags & Flag.NT) != 0 && executed.differsInFlagsOnly(Flag.NT)),
    RESUME_FLAG(
            "a trap between two repetitions pushes RF on Intel's processors (SDM volume 3B, 17.3.1.1), not on AMD's",
            executed -> executed.isRepeated()
                    && executed.is(Trait.STRING)
                    && executed.real().vector == Vector.DB.number()
                    && executed.differsInFlagsOnly(Flag.RF)),
    FLAGS_OF_COMPARISON(
            "when CMPS or SCAS is left between two repetitions, the emulator has set no flags yet (SDM volume 2, REP)",
            executed -> executed.isRepeated()
                    && executed.is(Trait.STRING_COMPARISON)
                    && executed.real().eip == executed.step().eip()
                    && executed.differsInFlagsOnly(Flag.ARITHMETIC | Flag.RF)),
    BASE_OF_NULL(
            "AMD's older processors leave the base of FS or GS when a null selector is loaded; Linux without FSGSBASE"
                    + " restores one that was, if another process has run",
            executed -> executed.is(Mnemonic.MOV_SEGMENT, Mnemonic.POP, Mnemonic.LFS, Mnemonic.LGS)
                    && executed.differsInBasesOfNullOnly()),
    NO_REPETITION(
            "whether INS and OUTS with a count of 0 check for permission is not said",
            executed -> executed.isRepeated()
                    && executed.is(
                            Mnemonic.INSB, Mnemonic.INSW, Mnemonic.INSD, Mnemonic.OUTSB, Mnemonic.OUTSW, Mnemonic.OUTSD)
                    && executed.oneFaulted()
                    && isCountZero(executed)),
    NOTHING_SELECTED(
            "whether MASKMOVQ and MASKMOVDQU check bytes that the mask leaves out is left open (SDM volume 2)",
            executed -> executed.is(Mnemonic.MASKMOVQ, Mnemonic.MASKMOVDQU)
                    && (executed.oneFaulted() || executed.bothFaulted())),
    UNALIGNED_OPERAND(
            "whether MOVUPS and its like are checked for alignment is up to the processor (SDM volume 2, MOVUPS)",
            executed -> executed.checksAlignment()
                    && executed.is(
                            Mnemonic.MOVUPS,
                            Mnemonic.MOVUPD,
                            Mnemonic.MOVDQU,
                            Mnemonic.LDDQU,
                            Mnemonic.PCMPESTRI,
                            Mnemonic.PCMPESTRM,
                            Mnemonic.PCMPISTRI,
                            Mnemonic.PCMPISTRM,
                            Mnemonic.FXSAVE,
                            Mnemonic.FXSAVE64,
                            Mnemonic.FXRSTOR,
                            Mnemonic.FXRSTOR64)
                    && executed.real().vector == Vector.AC.number()),
    STACK_POINTER_OF_ENTER(
            "whether ENTER's check of its final stack pointer includes its alignment is left open",
            executed -> executed.checksAlignment()
                    && executed.is(Mnemonic.ENTER)
                    && executed.real().vector == Vector.AC.number()),
    SKIPPED_BY_POPA(
            "POPA takes ESP's image from the stack and drops it on AMD's processors, and skips it on Intel's",
            executed -> executed.is(Mnemonic.POPA, Mnemonic.POPAD) && executed.oneFaulted()),
    ALIGNMENT_FIRST(
            "whether the alignment of an access or its page, limit or value is checked first is left open",
            executed -> executed.checksAlignment() && executed.bothFaulted() && !executed.sameVector()),
    FIRST_OF_SEVERAL(
            "of an instruction's several accesses and checks that can fault, any may be the first, and what was done"
                    + " before it may be kept",
            executed -> executed.bothFaulted() && isManifold(executed)),
    MMX_FAULT(
            "whether an MMX instruction that faults leaves TOP and tags as after it is left open",
            executed -> executed.is(
                            Mnemonic.MASKMOVQ,
                            Mnemonic.CVTPI2PS,
                            Mnemonic.CVTPS2PI,
                            Mnemonic.CVTTPS2PI,
                            Mnemonic.CVTPD2PI,
                            Mnemonic.CVTTPD2PI)
                    && executed.sameVector()
                    && executed.real().vector > Vector.OF.number()),
    LOCKED_ACCESS(
            "whether LOCK is refused before or after the operand is read is left open",
            executed -> executed.isLocked()
                    && executed.emulated().vector == Vector.UD.number()
                    && executed.real().vector > Vector.UD.number()),
    MISALIGNED_MASK(
            "MXCSR has a bit 17 on AMD's processors, which lets operands of SSE be unaligned, and so has MXCSR_MASK",
            executed -> executed.isMisalignedAllowed()
                    || executed.is(Mnemonic.FXSAVE, Mnemonic.FXSAVE64) && executed.differsInMxcsrMaskOnly()),
    TRANSCENDENTAL(
            "results of x87's transcendental instructions are exact within 1 ulp (SDM volume 1, 8.3.10); outside their"
                    + " range they are undefined",
            executed -> executed.sameVector() && isTranscendental(executed) && executed.isWithinOneUlp()),
    APPROXIMATION(
            "RCPPS and RSQRTPS are approximations with a relative error below 1.5 / 4096 (SDM volume 2)",
            executed -> executed.is(Mnemonic.RCPPS, Mnemonic.RCPSS, Mnemonic.RSQRTPS, Mnemonic.RSQRTSS)
                    && executed.sameVector()
                    && isClose(executed));

    private static final double APPROXIMATE = 3.0 / 4096;

    private final String reason;
    private final Predicate<Executed> covers;

    Difference(String reason, Predicate<Executed> covers) {
        this.reason = reason;
        this.covers = covers;
    }

    String reason() {
        return reason;
    }

    boolean covers(Executed executed) {
        return covers.test(executed);
    }

    /** Returns whether a step of 64-bit code, for which there is one segment, ended in another one. */
    private static boolean leaves64BitMode(Executed executed, ProcessorState after) {
        return after.selectors[Cpu.CS] != executed.before().selectors[Cpu.CS];
    }

    /** Returns whether one of them found a limit exceeded, and the other something else or nothing. */
    private static boolean isOneLimit(Executed executed) {
        return isLimit(executed.real().vector) != isLimit(executed.emulated().vector);
    }

    private static boolean isLimit(int vector) {
        return vector == Vector.SS.number() || vector == Vector.GP.number();
    }

    private static boolean isCountZero(Executed executed) {
        long mask = executed.step().instruction().orElseThrow().addressMask;
        return (executed.register(Registers.RCX) & mask) == 0;
    }

    /** Returns whether an instruction accesses memory more than once, or beyond what one access reads. */
    private static boolean isManifold(Executed executed) {
        Instruction instruction = executed.step().instruction().orElseThrow();
        return switch (instruction.mnemonic) {
            case CALL, CALL_FAR, JMP_FAR, RET, RETF, IRET, IRETD, IRETQ, ENTER, LEAVE -> true;
            case PUSHA, PUSHAD, POPA, POPAD, BOUND, LDS, LES, LSS, LFS, LGS -> true;
            case CMPSB, CMPSW, CMPSD, CMPSQ, MOVSB, MOVSW, MOVSD, MOVSQ -> true;
            case FXSAVE, FXSAVE64, FXRSTOR, FXRSTOR64, FNSAVE, FRSTOR, FNSTENV, FLDENV -> true;
            case FLD, FSTP, FBLD, FBSTP -> instruction.op0.width > Long.BYTES;
            case PUSH, POP -> instruction.op0.isMemory() || instruction.op0.kind == Operand.Kind.SEGMENT;
            default -> false;
        };
    }

    private static boolean isTranscendental(Executed executed) {
        return executed.is(
                Mnemonic.F2XM1,
                Mnemonic.FCOS,
                Mnemonic.FPATAN,
                Mnemonic.FPTAN,
                Mnemonic.FSIN,
                Mnemonic.FSINCOS,
                Mnemonic.FYL2X,
                Mnemonic.FYL2XP1);
    }

    private static boolean isClose(Executed executed) {
        for (int i = 0; i < executed.real().xmm.length; i++) {
            for (int half = 0; half < Long.SIZE; half += Integer.SIZE) {
                float one = Float.intBitsToFloat((int) (executed.real().xmm[i] >>> half));
                float other = Float.intBitsToFloat((int) (executed.emulated().xmm[i] >>> half));
                if (Float.compare(one, other) != 0
                        && !(Math.abs(one - other) <= Math.abs(one) * APPROXIMATE)
                        && !(isSmallest(one) && isSmallest(other) && Math.signum(one) * Math.signum(other) >= 0)) {
                    return false;
                }
            }
        }
        return true;
    }

    /** Returns whether an approximation is of the smallest normal number, or 0 because it came out below it. */
    private static boolean isSmallest(float value) {
        return value == 0 || Math.abs(value) <= Float.MIN_NORMAL * (1 + APPROXIMATE);
    }
}
