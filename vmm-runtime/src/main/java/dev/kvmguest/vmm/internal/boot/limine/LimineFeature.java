package dev.kvmguest.vmm.internal.boot.limine;

import java.util.Arrays;
import java.util.Optional;

/**
 * What a kernel can ask a Limine loader for: the features of the protocol, and those that it once had.
 *
 * <p>Source: The Limine Boot Protocol, base revision 6, "Feature List".
 */
enum LimineFeature {
    BOOTLOADER_INFO("bootloader info", 0xf550_38d8_e2a1_202fL, 0x2794_26fc_f5f5_9740L, 48),
    COMMAND_LINE("executable command line", 0x4b16_1536_e598_651eL, 0xb390_ad4a_2f1f_303aL, 48),
    FIRMWARE_TYPE("firmware type", 0x8c2f_75d9_0bef_28a8L, 0x7045_a468_8eac_00c3L, 48),
    STACK_SIZE("stack size", 0x224e_f046_0a8e_8926L, 0xe1cb_0fc2_5f46_ea3dL, 56),
    HHDM("HHDM", 0x48dc_f1cb_8ad2_b852L, 0x6398_4e95_9a98_244bL, 48),
    FRAMEBUFFER("framebuffer", 0x9d58_27dc_d881_dd75L, 0xa314_8604_f6fa_b11bL, 48),
    PAGING_MODE("paging mode", 0x95c1_a0ed_ab09_44cbL, 0xa4e5_cb38_42f7_488aL, 56),
    MP("MP", 0x95a6_7b81_9a1b_857eL, 0xa0b6_1b72_3b6a_73e0L, 56),
    MEMORY_MAP("memory map", 0x67cf_3d9d_378a_806fL, 0xe304_acdf_c50c_3c62L, 48),
    ENTRY_POINT("entry point", 0x13d8_6c03_5a1c_d3e1L, 0x2b0c_aa89_d8f3_026aL, 56),
    EXECUTABLE_FILE("executable file", 0xad97_e90e_83f1_ed67L, 0x31eb_5d1c_5ff2_3b69L, 48),
    MODULES("modules", 0x3e7e_2797_02be_32afL, 0xca1c_4f3b_d128_0ceeL, 48),
    RSDP("RSDP", 0xc5e7_7b6b_397e_7b43L, 0x2763_7845_accd_cf3cL, 48),
    SMBIOS("SMBIOS", 0x9e90_46f1_1e09_5391L, 0xaa4a_520f_efbd_e5eeL, 48),
    EFI_SYSTEM_TABLE("EFI system table", 0x5ceb_a516_3eaa_f6d6L, 0x0a69_8161_0cf6_5fccL, 48),
    TPM_EVENT_LOG("TPM event log", 0x98e0_94fc_7e76_e979L, 0xee8d_8775_c54e_1d1fL, 48),
    EFI_MEMORY_MAP("EFI memory map", 0x7df6_2a43_1d68_72d5L, 0xa4fc_dfb3_e573_06c8L, 48),
    DATE_AT_BOOT("date at boot", 0x5027_46e1_84c0_88aaL, 0xfbc5_ec83_e632_7893L, 48),
    EXECUTABLE_ADDRESS("executable address", 0x71ba_7686_3cc5_5f63L, 0xb264_4a48_c516_a487L, 48),
    DEVICE_TREE("device tree blob", 0xb40d_db48_fb54_bac7L, 0x5450_8149_3f81_ffb7L, 48),
    BSP_HART_ID("RISC-V BSP hart ID", 0x1369_359f_0255_25f9L, 0x2ff2_a561_7839_1bb6L, 48),
    PERFORMANCE("bootloader performance", 0x6b50_ad9b_f36d_13adL, 0xdc4c_7e88_fc75_9e17L, 48),
    KEEP_IOMMU("keep IOMMU", 0x8eba_abe5_1f49_0179L, 0x2aa8_6a59_ffb4_ab0fL, 48),
    TSC_FREQUENCY("TSC frequency", 0x10f2_ee1d_87d1_95e4L, 0xf747_a2b7_8f6d_db31L, 48),
    FLANTERM("Flanterm parameters", 0x3259_399f_e7c5_f126L, 0xe01c_1c8c_5db9_d1a9L, 48),
    ENTROPY("entropy", 0x65ea_8025_5d56_82c5L, 0x9117_2407_23f4_93ebL, 56),
    /** Gone from the protocol. */
    TERMINAL("terminal", 0xc8ac_5931_0c2b_0844L, 0xa68d_0c72_65d3_8878L, 48),
    /** Gone from the protocol; {@link #PAGING_MODE} took its place. */
    FIVE_LEVEL_PAGING("5-level paging", 0x9446_9551_da9b_3192L, 0xebe5_e86d_b738_2888L, 48);

    private final String words;
    private final long low;
    private final long high;
    private final int size;

    LimineFeature(String words, long low, long high, int size) {
        this.words = words;
        this.low = low;
        this.high = high;
        this.size = size;
    }

    /** Returns the feature with this ID, the last two values of four; empty if the protocol has none. */
    static Optional<LimineFeature> of(long low, long high) {
        return Arrays.stream(values())
                .filter(feature -> feature.low == low && feature.high == high)
                .findFirst();
    }

    /** Returns its name in words. */
    String words() {
        return words;
    }

    /** Returns the third value of its ID. */
    long low() {
        return low;
    }

    /** Returns the fourth value of its ID. */
    long high() {
        return high;
    }

    /** Returns the bytes of the first revision of its request, which each revision has. */
    int size() {
        return size;
    }
}
