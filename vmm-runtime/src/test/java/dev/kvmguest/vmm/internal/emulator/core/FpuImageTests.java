package dev.kvmguest.vmm.internal.emulator.core;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.internal.engine.XsaveArea;
import org.junit.jupiter.api.Test;

class FpuImageTests {

    private final FpuState saved = new FpuState();
    private final FpuState restored = new FpuState();

    @Test
    void allSixteenXmmRegistersGoOn() {
        for (int n = 0; n < saved.xmm.length; n++) {
            saved.xmm[n] = n + 1;
        }
        FpuImage.restore(restored, FpuImage.save(saved));

        assertThat(restored.xmm).containsExactly(saved.xmm);
    }

    @Test
    void pointersOf32BitsAreThoseOf64BitsAndSelectorsGoOnToo() {
        saved.setInstructionPointer(0x23, 0xffff_fff0L);
        saved.setDataPointer(0x2b, 0x1000);
        XsaveArea area = FpuImage.save(saved);
        assertThat(area.bytes().getLong(XsaveArea.FIP)).isEqualTo(0xffff_fff0L);
        assertThat(area.bytes().getLong(XsaveArea.FDP)).isEqualTo(0x1000);

        FpuImage.restore(restored, area);
        assertPointers(0x23, 0xffff_fff0L, 0x2b, 0x1000);
    }

    @Test
    void pointersOf64BitsAreWhereXsave64HasThemAndSelectorsGoOnToo() {
        saved.setInstructionPointer(0x33, 0x1234_5678_9abcL);
        saved.setDataPointer(0x2b, 0x1000);
        XsaveArea area = FpuImage.save(saved);
        assertThat(area.bytes().getLong(XsaveArea.FIP)).isEqualTo(0x1234_5678_9abcL);
        assertThat(area.bytes().getLong(XsaveArea.FDP)).isEqualTo(0x1000);

        FpuImage.restore(restored, area);
        assertPointers(0x33, 0x1234_5678_9abcL, 0x2b, 0x1000);
    }

    private void assertPointers(int codeSelector, long instruction, int dataSelector, long data) {
        assertThat(restored.instructionSelector()).isEqualTo(codeSelector);
        assertThat(restored.instructionOffset()).isEqualTo(instruction);
        assertThat(restored.dataSelector()).isEqualTo(dataSelector);
        assertThat(restored.dataOffset()).isEqualTo(data);
    }
}
