package dev.kvmguest.vmm.internal.boot.limine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.config.EntryPoint;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.DescriptorTable;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.internal.boot.limine.LimineKernel.Booted;
import dev.kvmguest.vmm.memory.MemoryLayout.Kind;
import dev.kvmguest.vmm.memory.MemoryLayout.Range;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The registers, descriptors and pages with which a Limine kernel is entered. */
class LimineEntryTests {

    private static final long HHDM = 0xffff_8000_0000_0000L;
    private static final long TEXT = LimineKernel.TEXT;
    private static final long PHYSICAL = 0x20_0000;
    private static final long WRITABLE = 2;
    private static final long NO_EXECUTE = 1L << 63;

    @Test
    void registersAreThoseOfTheSpecification() {
        Booted booted = new LimineKernel().baseRevision(6).boot();

        SegmentState data = new SegmentState(0x30, 0, 0xffff_ffffL, 0xc093);
        Range tables = range(booted, "Limine's page tables");
        Range gdt = range(booted, "Limine's GDT");
        Range stack = range(booted, "the stack from Limine");
        assertThat(booted.state())
                .isEqualTo(CpuState.builder()
                        .set(Register.RFLAGS, 2)
                        .segment(SegmentRegister.CS, new SegmentState(0x28, 0, 0xffff_ffffL, 0xa09b))
                        .segment(SegmentRegister.DS, data)
                        .segment(SegmentRegister.ES, data)
                        .segment(SegmentRegister.FS, data)
                        .segment(SegmentRegister.GS, data)
                        .segment(SegmentRegister.SS, data)
                        .segment(SegmentRegister.TR, new SegmentState(0, 0, 0, 0x8b))
                        .segment(SegmentRegister.LDTR, SegmentState.unusable())
                        .set(Register.CR0, 0x8001_0011L)
                        .set(Register.CR3, tables.start())
                        .set(Register.CR4, 0x20)
                        .set(Register.EFER, 0xd00)
                        .set(Register.RIP, TEXT)
                        .set(Register.RSP, HHDM + stack.end() - 8)
                        .gdt(new DescriptorTable(HHDM + gdt.start(), 0x37))
                        .idt(new DescriptorTable(0, 0))
                        .build());
        assertThat(booted.word(booted.state().get(Register.RSP))).isZero();
        assertThat(stack.end() - stack.start()).isEqualTo(0x1_0000);
        assertThat(booted.loader().layout().warnings()).isEmpty();
    }

    private static Range range(Booted booted, String name) {
        return booted.loader().layout().ranges().stream()
                .filter(range -> range.name().equals(name))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void gdtHasCodeAndDataOf16And32And64Bits() {
        Booted booted = new LimineKernel().boot();

        long gdt = booted.state().gdt().base();
        long[] entries = new long[7];
        for (int i = 0; i < entries.length; i++) {
            entries[i] = booted.word(gdt + 8L * i);
        }
        assertThat(entries)
                .containsExactly(
                        0,
                        0x0000_9b00_0000_ffffL,
                        0x0000_9300_0000_ffffL,
                        0x00cf_9b00_0000_ffffL,
                        0x00cf_9300_0000_ffffL,
                        0x00af_9b00_0000_ffffL,
                        0x00cf_9300_0000_ffffL);
    }

    @Test
    void segmentsAreMappedWhereTheyAreLinkedWithTheirRights() {
        Booted booted = new LimineKernel().words(0x1234).bss(0x2000).boot();

        assertThat(rights(booted, TEXT)).isZero();
        assertThat(rights(booted, LimineKernel.RODATA)).isEqualTo(NO_EXECUTE);
        assertThat(rights(booted, LimineKernel.DATA)).isEqualTo(WRITABLE | NO_EXECUTE);
        assertThat(booted.linear().physical(TEXT)).hasValue(PHYSICAL);
        assertThat(booted.word(LimineKernel.DATA)).isEqualTo(0x1234);
        assertThat(booted.linear().isMapped(LimineKernel.DATA + 0x2007)).isTrue();
        assertThat(booted.linear().isMapped(LimineKernel.DATA + 0x3000)).isFalse();
        assertThat(booted.linear().isMapped(TEXT - 1)).isFalse();
    }

    private static long rights(Booted booted, long linear) {
        return booted.linear().walk(linear).orElseThrow().last().value() & (WRITABLE | NO_EXECUTE);
    }

    @ParameterizedTest
    @CsvSource({"0, true, true", "1, false, true", "2, false, true", "3, false, false", "6, false, false"})
    void whatIsMappedBesideTheKernelDependsOnTheBaseRevision(long number, boolean identity, boolean fourGib) {
        Booted booted = new LimineKernel().baseRevision(number).boot();

        for (long address : new long[] {0x1000, 0x20_0000, 0xff_f000}) {
            assertThat(booted.linear().physical(address)).isEqualTo(identity ? OptionalLong.of(address) : none());
            assertThat(booted.linear().physical(HHDM + address)).hasValue(address);
        }
        assertThat(booted.linear().isMapped(0)).isFalse();
        assertThat(booted.linear().isMapped(0xffff_f000L)).isEqualTo(identity);
        assertThat(booted.linear().isMapped(HHDM)).isTrue();
        // Video memory is reserved, and beyond the end of RAM is nothing.
        assertThat(booted.linear().isMapped(HHDM + 0xb_8000)).isEqualTo(fourGib);
        assertThat(booted.linear().isMapped(HHDM + 0x100_0000)).isEqualTo(fourGib);
        assertThat(booted.linear().isMapped(HHDM + 0xffff_f000L)).isEqualTo(fourGib);
        assertThat(booted.linear().isMapped(HHDM + 0x1_0000_0000L)).isFalse();
        assertThat(rights(booted, HHDM + 0x30_0000)).isEqualTo(WRITABLE);
    }

    private static OptionalLong none() {
        return OptionalLong.empty();
    }

    @Test
    void pagesAreLargeWhereTheyCanBe() {
        Booted booted = new LimineKernel().baseRevision(6).boot();

        assertThat(booted.linear().walk(HHDM + 0x40_0000).orElseThrow().last().pageSize())
                .isEqualTo(0x20_0000);
        assertThat(booted.linear().walk(HHDM + 0x9_e000).orElseThrow().last().pageSize())
                .isEqualTo(0x1000);
        Range tables = range(booted, "Limine's page tables");
        assertThat(tables.end() - tables.start()).isLessThanOrEqualTo(0x8000);
        assertThat(tables.kind()).isEqualTo(Kind.LOADER_TABLES);
    }

    @Test
    void entryIsTheRequestedOneElseTheFiles() {
        LimineKernel kernel = new LimineKernel().code("90 90 f4").request(LimineFeature.ENTRY_POINT, 0, TEXT + 2);

        assertThat(kernel.boot().state().get(Register.RIP)).isEqualTo(TEXT + 2);
        assertThat(LimineKernel.boot(kernel.config().withEntry(EntryPoint.linear(TEXT + 1)))
                        .state()
                        .get(Register.RIP))
                .isEqualTo(TEXT + 1);
    }

    @ParameterizedTest
    @ValueSource(longs = {0x4000, 0x1_0000, 0x1_0001, 0x10_0000})
    void stackHasAtLeastTheSizeThatIsAskedFor(long size) {
        LimineKernel kernel = new LimineKernel().request(LimineFeature.STACK_SIZE, 0, size);
        Booted booted = kernel.boot();

        Range stack = range(booted, "the stack from Limine");
        assertThat(stack.end() - stack.start()).isGreaterThanOrEqualTo(Math.max(0x1_0000, size));
        assertThat(booted.state().get(Register.RSP) & 0xf).isEqualTo(8);
        assertThat(booted.response(LimineKernel.DATA)).isNotZero();
    }
}
