package dev.kvmguest.vmm.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SegmentStateTests {

    @ParameterizedTest
    @CsvSource({
        // rights, type, S, DPL, P, AVL, L, D/B, G, unusable
        "0x00000, 0x0, false, 0, false, false, false, false, false, false",
        "0x0000f, 0xf, false, 0, false, false, false, false, false, false",
        "0x00010, 0x0, true,  0, false, false, false, false, false, false",
        "0x00020, 0x0, false, 1, false, false, false, false, false, false",
        "0x00060, 0x0, false, 3, false, false, false, false, false, false",
        "0x00080, 0x0, false, 0, true,  false, false, false, false, false",
        "0x00f00, 0x0, false, 0, false, false, false, false, false, false",
        "0x01000, 0x0, false, 0, false, true,  false, false, false, false",
        "0x02000, 0x0, false, 0, false, false, true,  false, false, false",
        "0x04000, 0x0, false, 0, false, false, false, true,  false, false",
        "0x08000, 0x0, false, 0, false, false, false, false, true,  false",
        "0x10000, 0x0, false, 0, false, false, false, false, false, true"
    })
    void accessRightsAreReadBitByBit(
            String rights,
            String type,
            boolean s,
            int dpl,
            boolean p,
            boolean avl,
            boolean l,
            boolean db,
            boolean g,
            boolean unusable) {
        SegmentState state = new SegmentState(0, 0, 0, Integer.decode(rights));

        assertThat(state.type()).isEqualTo(Integer.decode(type));
        assertThat(state.codeOrData()).isEqualTo(s);
        assertThat(state.dpl()).isEqualTo(dpl);
        assertThat(state.present()).isEqualTo(p);
        assertThat(state.available()).isEqualTo(avl);
        assertThat(state.longMode()).isEqualTo(l);
        assertThat(state.default32()).isEqualTo(db);
        assertThat(state.granularity()).isEqualTo(g);
        assertThat(state.isUnusable()).isEqualTo(unusable);
    }

    @Test
    void realModeSegmentStartsAt16TimesItsNumber() {
        assertThat(SegmentState.real(0xffff)).isEqualTo(new SegmentState(0xffff, 0xf_fff0, 0xffff, 0x93));
    }

    @Test
    void flatSegmentsHaveTheLevelOfTheirSelector() {
        assertThat(SegmentState.flatCode(0x08)).isEqualTo(new SegmentState(0x08, 0, 0xffff_ffffL, 0xc09b));
        assertThat(SegmentState.flatData(0x10)).isEqualTo(new SegmentState(0x10, 0, 0xffff_ffffL, 0xc093));
        assertThat(SegmentState.flatCode(0x1b)).isEqualTo(new SegmentState(0x1b, 0, 0xffff_ffffL, 0xc0fb));
        assertThat(SegmentState.flatData(0x23)).isEqualTo(new SegmentState(0x23, 0, 0xffff_ffffL, 0xc0f3));
    }

    @Test
    void taskRegisterAfterResetIsABusy32BitTss() {
        assertThat(SegmentState.resetTask()).isEqualTo(new SegmentState(0, 0, 0xffff, 0x8b));
    }

    @Test
    void registerWithoutASegmentIsUnusable() {
        assertThat(SegmentState.unusable()).isEqualTo(new SegmentState(0, 0, 0, 0x1_0000));
    }
}
