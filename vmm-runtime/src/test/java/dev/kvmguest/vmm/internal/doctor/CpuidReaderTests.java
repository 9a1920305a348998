package dev.kvmguest.vmm.internal.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.internal.x86.CpuidLeaf;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CpuidReaderTests {

    @TempDir
    private Path root;

    @Test
    void leavesAreThoseThatTheRangesSayWithTheirSubleavesAndNoOthers() {
        CpuidReader reader = of(Map.of(
                "0.0", new int[] {0xd, 'A', 'B', 'C'},
                "1.0", new int[] {1, 2, 3, 4},
                "b.0", new int[] {1, 2, 0x100, 7},
                "b.1", new int[] {0, 0, 2, 7},
                "d.0", new int[] {7, 0, 0, 0},
                "d.2", new int[] {0x100, 0, 0, 0},
                "e.0", new int[] {9, 9, 9, 9},
                "40000000.0", new int[] {0x40000000, 1, 1, 1},
                "80000000.0", new int[] {0x80000001, 0, 0, 0},
                "80000001.0", new int[] {0, 0, 0, 5}));

        assertThat(reader.leaves().stream().map(leaf -> leaf.name() + " = " + leaf.registers()))
                .containsExactly(
                        "0x0 = 0000000d 00000041 00000042 00000043",
                        "0x1 = 00000001 00000002 00000003 00000004",
                        "0xb.0 = 00000001 00000002 00000100 00000000",
                        "0xd.0 = 00000007 00000000 00000000 00000000",
                        "0xd.2 = 00000100 00000000 00000000 00000000",
                        "0x80000000 = 80000001 00000000 00000000 00000000",
                        "0x80000001 = 00000000 00000000 00000000 00000005");
    }

    @Test
    void aProcessorThatClaimsAnyNumberOfLeavesIsNotAskedForAllOfThem() {
        int[] asked = {0};
        CpuidReader reader = (function, index) -> {
            asked[0]++;
            return Optional.of(new int[] {-1, -1, -1, -1});
        };

        assertThat(reader.leaves()).isNotEmpty();
        assertThat(asked[0]).isLessThan(2000);
    }

    @Test
    void whatTellsOneProcessorFromAnotherIsLeftOut() {
        assertThat(leaf(1).withoutIdentity().registers()).isEqualTo("ffffffff 00ffffff ffffffff ffffffff");
        assertThat(leaf(3).withoutIdentity().isEmpty()).as("a serial number").isTrue();
        assertThat(leaf(0xb).withoutIdentity().registers()).isEqualTo("ffffffff ffffffff ffffffff 00000000");
        assertThat(leaf(0x8000_001e).withoutIdentity().registers()).isEqualTo("00000000 ffffff00 ffffff00 ffffffff");
        assertThat(leaf(7).withoutIdentity()).isEqualTo(leaf(7));
    }

    @Test
    void theDeviceIsReadAtTheLeafsPosition() throws IOException {
        Path device = root.resolve("dev/cpu/0/cpuid");
        Files.createDirectories(device.getParent());
        try (RandomAccessFile file = new RandomAccessFile(device.toFile(), "rw")) {
            file.seek(0x100);
            file.write(new byte[] {1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, (byte) 0x80});
        }
        CpuidReader reader = new CpuidDevice(new HostFiles(root));

        assertThat(reader.read(0x100, 0))
                .hasValueSatisfying(registers -> assertThat(registers).containsExactly(1, 2, 3, 0x8000_0004));
        assertThat(reader.read(0x108, 0)).as("cut short").isEmpty();
        assertThat(reader.read(0x100, 1)).isEmpty();
        assertThat(new CpuidDevice(new HostFiles(root.resolve("none"))).leaves())
                .isEmpty();
    }

    private static CpuidLeaf leaf(int function) {
        return new CpuidLeaf(function, 0, false, -1, -1, -1, -1);
    }

    private static CpuidReader of(Map<String, int[]> leaves) {
        return (function, index) ->
                Optional.of(leaves.getOrDefault(Integer.toHexString(function) + "." + index, new int[] {0, 0, 0, 0}));
    }
}
