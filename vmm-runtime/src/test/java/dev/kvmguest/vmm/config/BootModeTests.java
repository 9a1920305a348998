package dev.kvmguest.vmm.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class BootModeTests {

    @ParameterizedTest
    @CsvSource({
        "real, REAL",
        "REAL, REAL",
        "' protected ', PROTECTED",
        "paged, PAGED",
        "paged-4k, PAGED_4K",
        "multiboot, MULTIBOOT",
        "multiboot2, MULTIBOOT2",
        "pvh, PVH",
        "linux, LINUX",
        "long, LONG",
        "limine, LIMINE",
        "PAGED_4K, PAGED_4K",
        "Paged-4K, PAGED_4K"
    })
    void nameIsReadInAnyCase(String text, BootMode mode) {
        assertThat(BootMode.parse(text)).isEqualTo(mode);
    }

    @ParameterizedTest
    @EnumSource
    void idIsWhatParseReads(BootMode mode) {
        assertThat(BootMode.parse(mode.id())).isEqualTo(mode);
        assertThat(mode).hasToString(mode.id());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "vm86", "paged4k"})
    void unknownNameListsTheKnownOnes(String text) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> BootMode.parse(text))
                .withMessage("boot mode \"" + text
                        + "\" is unknown; use one of real, protected, paged, paged-4k, long, multiboot, multiboot2,"
                        + " limine, pvh, linux");
    }

    @ParameterizedTest
    @CsvSource({
        "REAL, false, 0",
        "PROTECTED, false, 0",
        "PAGED, true, 0x80000000",
        "PAGED_4K, true, 0x80000000",
        "MULTIBOOT, false, 0",
        "MULTIBOOT2, false, 0",
        "PVH, false, 0",
        "LINUX, false, 0"
    })
    void onlyThePagedModesMapTheKernelHigh(BootMode mode, boolean paging, String base) {
        assertThat(mode.paging()).isEqualTo(paging);
        assertThat(mode.kernelBase()).isEqualTo(Long.decode(base));
    }
}
