package dev.kvmguest.vmm.internal.x86;

import static java.util.Map.entry;

import java.util.Map;
import java.util.Optional;

/**
 * The names of model-specific registers that kernels use (Intel SDM volume 4, 2.1, and AMD APM volume 2, appendix A).
 */
public final class MsrName {

    private static final int X2APIC_FIRST = 0x800;
    private static final int X2APIC_LAST = 0x83f;
    private static final int MTRR_FIRST = 0x200;
    private static final int MTRR_LAST = 0x20f;

    private static final Map<Integer, String> NAMES = Map.ofEntries(
            entry(0x10, "IA32_TIME_STAMP_COUNTER"),
            entry(0x17, "IA32_PLATFORM_ID"),
            entry(0x1b, "IA32_APIC_BASE"),
            entry(0x34, "MSR_SMI_COUNT"),
            entry(0x3a, "IA32_FEATURE_CONTROL"),
            entry(0x3b, "IA32_TSC_ADJUST"),
            entry(0x48, "IA32_SPEC_CTRL"),
            entry(0x49, "IA32_PRED_CMD"),
            entry(0x79, "IA32_BIOS_UPDT_TRIG"),
            entry(0x8b, "IA32_BIOS_SIGN_ID"),
            entry(0xce, "MSR_PLATFORM_INFO"),
            entry(0xe7, "IA32_MPERF"),
            entry(0xe8, "IA32_APERF"),
            entry(0xfe, "IA32_MTRRCAP"),
            entry(0x10a, "IA32_ARCH_CAPABILITIES"),
            entry(0x174, "IA32_SYSENTER_CS"),
            entry(0x175, "IA32_SYSENTER_ESP"),
            entry(0x176, "IA32_SYSENTER_EIP"),
            entry(0x179, "IA32_MCG_CAP"),
            entry(0x17a, "IA32_MCG_STATUS"),
            entry(0x17b, "IA32_MCG_CTL"),
            entry(0x198, "IA32_PERF_STATUS"),
            entry(0x199, "IA32_PERF_CTL"),
            entry(0x19c, "IA32_THERM_STATUS"),
            entry(0x1a0, "IA32_MISC_ENABLE"),
            entry(0x1a2, "MSR_TEMPERATURE_TARGET"),
            entry(0x1b1, "IA32_PACKAGE_THERM_STATUS"),
            entry(0x1d9, "IA32_DEBUGCTL"),
            entry(0x277, "IA32_PAT"),
            entry(0x2ff, "IA32_MTRR_DEF_TYPE"),
            entry(0x38d, "IA32_FIXED_CTR_CTRL"),
            entry(0x38f, "IA32_PERF_GLOBAL_CTRL"),
            entry(0x480, "IA32_VMX_BASIC"),
            entry(0x606, "MSR_RAPL_POWER_UNIT"),
            entry(0x6e0, "IA32_TSC_DEADLINE"),
            entry(0xda0, "IA32_XSS"),
            entry(0xc000_0080, "IA32_EFER"),
            entry(0xc000_0081, "IA32_STAR"),
            entry(0xc000_0082, "IA32_LSTAR"),
            entry(0xc000_0083, "IA32_CSTAR"),
            entry(0xc000_0084, "IA32_FMASK"),
            entry(0xc000_0100, "IA32_FS_BASE"),
            entry(0xc000_0101, "IA32_GS_BASE"),
            entry(0xc000_0102, "IA32_KERNEL_GS_BASE"),
            entry(0xc000_0103, "IA32_TSC_AUX"),
            entry(0xc001_0010, "AMD's SYSCFG"),
            entry(0xc001_0015, "AMD's HWCR"),
            entry(0xc001_0114, "AMD's VM_CR"),
            entry(0xc001_0117, "AMD's VM_HSAVE_PA"));

    private MsrName() {}

    /** Returns the name of a register by its number; empty if it has none here. */
    public static Optional<String> of(int number) {
        if (isX2Apic(number)) {
            return Optional.of("a register of the x2APIC");
        }
        if (number >= MTRR_FIRST && number <= MTRR_LAST) {
            String kind = (number & 1) == 0 ? "IA32_MTRR_PHYSBASE" : "IA32_MTRR_PHYSMASK";
            return Optional.of(kind + (number - MTRR_FIRST) / 2);
        }
        return Optional.ofNullable(NAMES.get(number));
    }

    /** Returns whether a number is in the range of the local APIC's registers in x2APIC mode. */
    public static boolean isX2Apic(int number) {
        return number >= X2APIC_FIRST && number <= X2APIC_LAST;
    }
}
