package dev.kvmguest.vmm.internal.emulator.isa.system;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.Registers;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.OperationTable;
import dev.kvmguest.vmm.internal.engine.XsaveArea;
import dev.kvmguest.vmm.internal.x86.Cr4;
import dev.kvmguest.vmm.internal.x86.PagingMode;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * CPUID (Intel SDM volume 2, CPUID): a processor with those features that the emulator has and no others, the same on
 * every host.
 */
public final class Cpuid {

    private static final int MAX_BASIC = 0xd;
    private static final int MAX_EXTENDED = 0x8000_0008;

    /** Kernels decide by the vendor which registers there are; these are Intel's. */
    private static final String VENDOR = "GenuineIntel";

    private static final String BRAND = "kvmguest emulated x86-64-v2 processor";
    private static final int BRAND_LENGTH = 48;

    /** Family 6, model 92, stepping 9: Goldmont, whose features are these, since it has XSAVE without AVX. */
    private static final int SIGNATURE = 0x506c9;

    /** Cache lines of 64 bytes, for CLFLUSH, in units of 8 bytes. */
    private static final int CLFLUSH_LINE = 8 << 8;

    private static final int FPU = 1;
    private static final int VME = 1 << 1;
    private static final int DE = 1 << 2;
    private static final int PSE = 1 << 3;
    private static final int TSC = 1 << 4;
    private static final int MSR = 1 << 5;
    private static final int PAE = 1 << 6;
    private static final int CX8 = 1 << 8;
    private static final int SEP = 1 << 11;
    private static final int MTRR = 1 << 12;
    private static final int PGE = 1 << 13;
    private static final int CMOV = 1 << 15;
    private static final int PAT = 1 << 16;
    private static final int PSE36 = 1 << 17;
    private static final int CLFSH = 1 << 19;
    private static final int MMX = 1 << 23;
    private static final int FXSR = 1 << 24;
    private static final int SSE = 1 << 25;
    private static final int SSE2 = 1 << 26;
    private static final int FEATURES = FPU | VME | DE | PSE | TSC | MSR | PAE | CX8 | SEP | MTRR | PGE | CMOV | PAT
            | PSE36 | CLFSH | MMX | FXSR | SSE | SSE2;

    // In ECX.
    private static final int SSE3 = 1;
    private static final int SSSE3 = 1 << 9;
    private static final int SSE4_1 = 1 << 19;
    private static final int SSE4_2 = 1 << 20;
    private static final int MOVBE = 1 << 22;
    private static final int POPCNT = 1 << 23;
    private static final int XSAVE = 1 << 26;
    /** Whether the system has set CR4.OSXSAVE. */
    private static final int OSXSAVE = 1 << 27;

    private static final int RDRAND = 1 << 30;
    private static final int CMPXCHG16B = 1 << 13;
    private static final int FEATURES_ECX =
            SSE3 | SSSE3 | CMPXCHG16B | SSE4_1 | SSE4_2 | MOVBE | POPCNT | XSAVE | RDRAND;

    // In EBX and ECX of leaf 7.
    private static final int FSGSBASE = 1;
    private static final int SMEP = 1 << 7;
    private static final int SMAP = 1 << 20;
    private static final int UMIP = 1 << 2;

    // In EDX of leaf 0x80000001.
    private static final int SYSCALL = 1 << 11;
    private static final int NO_EXECUTE = 1 << 20;
    private static final int PAGES_1_GIB = 1 << 26;
    private static final int RDTSCP = 1 << 27;
    private static final int LONG_MODE = 1 << 29;

    /** In ECX of leaf 0x80000001: LAHF and SAHF in 64-bit code. */
    private static final int LAHF_64 = 1;

    /** Bits of linear addresses. */
    private static final int LINEAR_BITS = 48;

    /** One query is enough; 32 KiB of instruction and data cache each, 2 MiB of second-level cache. */
    private static final int CACHES_EAX = 1;

    private static final int CACHES_EDX = 0x7d302c;

    // Leaf 4 says the same (volume 2, table 3-8): lines of 64 bytes, 8 ways, and as many sets as that makes.
    private static final int DATA = 1;
    private static final int INSTRUCTIONS = 2;
    private static final int UNIFIED = 3;
    private static final int NEEDS_NO_INITIALIZATION = 1 << 8;
    private static final int LINE = 64;
    private static final int WAYS = 8;

    private static final int KIB = 1024;

    private Cpuid() {}

    /** Puts this family's operations into the table. */
    public static void install(OperationTable table) {
        table.put(Mnemonic.CPUID, Cpuid::cpuid);
    }

    private static void cpuid(Cpu cpu, Instruction i) {
        int leaf = (int) cpu.registers.get(Registers.RAX, 4);
        int[] answer = answer(leaf, (int) cpu.registers.get(Registers.RCX, 4), (cpu.cr4() & Cr4.OSXSAVE) != 0);
        cpu.registers.set(Registers.RAX, 4, answer[0]);
        cpu.registers.set(Registers.RBX, 4, answer[1]);
        cpu.registers.set(Registers.RCX, 4, answer[2]);
        cpu.registers.set(Registers.RDX, 4, answer[3]);
    }

    /**
     * Returns what CPUID answers.
     *
     * @param leaf EAX; one that doesn't exist gets the answer of the highest basic one, or zeros if it is one for
     *     hypervisors
     * @param part ECX, for leaves of several parts
     * @param osxsave whether CR4.OSXSAVE is set
     * @return EAX, EBX, ECX and EDX
     */
    private static int[] answer(int leaf, int part, boolean osxsave) {
        ByteBuffer vendor = text(VENDOR);
        return switch (leaf) {
            case 0 -> new int[] {MAX_BASIC, vendor.getInt(0), vendor.getInt(8), vendor.getInt(4)};
            case 1 -> new int[] {SIGNATURE, CLFLUSH_LINE, FEATURES_ECX | (osxsave ? OSXSAVE : 0), FEATURES};
            case 2 -> new int[] {CACHES_EAX, 0, 0, CACHES_EDX};
            case 4 -> caches(part);
            // Serial number, MONITOR, power, direct cache access, performance counters, topology.
            case 3, 5, 6, 8, 9, 0xa, 0xb, 0xc -> new int[4];
            case 7 -> part == 0 ? new int[] {0, FSGSBASE | SMEP | SMAP, UMIP, 0} : new int[4];
            case 0x8000_0000 -> new int[] {MAX_EXTENDED, 0, 0, 0};
            case 0x8000_0001 -> new int[] {0, 0, LAHF_64, SYSCALL | NO_EXECUTE | PAGES_1_GIB | RDTSCP | LONG_MODE};
            case 0x8000_0002, 0x8000_0003, 0x8000_0004 -> brand(leaf - 0x8000_0002);
            case 0x8000_0005, 0x8000_0006, 0x8000_0007 -> new int[4];
            case 0x8000_0008 -> new int[] {PagingMode.PHYSICAL_BITS | LINEAR_BITS << 8, 0, 0, 0};
            default -> isForHypervisors(leaf) ? new int[4] : xsave(part);
        };
    }

    /**
     * Returns whether no processor will ever have a leaf (volume 2, table 3-8). Kernels look there for a hypervisor,
     * some of them without having asked leaf 1 for one, and take what they find for its features.
     */
    private static boolean isForHypervisors(int leaf) {
        return leaf >>> 28 == 4;
    }

    private static int[] caches(int part) {
        return switch (part) {
            case 0 -> cache(DATA, 1, 32 * KIB);
            case 1 -> cache(INSTRUCTIONS, 1, 32 * KIB);
            case 2 -> cache(UNIFIED, 2, 2048 * KIB);
            default -> new int[4];
        };
    }

    private static int[] cache(int type, int level, int size) {
        return new int[] {
            type | level << 5 | NEEDS_NO_INITIALIZATION, LINE - 1 | WAYS - 1 << 22, size / (LINE * WAYS) - 1, 0
        };
    }

    /** Which components XCR0 can turn on, and the size of XSAVE's area, which all of them leave as it is. */
    private static int[] xsave(int part) {
        return part == 0
                ? new int[] {(int) (XsaveArea.X87 | XsaveArea.SSE), XsaveArea.MINIMUM_SIZE, XsaveArea.MINIMUM_SIZE, 0}
                : new int[4];
    }

    private static int[] brand(int part) {
        ByteBuffer brand = text(BRAND);
        int start = 16 * part;
        return new int[] {
            brand.getInt(start), brand.getInt(start + 4), brand.getInt(start + 8), brand.getInt(start + 12)
        };
    }

    private static ByteBuffer text(String value) {
        byte[] bytes = Arrays.copyOf(value.getBytes(StandardCharsets.US_ASCII), BRAND_LENGTH);
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }
}
