package dev.kvmguest.vmm.internal.emulator.core;

import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.internal.x86.AddressPolicy;
import dev.kvmguest.vmm.internal.x86.Efer;
import dev.kvmguest.vmm.text.Notation;
import java.util.HashMap;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The model-specific registers (Intel SDM volume 4, 2.22 for the P6 family and 2.1 for those that later became
 * architectural). Reading or writing one that isn't here is #GP(0).
 *
 * <p>The time-stamp counter counts nanoseconds of the guest's time. The performance counters keep what is written to
 * them and count nothing.
 */
public final class MsrFile {

    public static final int TSC = 0x10;
    public static final int PLATFORM_ID = 0x17;
    public static final int APIC_BASE = 0x1b;
    public static final int MICROCODE_REVISION = 0x8b;
    public static final int PERFORMANCE_COUNTER_0 = 0xc1;
    public static final int PERFORMANCE_COUNTER_1 = 0xc2;
    public static final int MTRR_CAPABILITIES = 0xfe;
    public static final int SYSENTER_CS = 0x174;
    public static final int SYSENTER_ESP = 0x175;
    public static final int SYSENTER_EIP = 0x176;
    public static final int MACHINE_CHECK_CAPABILITIES = 0x179;
    public static final int PERFORMANCE_EVENT_0 = 0x186;
    public static final int PERFORMANCE_EVENT_1 = 0x187;
    public static final int MISC_ENABLE = 0x1a0;
    public static final int DEBUG_CONTROL = 0x1d9;
    public static final int MTRR_BASE_0 = 0x200;
    public static final int MTRR_MASK_7 = 0x20f;
    public static final int MTRR_FIXED_64K = 0x250;
    public static final int MTRR_FIXED_16K_80000 = 0x258;
    public static final int MTRR_FIXED_16K_A0000 = 0x259;
    public static final int MTRR_FIXED_4K_C0000 = 0x268;
    public static final int MTRR_FIXED_4K_F8000 = 0x26f;
    public static final int PAT = 0x277;
    public static final int MTRR_DEFAULT_TYPE = 0x2ff;
    public static final int EFER = 0xc000_0080;
    /** The segments of SYSCALL (47:32) and SYSRET (63:48). */
    public static final int STAR = 0xc000_0081;
    /** Where SYSCALL of 64-bit code goes. */
    public static final int LSTAR = 0xc000_0082;
    /** Where SYSCALL of compatibility mode would go; processors of Intel don't use it. */
    public static final int CSTAR = 0xc000_0083;
    /** The flags that SYSCALL clears. */
    public static final int FMASK = 0xc000_0084;

    public static final int FS_BASE = 0xc000_0100;
    public static final int GS_BASE = 0xc000_0101;
    /** What SWAPGS exchanges the base of GS with. */
    public static final int KERNEL_GS_BASE = 0xc000_0102;

    public static final int TSC_AUX = 0xc000_0103;

    private static final long APIC_BASE_RESET = 0xfee0_0000L;
    private static final long APIC_BASE_BOOT_PROCESSOR = 1 << 8;
    private static final long APIC_BASE_ENABLE = 1 << 11;
    private static final long PAT_RESET = 0x0007_0406_0007_0406L;
    /** Eight variable ranges, fixed ranges, write combining. */
    private static final long MTRR_CAPABILITIES_VALUE = 0x508;

    private static final long MTRR_DEFAULT_TYPE_RESERVED = ~0xcffL;
    private static final long MTRR_BASE_RESERVED = ~0xf_ffff_f0ffL;
    private static final long MTRR_MASK_RESERVED = ~0xf_ffff_f800L;
    /** MISC_ENABLE: fast strings on, no performance monitoring (bit 7), no branch trace store (11), no PEBS (12). */
    private static final long MISC_ENABLE_VALUE = 0x1801;

    private static final long COUNTER_MASK = (1L << 40) - 1;
    private static final long LOW_32 = 0xffff_ffffL;

    private static final int TYPE_UNCACHED_MINUS = 7;

    private final Cpu cpu;
    private final Map<Integer, Long> stored = new HashMap<>();
    private long tscOffset;

    public MsrFile(Cpu cpu) {
        this.cpu = cpu;
        stored.put(PAT, PAT_RESET);
    }

    /** Returns the time-stamp counter. */
    public long tsc() {
        return cpu.time() + tscOffset;
    }

    /** Returns a register that software has stored, or 0. */
    public long stored(int number) {
        return stored.getOrDefault(number, 0L);
    }

    /** Returns all that can be written, by number, the time-stamp counter included. EFER is {@link Cpu}'s. */
    public SortedMap<Integer, Long> save() {
        SortedMap<Integer, Long> saved = new TreeMap<>(stored);
        saved.put(TSC, tsc());
        return saved;
    }

    /**
     * Sets what {@link #save} returned, once the guest's time is set.
     *
     * @throws VmmException if there is a register that isn't here
     */
    public void restore(SortedMap<Integer, Long> saved) {
        saved.keySet().stream()
                .filter(number -> number != TSC && !isStored(number))
                .findFirst()
                .ifPresent(number -> {
                    throw new VmmException("the emulator can't go on from this state: it lacks MSR "
                            + Notation.hex(Integer.toUnsignedLong(number)));
                });
        stored.clear();
        stored.putAll(saved);
        stored.remove(TSC);
        tscOffset = saved.getOrDefault(TSC, cpu.time()) - cpu.time();
    }

    /**
     * Reads a register.
     *
     * @throws CpuFault #GP(0) if there is none of this number
     */
    public long read(int number) {
        return switch (number) {
            case TSC -> tsc();
            case APIC_BASE -> APIC_BASE_RESET | APIC_BASE_BOOT_PROCESSOR;
            case EFER -> cpu.efer();
            case FS_BASE -> cpu.segments[Cpu.FS].cachedBase();
            case GS_BASE -> cpu.segments[Cpu.GS].cachedBase();
            case MTRR_CAPABILITIES -> MTRR_CAPABILITIES_VALUE;
            case MISC_ENABLE -> MISC_ENABLE_VALUE;
            case PLATFORM_ID, MICROCODE_REVISION, MACHINE_CHECK_CAPABILITIES, DEBUG_CONTROL -> 0;
            default -> {
                requireStored(number);
                yield stored(number);
            }
        };
    }

    /**
     * Writes a register.
     *
     * @throws CpuFault #GP(0) if there is none of this number, it is read-only, or a reserved bit is set
     * @throws UnsupportedInstruction if the value turns on what the emulator lacks
     */
    public void write(int number, long value) {
        switch (number) {
            case TSC -> tscOffset = value - cpu.time();
            case APIC_BASE -> writeApicBase(value);
            case EFER -> writeEfer(value);
            case FS_BASE -> cpu.setSegmentBase(Cpu.FS, requireCanonical(value));
            case GS_BASE -> cpu.setSegmentBase(Cpu.GS, requireCanonical(value));
            case DEBUG_CONTROL -> writeDebugControl(value);
            case MICROCODE_REVISION, MISC_ENABLE -> {
                // Written before the revision is read, and with what was read: nothing in it can be changed.
            }
            case PLATFORM_ID, MTRR_CAPABILITIES, MACHINE_CHECK_CAPABILITIES -> throw CpuFault.generalProtection();
            default -> {
                requireStored(number);
                stored.put(number, accepted(number, value));
            }
        }
    }

    /** Returns whether there is a register of this number. */
    public static boolean exists(int number) {
        return isStored(number)
                || switch (number) {
                    case TSC,
                            APIC_BASE,
                            EFER,
                            FS_BASE,
                            GS_BASE,
                            MTRR_CAPABILITIES,
                            MISC_ENABLE,
                            PLATFORM_ID,
                            MICROCODE_REVISION,
                            MACHINE_CHECK_CAPABILITIES,
                            DEBUG_CONTROL -> true;
                    default -> false;
                };
    }

    private static void requireStored(int number) {
        require(isStored(number));
    }

    private static boolean isStored(int number) {
        return switch (number) {
            case SYSENTER_CS,
                    SYSENTER_ESP,
                    SYSENTER_EIP,
                    STAR,
                    LSTAR,
                    CSTAR,
                    FMASK,
                    KERNEL_GS_BASE,
                    PAT,
                    MTRR_DEFAULT_TYPE,
                    MTRR_FIXED_64K,
                    MTRR_FIXED_16K_80000,
                    MTRR_FIXED_16K_A0000,
                    PERFORMANCE_COUNTER_0,
                    PERFORMANCE_COUNTER_1,
                    PERFORMANCE_EVENT_0,
                    PERFORMANCE_EVENT_1,
                    TSC_AUX -> true;
            default ->
                number >= MTRR_BASE_0 && number <= MTRR_MASK_7
                        || number >= MTRR_FIXED_4K_C0000 && number <= MTRR_FIXED_4K_F8000;
        };
    }

    /** Returns what is stored when this value is written. Memory types are checked and have no effect. */
    private static long accepted(int number, long value) {
        switch (number) {
            case SYSENTER_CS, FMASK -> {
                return value & LOW_32;
            }
            case SYSENTER_ESP, SYSENTER_EIP, LSTAR, CSTAR, KERNEL_GS_BASE -> requireCanonical(value);
            case STAR -> {
                return value;
            }
            case PERFORMANCE_COUNTER_0, PERFORMANCE_COUNTER_1 -> {
                // Only the low half can be written; it is sign-extended (volume 3B, 18.6.8).
                return (int) value & COUNTER_MASK;
            }
            case PERFORMANCE_EVENT_0, PERFORMANCE_EVENT_1 -> {
                // Enabled or not, nothing is counted.
                return value & LOW_32;
            }
            case TSC_AUX -> require(value >>> 32 == 0);
            case PAT -> requireTypes(value, true);
            case MTRR_DEFAULT_TYPE ->
                require((value & MTRR_DEFAULT_TYPE_RESERVED) == 0 && isMtrrType((int) value & 0xff));
            default -> {
                if (number > MTRR_MASK_7) {
                    requireTypes(value, false);
                } else if ((number & 1) == 0) {
                    require((value & MTRR_BASE_RESERVED) == 0 && isMtrrType((int) value & 0xff));
                } else {
                    require((value & MTRR_MASK_RESERVED) == 0);
                }
            }
        }
        return value;
    }

    private static void requireTypes(long value, boolean pat) {
        for (int shift = 0; shift < Long.SIZE; shift += 8) {
            int type = (int) (value >>> shift) & 0xff;
            require(isMtrrType(type) || pat && type == TYPE_UNCACHED_MINUS);
        }
    }

    /** UC, WC, WT, WP and WB (volume 3A, table 11-8). */
    private static boolean isMtrrType(int type) {
        return type == 0 || type == 1 || type >= 4 && type <= 6;
    }

    private static long requireCanonical(long address) {
        require(AddressPolicy.isCanonical(address));
        return address;
    }

    private static void require(boolean valid) {
        if (!valid) {
            throw CpuFault.generalProtection();
        }
    }

    /** CPUID says that there is no local APIC, but kernels for one processor move or disable it without a look. */
    private static void writeApicBase(long value) {
        if ((value & APIC_BASE_ENABLE) != 0) {
            throw new UnsupportedInstruction("there is no local APIC");
        }
    }

    private void writeEfer(long value) {
        require((value & ~(Efer.SCE | Efer.LME | Efer.LMA | Efer.NXE)) == 0);
        require(!cpu.isPaging() || ((value ^ cpu.efer()) & Efer.LME) == 0);
        // LMA is read-only.
        cpu.setEfer(value & ~Efer.LMA | cpu.efer() & Efer.LMA);
    }

    private static void writeDebugControl(long value) {
        if (value != 0) {
            throw new UnsupportedInstruction("branch records and branch traces are not implemented");
        }
    }
}
