package dev.kvmguest.vmm.internal.inspection;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.TestGuest;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.DescriptorTable;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.diagnosis.Inspection.Table;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.image.GuestImage.Symbol;
import dev.kvmguest.vmm.memory.GuestMemory;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TableViewsTests {

    private static final int GDT = 0x1000;
    private static final int IDT = 0x2000;

    private final GuestMemory memory = new GuestMemory(ByteBuffer.allocate(0x1_0000), () -> {});
    private CpuState registers = CpuState.builder()
            .set(Register.CR0, CpuState.CR0_PE)
            .gdt(new DescriptorTable(GDT, 15))
            .idt(new DescriptorTable(IDT, 15))
            .build();

    @Test
    void tablesOfTheBootModeAreFewRows() {
        List<Table> tables = TestGuest.run(TestGuest.flat("0f 0b"), EngineChoice.EMULATOR)
                .run()
                .diagnosis()
                .inspection()
                .orElseThrow()
                .tables();

        assertThat(tables.stream().flatMap(TableViewsTests::text))
                .containsExactly(
                        "GDT at 500/27",
                        "0 empty",
                        "1 32-bit code, base 0x0, limit 0xffffffff, readable, DPL 0",
                        "2 data, base 0x0, limit 0xffffffff, writable, DPL 0",
                        "3 32-bit code, base 0x0, limit 0xffffffff, readable, DPL 3",
                        "4 data, base 0x0, limit 0xffffffff, writable, DPL 3",
                        "IDT at 528/7ff",
                        "0-255 empty");
    }

    @ParameterizedTest
    @CsvSource({
        "0040920010000fff, 'data, base 0x1000, limit 0xfff, writable, DPL 0'",
        "00c0f00000000001, 'data, base 0x0, limit 0x1fff, read-only, DPL 3'",
        "0000960000000fff, 'expand-down data, base 0x0, limit 0xfff, writable, DPL 0'",
        "00009c000000ffff, '16-bit conforming code, base 0x0, limit 0xffff, execute-only, DPL 0'",
        "00cf1a000000ffff, '32-bit code, base 0x0, limit 0xffffffff, readable, DPL 0, not present'",
        "0000890020000067, '32-bit TSS, base 0x2000, limit 0x67, DPL 0'",
        "00008b0020000067, '32-bit busy TSS, base 0x2000, limit 0x67, DPL 0'",
        "000081002000002b, '16-bit TSS, base 0x2000, limit 0x2b, DPL 0'",
        "000082003000000f, 'LDT, base 0x3000, limit 0xf, DPL 0'",
        "1234ec0000085678, '32-bit call gate to 0x8:0x12345678, DPL 3'",
        "0000850000280000, 'task gate to 0x28, DPL 0'",
        "12348e0000085678, 'no segment: 32-bit interrupt gate to 0x8:0x12345678, DPL 0'",
        "0000800000000001, 'access byte 0x80, which is nothing that exists, DPL 0'"
    })
    void descriptorIsNamedByWhatItIs(String raw, String meaning) {
        memory.writeLong(GDT + 8, Long.parseUnsignedLong(raw, 16));

        assertThat(text(views().get(0))).containsExactly("GDT at 1000/f", "0 empty", "1 " + meaning);
    }

    @ParameterizedTest
    @CsvSource({
        "00008e0000081234, '32-bit interrupt gate to 0x8:0x1234 (trap+0x4), DPL 0'",
        "0000ef0000081000, '32-bit trap gate to 0x8:0x1000, DPL 3'",
        "0000060000081000, '16-bit interrupt gate to 0x8:0x1000, DPL 0, not present'",
        "0000850000280000, 'task gate to 0x28, DPL 0'",
        "00cf9a000000ffff, 'no gate: 32-bit code, base 0x0, limit 0xffffffff, readable, DPL 0'"
    })
    void gateIsNamedByWhereItLeads(String raw, String meaning) {
        memory.writeLong(IDT + 8, Long.parseUnsignedLong(raw, 16));

        assertThat(text(views().get(1))).containsExactly("IDT at 2000/f", "0 empty", "1 " + meaning);
    }

    @Test
    void localTableIsShownIfThereIsOne() {
        memory.writeLong(0x3008, 0x00cf_9200_0000_ffffL);
        registers =
                registers.with(state -> state.segment(SegmentRegister.LDTR, new SegmentState(0x28, 0x3000, 0xf, 0x82)));

        assertThat(text(views().get(2)))
                .containsExactly("LDT at 3000/f", "0 empty", "1 data, base 0x0, limit 0xffffffff, writable, DPL 0");
    }

    @Test
    void whatCanNotBeReadOrIsTooMuchIsSaidToBeSo() {
        registers = registers.with(
                state -> state.gdt(new DescriptorTable(0xfff0, 0xffff)).idt(new DescriptorTable(0x7000_0000, 0x7ff)));

        assertThat(views().stream().flatMap(TableViewsTests::text))
                .containsExactly(
                        "GDT at fff0/ffff",
                        "0-1 empty",
                        "2-63 not in memory",
                        "64-8191 not looked at",
                        "IDT at 70000000/7ff",
                        "0-255 not in memory");
    }

    @Test
    void tableWithoutAnEntryHasNoRow() {
        registers = registers.with(state -> state.gdt(new DescriptorTable(0, 0)).idt(new DescriptorTable(0, 6)));

        assertThat(views()).allSatisfy(table -> assertThat(table.rows()).isEmpty());
    }

    @Test
    void realModeHasFarPointers() {
        List<Table> tables = TestGuest.run(
                        // mov dword [0x18],0x1000; sti; hlt
                        TestGuest.real("66 c7 06 18 00 00 10 00 00 fb f4").withBoot(BootMode.REAL),
                        EngineChoice.EMULATOR)
                .run()
                .diagnosis()
                .inspection()
                .orElseThrow()
                .tables();

        assertThat(tables.stream().flatMap(TableViewsTests::text))
                .containsExactly(
                        "IVT at 0/3ff",
                        "0-5 to the firmware's default handler",
                        "6 to 0000:1000",
                        "7-255 to the firmware's default handler");
    }

    private List<Table> views() {
        GuestImage image = new GuestImage(
                "test",
                GuestImage.Format.FLAT,
                GuestImage.flat("test", new byte[1]).segments(),
                OptionalLong.empty(),
                List.of(new Symbol("trap", 0x1230, 16)));
        return TableViews.of(registers, new LinearMemory(memory, registers), image, Optional.empty());
    }

    private static Stream<String> text(Table table) {
        String head = table.name() + " at " + Long.toHexString(table.base()) + "/" + Integer.toHexString(table.limit());
        return Stream.concat(
                Stream.of(head),
                table.rows().stream()
                        .map(row -> (row.first() == row.last() ? "" + row.first() : row.first() + "-" + row.last())
                                + " " + row.meaning()));
    }
}
