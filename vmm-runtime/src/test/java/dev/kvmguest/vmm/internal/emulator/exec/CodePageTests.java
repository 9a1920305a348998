package dev.kvmguest.vmm.internal.emulator.exec;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.internal.emulator.decode.Decoder;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.OperationTable;
import dev.kvmguest.vmm.internal.x86.CpuMode;
import java.util.List;
import org.junit.jupiter.api.Test;

class CodePageTests {

    private static final int PHYSICAL = 0x5010;
    private static final int NOP = 0x90;

    private final CodePage page = new CodePage(PHYSICAL >> 12);

    private Block add(long eip, CpuMode mode) {
        Instruction nop = new Decoder(new OperationTable()).decode(index -> NOP, eip, mode);
        Block block = new Block(new Instruction[] {nop}, mode, PHYSICAL, -1);
        block.stamp = 0;
        page.add(block);
        return block;
    }

    @Test
    void blockIsFoundByAllBitsOfItsEip() {
        List<Long> places = List.of(0x10L, 0x8000_0010L, 0x1_0000_0010L, 0x10_0000_0010L, 0xffff_ffff_8000_0010L);
        List<Block> blocks =
                places.stream().map(eip -> add(eip, CpuMode.PROTECTED16)).toList();

        for (int i = 0; i < places.size(); i++) {
            assertThat(page.find(PHYSICAL, places.get(i), CpuMode.PROTECTED16)).isSameAs(blocks.get(i));
        }
        assertThat(page.find(PHYSICAL, 0x2_0000_0010L, CpuMode.PROTECTED16)).isNull();
    }

    @Test
    void blockIsFoundInItsModeOnly() {
        Block block = add(0x10, CpuMode.PROTECTED32);

        assertThat(page.find(PHYSICAL, 0x10, CpuMode.PROTECTED32)).isSameAs(block);
        assertThat(page.find(PHYSICAL, 0x10, CpuMode.PROTECTED16)).isNull();
        assertThat(page.find(PHYSICAL, 0x10, CpuMode.REAL32)).isNull();
    }

    @Test
    void droppedBlockIsNotFound() {
        add(0x10, CpuMode.REAL16);

        assertThat(page.drop(PHYSICAL & 0xfff, 1)).isEqualTo(1);
        assertThat(page.find(PHYSICAL, 0x10, CpuMode.REAL16)).isNull();
    }
}
