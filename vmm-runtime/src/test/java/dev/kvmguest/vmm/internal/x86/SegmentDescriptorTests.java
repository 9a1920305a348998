package dev.kvmguest.vmm.internal.x86;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.cpu.SegmentState;
import org.junit.jupiter.api.Test;

class SegmentDescriptorTests {

    @Test
    void segmentFieldsAreWhereTheManualHasThem() {
        SegmentDescriptor code = new SegmentDescriptor(0x12d3_fa45_6789_abcdL);

        assertThat(code.base()).isEqualTo(0x1245_6789);
        assertThat(code.limit()).isEqualTo(0x3abc_dfffL);
        assertThat(code.accessByte()).isEqualTo(0xfa);
        assertThat(code.dpl()).isEqualTo(3);
        assertThat(code.isPresent()).isTrue();
        assertThat(code.default32()).isTrue();
        assertThat(code.isCode()).isTrue();
        assertThat(code.isReadable()).isTrue();
        assertThat(code.isWritable()).isFalse();
        assertThat(code.isConforming()).isFalse();
        assertThat(code.isAccessed()).isFalse();
        assertThat(code.loaded(0x1b)).isEqualTo(new SegmentState(0x1b, 0x1245_6789, 0x3abc_dfffL, 0xd0fb));
    }

    @Test
    void limitWithoutGranularityIsInBytes() {
        assertThat(new SegmentDescriptor(0x004f_9300_0000_ffffL).limit()).isEqualTo(0xf_ffff);
        assertThat(new SegmentDescriptor(0x00cf_9300_0000_ffffL).limit()).isEqualTo(0xffff_ffffL);
    }

    @Test
    void highestBaseIsUnsigned() {
        assertThat(new SegmentDescriptor(0xff40_93ff_fff0_0000L).base()).isEqualTo(0xffff_fff0L);
    }

    @Test
    void gateFieldsAreWhereTheManualHasThem() {
        SegmentDescriptor gate = new SegmentDescriptor(0x8765_ec1f_0008_4321L);

        assertThat(gate.isCallGate()).isTrue();
        assertThat(gate.gateOffset()).isEqualTo(0x8765_4321L);
        assertThat(gate.gateSelector()).isEqualTo(8);
        assertThat(gate.gateParameters()).isEqualTo(31);
        assertThat(gate.gateWidth()).isEqualTo(4);
        assertThat(gate.dpl()).isEqualTo(3);
    }

    @Test
    void gateOfThe80286HasSixteenBitsOfOffset() {
        SegmentDescriptor gate = new SegmentDescriptor(0x8765_e400_0008_4321L);

        assertThat(gate.isCallGate()).isTrue();
        assertThat(gate.gateOffset()).isEqualTo(0x4321);
        assertThat(gate.gateWidth()).isEqualTo(2);
    }

    @Test
    void everySystemTypeIsOneThing() {
        String[] kinds = new String[16];
        for (int type = 0; type < kinds.length; type++) {
            SegmentDescriptor descriptor = new SegmentDescriptor((0x80L | type) << 40);
            kinds[type] = (descriptor.isAvailableTss() ? "available " : "")
                    + (descriptor.isTss() ? "TSS" : "")
                    + (descriptor.isSystem(SegmentDescriptor.LDT) ? "LDT" : "")
                    + (descriptor.isCallGate() ? "call" : "")
                    + (descriptor.isTaskGate() ? "task" : "")
                    + (descriptor.isInterruptGate() ? "interrupt" : "")
                    + (descriptor.isTrapGate() ? "trap" : "");
            assertThat(descriptor.isCodeOrData()).isFalse();
            assertThat(descriptor.isCode() || descriptor.isReadable() || descriptor.isWritable())
                    .isFalse();
        }
        assertThat(kinds)
                .containsExactly(
                        "",
                        "available TSS",
                        "LDT",
                        "TSS",
                        "call",
                        "task",
                        "interrupt",
                        "trap",
                        "",
                        "available TSS",
                        "",
                        "TSS",
                        "call",
                        "",
                        "interrupt",
                        "trap");
    }

    @Test
    void descriptorGivesBackWhatItWasMadeOf() {
        SegmentDescriptor small = SegmentDescriptor.of(0x8765_4321L, 0xf_edcb, 0x5093);
        SegmentDescriptor large = SegmentDescriptor.of(0xff00_0010L, 0x1234_5fff, 0xe0fb);

        assertThat(small.base()).isEqualTo(0x8765_4321L);
        assertThat(small.limit()).isEqualTo(0xf_edcb);
        assertThat(small.rights()).isEqualTo(0x5093);
        assertThat(large.base()).isEqualTo(0xff00_0010L);
        assertThat(large.limit()).isEqualTo(0x1234_5fff);
        assertThat(large.rights()).isEqualTo(0xe0fb);
    }

    @Test
    void flatCodeOf32BitsIsWhatManualsWrite() {
        assertThat(SegmentDescriptor.of(0, 0xffff_ffffL, 0xc09a).raw()).isEqualTo(0x00cf_9a00_0000_ffffL);
    }
}
