package dev.kvmguest.vmm.internal.boot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EntryPoint;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.DescriptorTable;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.memory.GuestMemory;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The registers with which a guest starts: all of them, in each mode. */
class EntryStateTests {

    @Test
    void realModeStartsInSegment0() {
        CpuState state = Guests.load(Guests.flat(4));

        assertThat(state).isEqualTo(real(0, 0x1000, 0x1000));
    }

    @Test
    void realModeStartsInTheSegmentOfItsEntry() {
        CpuState state = Guests.load(Guests.flat(4).withLoad(0x1_0200).withEntry(EntryPoint.segmented(0x1000, 0x202)));

        assertThat(state).isEqualTo(real(0x1000, 0x202, 0x200));
    }

    @Test
    void protectedModeStartsWithFlatSegments() {
        CpuState state = Guests.load(Guests.flat(4).withBoot(BootMode.PROTECTED));

        assertThat(state).isEqualTo(flat(0x1000, 0x11, 0, 0));
    }

    @Test
    void pagedModeStartsHighWithLargePages() {
        CpuState state = Guests.load(Guests.flat(4).withBoot(BootMode.PAGED));

        assertThat(state).isEqualTo(flat(0x8000_1000L, 0x8000_0011L, 0x10_0000, 0x10));
    }

    @Test
    void paged4kModeStartsHighWithoutPageSizeExtensions() {
        CpuState state = Guests.load(Guests.flat(4).withBoot(BootMode.PAGED_4K));

        assertThat(state).isEqualTo(flat(0x8000_1000L, 0x8000_0011L, 0x10_0000, 0));
    }

    @Test
    void multibootStartsAsGrubHandsOver() {
        assertThat(Guests.load(MultibootKernel.flat(Guests.code(4))))
                .isEqualTo(grub(0x2bad_b002, MultibootKernel.LOAD + 0x20, 0x1_0000));
    }

    @Test
    void multiboot2StartsAsGrubHandsOver() {
        assertThat(Guests.load(Multiboot2Kernel.flat(Guests.code(4))))
                .isEqualTo(grub(0x36d7_6289, Multiboot2Kernel.LOAD + Multiboot2Kernel.CODE, 0x10_0048));
    }

    private static CpuState grub(int magic, long entry, long information) {
        SegmentState data = new SegmentState(0x18, 0, 0xffff_ffffL, 0xc093);
        return fixed().segment(SegmentRegister.CS, new SegmentState(0x10, 0, 0xffff_ffffL, 0xc09b))
                .segment(SegmentRegister.DS, data)
                .segment(SegmentRegister.ES, data)
                .segment(SegmentRegister.FS, data)
                .segment(SegmentRegister.GS, data)
                .segment(SegmentRegister.SS, data)
                .set(Register.RAX, magic)
                .set(Register.RBX, information)
                .set(Register.RSP, 0x7_ff00)
                .set(Register.RIP, entry)
                .set(Register.CR0, 0x11)
                .gdt(new DescriptorTable(0x500, 0x1f))
                .idt(new DescriptorTable(0x528, 0x7ff))
                .build();
    }

    @Test
    void pvhStartsAsItsSpecificationSays() {
        CpuState state = Guests.load(PvhKernel.of(Guests.code(4)));

        SegmentState data = new SegmentState(0x10, 0, 0xffff_ffffL, 0xc093);
        assertThat(state)
                .isEqualTo(fixed().segment(SegmentRegister.CS, new SegmentState(0x08, 0, 0xffff_ffffL, 0xc09b))
                        .segment(SegmentRegister.DS, data)
                        .segment(SegmentRegister.ES, data)
                        .segment(SegmentRegister.FS, data)
                        .segment(SegmentRegister.GS, data)
                        .segment(SegmentRegister.SS, data)
                        .segment(SegmentRegister.TR, new SegmentState(0, 0, 0x67, 0x8b))
                        .set(Register.RBX, 0x1_0000)
                        .set(Register.RIP, PvhKernel.LOAD)
                        .set(Register.CR0, 0x11)
                        .gdt(new DescriptorTable(0x500, 0x27))
                        .idt(new DescriptorTable(0x528, 0x7ff))
                        .build());
    }

    private static CpuState real(int segment, long ip, long sp) {
        SegmentState own = new SegmentState(segment, segment * 16L, 0xffff, 0x93);
        SegmentState zero = new SegmentState(0, 0, 0xffff, 0x93);
        return fixed().segment(SegmentRegister.CS, own)
                .segment(SegmentRegister.DS, own)
                .segment(SegmentRegister.ES, own)
                .segment(SegmentRegister.SS, own)
                .segment(SegmentRegister.FS, zero)
                .segment(SegmentRegister.GS, zero)
                .set(Register.RIP, ip)
                .set(Register.RSP, sp)
                .set(Register.CR0, 0x10)
                .idt(new DescriptorTable(0, 0x3ff))
                .build();
    }

    private static CpuState flat(long eip, long cr0, long cr3, long cr4) {
        SegmentState data = new SegmentState(0x10, 0, 0xffff_ffffL, 0xc093);
        return fixed().segment(SegmentRegister.CS, new SegmentState(0x08, 0, 0xffff_ffffL, 0xc09b))
                .segment(SegmentRegister.DS, data)
                .segment(SegmentRegister.ES, data)
                .segment(SegmentRegister.FS, data)
                .segment(SegmentRegister.GS, data)
                .segment(SegmentRegister.SS, data)
                .set(Register.RIP, eip)
                .set(Register.CR0, cr0)
                .set(Register.CR3, cr3)
                .set(Register.CR4, cr4)
                .gdt(new DescriptorTable(0x500, 0x27))
                .idt(new DescriptorTable(0x528, 0x7ff))
                .build();
    }

    private static CpuState.Builder fixed() {
        return CpuState.builder()
                .set(Register.RFLAGS, 2)
                .segment(SegmentRegister.TR, new SegmentState(0, 0, 0xffff, 0x8b))
                .segment(SegmentRegister.LDTR, new SegmentState(0, 0, 0, 0x1_0000));
    }

    @ParameterizedTest(name = "{1} bytes at {0}, entry {2}: SP {3}")
    @CsvSource({
        "0x1000,  0x10,   0x1000,        0x1000",
        "0x7c00,  0x200,  0x7c00,        0x7c00",
        "0x1001,  0x10,   0x1001,        0x1000",
        "0x600,   0x10,   0x600,         0x600",
        "0x5fe,   0x10,   0x5fe,         0x0",
        "0x100,   0x10,   0x100,         0x0",
        "0xff,    0x10,   0xff,          0x0",
        "0x0,     0x10,   0x0,           0x0",
        "0x0,     0xff00, 0x0,           0x0",
        "0xf000,  0x8000, 0xf000,        0xf000",
        "0x7c00,  0x200,  0x0:0x7c00,    0x7c00",
        "0x7c00,  0x200,  0x7c0:0x0,     0x0",
        "0x10000, 0xff00, 0x1000:0x0,    0x0",
        "0x10100, 0x10,   0x1000:0x100,  0x100",
        "0x10ffe, 0x10,   0x1000:0x1000, 0xffe",
        "0xff00,  0x1000, 0x1000:0x0,    0x0",
        "0xffff0, 0x1000, 0xffff:0x0,    0x0"
    })
    void stackIsJustBelowTheImageOrAtTheTopOfItsSegment(String load, String size, String entry, String sp) {
        CpuState state = Guests.load(
                Guests.flat(Integer.decode(size)).withLoad(Long.decode(load)).withEntry(EntryPoint.parse(entry)));

        assertThat(state.get(Register.RSP)).isEqualTo(Long.decode(sp));
    }

    @ParameterizedTest
    @CsvSource({"0x6000, 0x600:0x0, 0xa000", "0x7c00, 0x7c0:0x0, 0x8400"})
    void stackEndsWithRam(String load, String entry, String sp) {
        CpuState state = Guests.load(
                Guests.memory(0x1_0000),
                Guests.flat(0x200).withLoad(Long.decode(load)).withEntry(EntryPoint.parse(entry)));

        assertThat(state.get(Register.RSP)).isEqualTo(Long.decode(sp));
    }

    @ParameterizedTest(name = "{1} bytes at {0}, entry {2}: stack {3}:{4}")
    @CsvSource({
        "0x10000, 0xff01,  0x1000:0x0,    0x0,    0x0",
        "0x10000, 0x28000, 0x1000:0x0,    0x0,    0x0",
        "0x20000, 0x18000, 0x2000:0x0,    0x1000, 0x0",
        "0xf0000, 0x10000, F000:0045,     0xe000, 0x0",
        "0x8000,  0x18000, 0x800:0x0,     0x0,    0x8000",
        "0x80,    0xfe81,  0x80,          0xff1,  0x0",
        "0x0,     0x18000, 0x0:0x0,       0x1800, 0x0",
        "0x0,     0x98000, 0x0:0x0,       0x9800, 0x8000"
    })
    void imageThatFillsItsSegmentHasTheStackInAnother(String load, String size, String entry, String ss, String sp) {
        CpuState state = Guests.load(
                Guests.flat(Integer.decode(size)).withLoad(Long.decode(load)).withEntry(EntryPoint.parse(entry)));

        assertThat(state.segment(SegmentRegister.SS)).isEqualTo(SegmentState.real(Integer.decode(ss)));
        assertThat(state.get(Register.RSP)).isEqualTo(Long.decode(sp));
        assertThat(state.segment(SegmentRegister.CS).selector())
                .isEqualTo(EntryPoint.parse(entry).segment().orElse(0));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "0x20000 | 0x0   | 0x20000 | 0x0:0x0 | 0x0-0x1ffff   | give the guest more memory",
                "0x20000 | 0x500 | 0x1fa90 | 0x500   | 0x500-0x1ff8f | give the guest more memory",
                "0xc0000 | 0x0   | 0x9ff80 | 0x0:0x0 | 0x0-0x9ff7f   | load it at 0x600 or higher",
                "0xa0000 | 0x0   | 0x9ff80 | 0x0:0x0 | 0x0-0x9ff7f   | give the guest more memory, and load it at 0x600 or higher",
            })
    void imageThatLeavesNoRoomForAStackIsRefused(
            String memory, String load, String size, String entry, String range, String wayOut) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Guests.load(
                        Guests.memory(Integer.decode(memory)),
                        Guests.flat(Integer.decode(size))
                                .withLoad(Long.decode(load))
                                .withEntry(EntryPoint.parse(entry))))
                .withMessage(
                        "image hello at " + range + " leaves no room for a stack that real mode reaches; " + wayOut);
        boolean higher = wayOut.contains("load it");
        Guests.load(
                Guests.memory(Integer.decode(memory) + (wayOut.contains("more memory") ? 0x1_0000 : 0)),
                Guests.flat(Integer.decode(size))
                        .withLoad(higher ? 0x600 : Long.decode(load))
                        .withEntry(higher ? EntryPoint.linear(0x600) : EntryPoint.parse(entry)));
    }

    @Test
    void stackIsNeverInTheImageNorPastRam() {
        Random random = new Random(2026);
        GuestMemory memory = Guests.memory(0x2_0000);
        int placed = 0;
        for (int i = 0; i < 2000; i++) {
            int segment = random.nextInt(0x1800);
            int offset = random.nextInt(random.nextBoolean() ? 0x200 : 0x8000);
            long load = segment * 16L + offset;
            int size = 1 + random.nextInt((int) (memory.size() - load));
            size = random.nextInt(4) == 0 ? (int) (memory.size() - load) : size;
            try {
                CpuState state = Guests.load(
                        memory, Guests.flat(size).withLoad(load).withEntry(EntryPoint.segmented(segment, offset)));
                long base = state.segment(SegmentRegister.SS).base();
                long end = base + (state.get(Register.RSP) - 1 & 0xffff) + 1;
                assertThat(end).isLessThanOrEqualTo(memory.size());
                assertThat(end <= load || end - 0x100 >= load + size)
                        .as("%d bytes at %x, stack ends at %x", size, load, end)
                        .isTrue();
                placed++;
            } catch (IllegalArgumentException e) {
                assertThat(e).hasMessageContaining("leaves no room for a stack");
            }
        }
        assertThat(placed).isBetween(1000, 1999);
    }
}
