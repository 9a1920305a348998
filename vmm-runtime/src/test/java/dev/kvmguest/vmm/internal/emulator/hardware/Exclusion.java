package dev.kvmguest.vmm.internal.emulator.hardware;

import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Operand;
import dev.kvmguest.vmm.internal.emulator.decode.Trait;
import dev.kvmguest.vmm.internal.emulator.hardware.Generator.Encoding;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/** What isn't executed, and why. */
enum Exclusion {
    IDENTITY(
            "says which processor it is, or what time it is there",
            named(Mnemonic.CPUID, Mnemonic.RDTSC, Mnemonic.RDTSCP)),
    RANDOM("a number that is another each time", named(Mnemonic.RDRAND)),
    COMPONENTS(
            "depends on CR4.OSXSAVE and XCR0, which Linux sets as the processor allows",
            named(
                    Mnemonic.XGETBV,
                    Mnemonic.XSETBV,
                    Mnemonic.XSAVE,
                    Mnemonic.XSAVE64,
                    Mnemonic.XRSTOR,
                    Mnemonic.XRSTOR64)),
    LINUX_CALL(
            "calls Linux",
            named(Mnemonic.SYSCALL, Mnemonic.SYSENTER)
                    .or(encoding -> decoded(encoding, i -> i.mnemonic == Mnemonic.INT && i.op0.value == 0x80))),
    HYPERVISOR_CALL(
            "PVM, a hypervisor, takes some of these vectors for itself",
            encoding -> decoded(
                    encoding, i -> i.mode.is64() && i.mnemonic == Mnemonic.INT && (i.op0.value & ~0xf) == 0x10)),
    FAST_RETURN("SYSEXIT in compatibility mode is #UD on AMD's processors and #GP on Intel's", named(Mnemonic.SYSEXIT)),
    EMULATED_BY_LINUX(
            "with UMIP these are #GP, which Linux hides from the program by doing them itself",
            named(Mnemonic.SGDT, Mnemonic.SIDT, Mnemonic.SLDT, Mnemonic.STR, Mnemonic.SMSW)),
    BASES(
            "whether Linux lets programs use these is up to its version, and where only a hypervisor does, it loses what"
                    + " they write",
            named(Mnemonic.RDFSBASE, Mnemonic.RDGSBASE, Mnemonic.WRFSBASE, Mnemonic.WRGSBASE)),
    SIZE_OF_BRANCH(
            "in 64-bit code 66 makes near branches those of 16-bit code on AMD's processors, and does nothing on Intel's"
                    + " (SDM volume 2A, 2.2.1.7)",
            encoding -> decoded(encoding, i -> i.mode.is64() && isNearBranch(i) && hasSizePrefix(i))),
    WIDE_FAR_POINTER(
            "with REX.W far pointers in memory have offsets of 64 bits on Intel's processors, and of 32 bits on AMD's",
            encoding -> decoded(encoding, i -> i.operandSize == Long.BYTES && isFarPointer(i.mnemonic))),
    TIME_STAMP_DISABLED("depends on CR4.PCE, which Linux sets as it likes", named(Mnemonic.RDPMC)),
    INT1("hypervisors intercept #DB and lose how long the instruction was", named(Mnemonic.INT1)),
    OPCODE_0F01(
            "with a register these are other instructions on newer processors: of virtualization and more",
            encoding ->
                    encoding.form().opcode() == 0x0f01 && encoding.instruction().isEmpty()),
    VECTOR_PREFIX(
            "with a register these begin instructions of AVX and AVX-512 on newer processors",
            encoding -> Set.of(0x62, 0xc4, 0xc5).contains(encoding.form().opcode())
                    && encoding.instruction().isEmpty()),
    OPCODE_0FAE(
            "with a mandatory prefix, or those registers, these are newer instructions: CLFLUSHOPT, CLWB, XSAVEOPT",
            encoding ->
                    encoding.form().opcode() == 0x0fae && encoding.instruction().isEmpty()),
    OPCODE_0FC7(
            "other forms of it are newer instructions, such as RDSEED and XSAVEC",
            encoding ->
                    encoding.form().opcode() == 0x0fc7 && encoding.instruction().isEmpty()),
    OTHER_PREFIX(
            "with other mandatory prefixes, opcodes of MMX and SSE are instructions of newer processors",
            encoding -> !encoding.form().prefix().isEmpty()
                    && encoding.instruction().isEmpty()),
    LOCKED_CR0(
            "LOCK makes CR8 of CR0 on AMD's processors",
            encoding ->
                    encoding.form().opcode() == 0x0f20 && encoding.instruction().isEmpty()
                            || encoding.form().opcode() == 0x0f22
                                    && encoding.instruction().isEmpty()),
    LOCKED_SELECTOR_CHECK(
            "AMD's processors take LOCK before VERR, VERW and the like",
            encoding ->
                    encoding.form().opcode() == 0x0f00 && encoding.instruction().isEmpty()),
    LONG_MODE(
            "a jump to Linux's 64-bit code segment",
            encoding -> decoded(
                    encoding,
                    i -> i.op0 != null && i.op0.kind == Operand.Kind.FAR_POINTER && (i.op0.segment & 0xfffc) == 0x30)),
    BLANK_STORE(
            "D9 D8 to DF, which the manual leaves blank, stores like FSTP, but knows no stack underflow on processors",
            encoding -> encoding.form().opcode() == 0xd9
                    && decoded(encoding, i -> i.mnemonic == Mnemonic.FSTP && !i.op0.isMemory())),
    TRAILING_ZEROS(
            "with F3 these are TZCNT and LZCNT on newer processors",
            encoding -> decoded(
                    encoding,
                    i -> (i.mnemonic == Mnemonic.BSF || i.mnemonic == Mnemonic.BSR) && i.repeat == Instruction.REP)),
    REPEATED_LOOP(
            "F2 and F3 before LOOPE and LOOPNE are reserved; AMD's processors take F3 for another condition",
            encoding -> decoded(
                    encoding,
                    i -> (i.mnemonic == Mnemonic.LOOPE || i.mnemonic == Mnemonic.LOOPNE)
                            && i.repeat != Instruction.NO_REPEAT)),
    PREFETCH_OF_REGISTER(
            "0F 0D with a register is #UD on AMD's processors, and does nothing on Intel's",
            encoding -> encoding.form().opcode() == 0x0f0d && decoded(encoding, i -> !i.op0.isMemory()));

    private static final byte OPERAND_SIZE = 0x66;

    private final String reason;
    private final Predicate<Encoding> covers;

    Exclusion(String reason, Predicate<Encoding> covers) {
        this.reason = reason;
        this.covers = covers;
    }

    /** Returns whether both processors can be asked for this instruction. */
    static boolean allows(Encoding encoding) {
        for (Exclusion exclusion : values()) {
            if (exclusion.covers.test(encoding)) {
                return false;
            }
        }
        return true;
    }

    String reason() {
        return reason;
    }

    private static boolean isFarPointer(Mnemonic mnemonic) {
        return switch (mnemonic) {
            case CALL_FAR, JMP_FAR, LSS, LFS, LGS -> true;
            default -> false;
        };
    }

    private static boolean isNearBranch(Instruction instruction) {
        return Generator.ELSEWHERE.contains(instruction.mnemonic) && !instruction.mnemonic.is(Trait.FAR);
    }

    private static boolean hasSizePrefix(Instruction instruction) {
        for (byte prefix : instruction.bytes()) {
            if (prefix == OPERAND_SIZE) {
                return true;
            }
        }
        return false;
    }

    private static Predicate<Encoding> named(Mnemonic... mnemonics) {
        Set<String> names = Set.of(mnemonics).stream().map(Enum::name).collect(Collectors.toSet());
        return encoding ->
                names.contains(encoding.form().mnemonic()) || decoded(encoding, i -> names.contains(i.mnemonic.name()));
    }

    private static boolean decoded(Encoding encoding, Predicate<Instruction> predicate) {
        return encoding.instruction().filter(predicate).isPresent();
    }
}
