package dev.kvmguest.vmm.internal.emulator.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.internal.x86.Cr0;
import dev.kvmguest.vmm.internal.x86.Cr4;
import dev.kvmguest.vmm.internal.x86.Efer;
import dev.kvmguest.vmm.internal.x86.Vector;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PagingTests {

    private static final int DIRECTORY = 0x1000;
    private static final int TABLE = 0x2000;
    private static final long PAGE = 0x40_5000;
    private static final int ENTRY = TABLE + 4 * 5;
    private static final int PRESENT = 1;
    private static final int WRITABLE = 2;
    private static final int USER = 4;
    private static final int ACCESSED = 0x20;
    private static final int DIRTY = 0x40;
    private static final int LARGE = 0x80;
    private static final int ALL = PRESENT | WRITABLE | USER;

    private final ByteBuffer ram = ByteBuffer.allocateDirect(8 << 20).order(ByteOrder.LITTLE_ENDIAN);
    private final Cpu cpu = new Cpu(new Ram(ram));

    @BeforeEach
    void pagesOf4KiBAt4MiB() {
        for (int segment = Cpu.ES; segment <= Cpu.GS; segment++) {
            cpu.loadSegment(segment, segment == Cpu.CS ? SegmentState.flatCode(8) : SegmentState.flatData(16));
        }
        cpu.setCr0(Cr0.PE | Cr0.ET);
        for (int segment = Cpu.ES; segment <= Cpu.GS; segment++) {
            cpu.loadSegment(segment, segment == Cpu.CS ? SegmentState.flatCode(8) : SegmentState.flatData(16));
        }
        ram.putInt(DIRECTORY, LARGE | ALL);
        ram.putInt(DIRECTORY + 4, TABLE | ALL);
        ram.putInt(ENTRY, 0x7000 | ALL);
        cpu.setCr3(DIRECTORY);
        cpu.setCr4(Cr4.PSE);
        cpu.setCr0(cpu.cr0() | Cr0.PG);
    }

    @Test
    void pageIsFoundThroughBothTables() {
        ram.putInt(0x7123 & ~3, 0x1234_5678);

        assertThat(read(PAGE + 0x120)).isEqualTo(0x1234_5678L);
    }

    @Test
    void readSetsAccessedInBothTablesAndWriteSetsDirtyInTheLast() {
        read(PAGE);

        assertThat(ram.getInt(DIRECTORY + 4)).isEqualTo(TABLE | ALL | ACCESSED);
        assertThat(ram.getInt(ENTRY)).isEqualTo(0x7000 | ALL | ACCESSED);

        write(PAGE);

        assertThat(ram.getInt(DIRECTORY + 4)).isEqualTo(TABLE | ALL | ACCESSED);
        assertThat(ram.getInt(ENTRY)).isEqualTo(0x7000 | ALL | ACCESSED | DIRTY);
    }

    @Test
    void largePageHasItsBitsInTheDirectory() {
        write(0x3f_0000);

        assertThat(ram.getInt(DIRECTORY)).isEqualTo(LARGE | ALL | ACCESSED | DIRTY);
        assertThat(ram.getInt(0x3f_0000)).isEqualTo(0x55);
    }

    @Test
    void faultLeavesAccessedAndDirtyAlone() {
        ram.putInt(ENTRY, 0x7000 | PRESENT | WRITABLE);
        cpu.setCpl(3);

        assertFault(() -> write(PAGE), 7, PAGE);
        assertThat(ram.getInt(DIRECTORY + 4)).isEqualTo(TABLE | ALL);
        assertThat(ram.getInt(ENTRY)).isEqualTo(0x7000 | PRESENT | WRITABLE);
    }

    // Directory and table entry, CPL, CR0.WP, whether to write, and the error code or "ok".
    @ParameterizedTest
    @CsvSource({
        "7, 7, 3, false, false, ok",
        "7, 7, 3, false, true,  ok",
        "7, 6, 3, false, false, 4",
        "7, 6, 3, false, true,  6",
        "6, 7, 3, false, true,  6",
        "7, 6, 0, false, false, 0",
        "7, 6, 0, false, true,  2",
        "7, 3, 3, false, false, 5",
        "3, 7, 3, false, false, 5",
        "7, 3, 0, false, true,  ok",
        "7, 3, 1, false, false, ok",
        "7, 3, 2, false, true,  ok",
        "7, 5, 3, false, false, ok",
        "7, 5, 3, false, true,  7",
        "5, 7, 3, true,  true,  7",
        "7, 5, 0, false, true,  ok",
        "7, 5, 0, true,  true,  3",
        "5, 7, 0, true,  true,  3",
        "7, 1, 0, true,  false, ok",
    })
    void rightsAreThoseThatBothLevelsGive(
            int directory, int entry, int cpl, boolean writeProtect, boolean write, String expected) {
        ram.putInt(DIRECTORY + 4, TABLE | directory);
        ram.putInt(ENTRY, 0x7000 | entry);
        cpu.setCr0(cpu.cr0() | (writeProtect ? Cr0.WP : 0));
        cpu.setCpl(cpl);

        ThrowingCallable access = () -> {
            if (write) {
                write(PAGE);
            } else {
                read(PAGE);
            }
        };

        if (expected.equals("ok")) {
            assertThatCode(access).doesNotThrowAnyException();
        } else {
            assertFault(access, Integer.parseInt(expected), PAGE);
        }
    }

    @Test
    void translationIsKeptUntilItIsInvalidated() {
        ram.putInt(0x8000, 0x88);
        assertThat(read(PAGE)).isZero();
        ram.putInt(ENTRY, 0x8000 | ALL);

        assertThat(read(PAGE)).isZero();

        cpu.invalidatePage(PAGE);

        assertThat(read(PAGE)).isEqualTo(0x88);
    }

    @Test
    void loadingCr3ForgetsTranslations() {
        ram.putInt(0x8000, 0x88);
        read(PAGE);
        ram.putInt(ENTRY, 0x8000 | ALL);

        cpu.setCr3(DIRECTORY);

        assertThat(read(PAGE)).isEqualTo(0x88);
    }

    @Test
    void readAllowedToTheSupervisorIsNotRememberedForTheUser() {
        ram.putInt(ENTRY, 0x7000 | PRESENT | WRITABLE);
        read(PAGE);
        write(PAGE);
        cpu.setCpl(3);

        assertFault(() -> read(PAGE), 5, PAGE);
        assertFault(() -> write(PAGE), 7, PAGE);
    }

    @Test
    void systemAccessHasSupervisorRightsAtAnyLevel() {
        ram.putInt(ENTRY, 0x7000 | PRESENT);
        cpu.setCpl(3);

        assertThat(cpu.memory.readSystem(PAGE, 4)).isZero();
    }

    @Test
    void accessAcrossTwoPagesUsesBothTranslations() {
        ram.putInt(ENTRY + 4, 0x9000 | ALL);
        cpu.memory.write(Cpu.DS, PAGE + 0xffe, 4, 0x4433_2211);

        assertThat(ram.getShort(0x7ffe)).isEqualTo((short) 0x2211);
        assertThat(ram.getShort(0x9000)).isEqualTo((short) 0x4433);
        assertThat(read(PAGE + 0xffe)).isEqualTo(0x4433_2211L);
    }

    @Test
    void writeAcrossTwoPagesWritesNothingIfTheSecondFaults() {
        ram.putInt(ENTRY + 4, 0);

        assertFault(() -> cpu.memory.write(Cpu.DS, PAGE + 0xffe, 4, -1), 2, PAGE + 0x1000);
        assertThat(ram.getShort(0x7ffe)).isZero();
    }

    @Test
    void reservedBitOfALargePageFaults() {
        ram.putInt(DIRECTORY + 8, 0x2_0000 | LARGE | ALL);

        assertFault(() -> read(0x80_0000), 9, 0x80_0000);
    }

    @Test
    void withoutPseTheSizeBitIsIgnored() {
        ram.putInt(DIRECTORY + 8, TABLE | LARGE | ALL);
        ram.putInt(DIRECTORY, TABLE | ALL);
        ram.putInt(TABLE, 0x7000 | ALL);
        ram.putInt(0x7000, 0x77);

        cpu.setCr4(0);

        assertThat(read(0x80_0000)).isEqualTo(0x77);
    }

    @Test
    void paeHasThreeLevelsAndForbidsExecution() {
        ram.putLong(0x3000, 0x4000 | PRESENT);
        ram.putLong(0x4000, LARGE | ALL);
        ram.putLong(0x4008, 0x20_0000 | LARGE | ALL | Long.MIN_VALUE);
        ram.putLong(0x4010, 0x5000 | ALL);
        ram.putLong(0x5000, 0x7000 | ALL | Long.MIN_VALUE);
        ram.putInt(0x7000, 0x77);
        ram.putInt(0x20_0010, 0x2010);
        assertThat(cpu.memory.loadPageDirectoryPointers(0x3000)).isTrue();
        cpu.setEfer(Efer.NXE);
        cpu.setCr4(Cr4.PAE);
        cpu.setCr3(0x3000);

        assertThat(read(0x40_0000)).isEqualTo(0x77);
        assertThat(read(0x20_0010)).isEqualTo(0x2010);
        assertThat(cpu.memory.fetchPhysical(0x1234)).isEqualTo(0x1234);
        assertFault(() -> cpu.memory.fetchPhysical(0x40_0000), 0x11, 0x40_0000);
        assertFault(() -> cpu.memory.fetchPhysical(0x20_0000), 0x11, 0x20_0000);
        assertFault(() -> read(0x4000_0000), 0, 0x4000_0000);

        cpu.setEfer(0);

        assertFault(() -> read(0x40_0000), 9, 0x40_0000);
    }

    @Test
    void reservedBitOfAPageDirectoryPointerIsRefused() {
        ram.putLong(0x3008, 0x4000 | PRESENT | WRITABLE);

        assertThat(cpu.memory.loadPageDirectoryPointers(0x3000)).isFalse();
    }

    private long read(long linear) {
        return cpu.memory.read(Cpu.DS, linear, 4);
    }

    private void write(long linear) {
        cpu.memory.write(Cpu.DS, linear, 4, 0x55);
    }

    private static void assertFault(ThrowingCallable access, int errorCode, long address) {
        assertThatThrownBy(access).isInstanceOfSatisfying(CpuFault.class, fault -> {
            assertThat(fault.vector()).isEqualTo(Vector.PF);
            assertThat(fault.errorCode()).isEqualTo(errorCode);
            assertThat(fault.cr2()).isEqualTo(address);
        });
    }
}
