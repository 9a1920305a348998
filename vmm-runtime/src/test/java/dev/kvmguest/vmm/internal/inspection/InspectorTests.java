package dev.kvmguest.vmm.internal.inspection;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.DescriptorTable;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.diagnosis.Inspection;
import dev.kvmguest.vmm.diagnosis.Inspection.Table;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.image.GuestImage.Symbol;
import dev.kvmguest.vmm.memory.GuestMemory;
import dev.kvmguest.vmm.memory.MemoryLayout;
import dev.kvmguest.vmm.memory.MemoryLayout.Kind;
import dev.kvmguest.vmm.memory.MemoryLayout.Range;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Whatever a guest leaves behind is looked at, and not for long. */
@Timeout(120)
class InspectorTests {

    private static final int RAM = 0x1_0000;
    private static final long EFER_LONG_MODE = 1 << 10 | 1 << 8;

    private static final MemoryLayout LAYOUT = new MemoryLayout(
            List.of(
                    new Range(Kind.IMAGE, "image random", 0x1000, 0xc000),
                    new Range(Kind.STACK, "the stack of image random", 0x6000, 0x7000)),
            List.of());

    /** Every 256 bytes a function, of which some have no size. */
    private static final List<Symbol> SYMBOLS = IntStream.range(0x10, 0xc0)
            .mapToObj(i -> new Symbol("f" + i, 256L * i, i % 4 == 0 ? 0 : 256))
            .toList();

    @Test
    void whateverAGuestLeavesBehindIsLookedAt() {
        Random random = new Random(7);
        GuestMemory memory = new GuestMemory(ByteBuffer.allocate(RAM), () -> {});
        GuestImage image = new GuestImage(
                "random",
                GuestImage.Format.FLAT,
                GuestImage.flat("random", new byte[1]).segments(),
                OptionalLong.empty(),
                SYMBOLS);
        int frames = 0;
        for (int i = 0; i < 3000; i++) {
            if (i % 100 == 0) {
                fill(memory, random);
            }
            Inspection found = Inspector.inspect(
                    registers(random),
                    chain(random),
                    memory,
                    random.nextInt(8) == 0 ? MemoryLayout.UNKNOWN : LAYOUT,
                    image);

            frames += found.callChain().size();
            assertThat(found.callChain()).hasSizeLessThanOrEqualTo(Inspection.MOST_FRAMES);
            assertThat(found.pageWalk().stream().flatMap(walk -> walk.levels().stream()))
                    .hasSizeLessThanOrEqualTo(4);
            assertThat(found.tables()).allSatisfy(InspectorTests::hasConsecutiveRows);
        }
        assertThat(frames).as("the frames that were found in all that").isPositive();
    }

    private static void hasConsecutiveRows(Table table) {
        assertThat(table.rows()).hasSizeLessThanOrEqualTo(256);
        int next = 0;
        for (Table.Row row : table.rows()) {
            assertThat(row.first()).isEqualTo(next);
            assertThat(row.last()).isGreaterThanOrEqualTo(next);
            next = row.last() + 1;
        }
    }

    @Test
    void registersHaveTheNamesThatTheGuestHasForThem() {
        GuestMemory memory = new GuestMemory(ByteBuffer.allocate(RAM), () -> {});
        CpuState registers =
                CpuState.builder().set(Register.CR0, CpuState.CR0_PE).build();
        CpuState ofLongMode = registers.with(state -> state.set(Register.EFER, EFER_LONG_MODE));

        assertThat(places(registers, memory)).containsExactly("EIP", "ESP", "GDTR", "IDTR");
        assertThat(places(ofLongMode, memory)).containsExactly("RIP", "RSP", "GDTR", "IDTR");
    }

    private static List<String> places(CpuState registers, GuestMemory memory) {
        return Inspector.inspect(registers, List.of(), memory, LAYOUT, GuestImage.flat("test", new byte[1]))
                .places()
                .stream()
                .map(Inspection.PointerTarget::register)
                .toList();
    }

    /** Fills memory with calls, pushes and return addresses, page-table entries, and anything. */
    private static void fill(GuestMemory memory, Random random) {
        for (int address = 0; address < RAM - 8; ) {
            switch (random.nextInt(6)) {
                case 0 -> {
                    memory.writeByte(address, 0xe8);
                    memory.writeInt(address + 1, random.nextInt(0x8000) - 0x4000);
                    address += 5;
                }
                case 1 -> memory.writeByte(address++, 0x50 + random.nextInt(16));
                case 2 -> {
                    memory.writeInt(address, 0x1000 + random.nextInt(0xb000));
                    address += 4;
                }
                case 3 -> {
                    memory.writeInt(address, random.nextInt(0x20) << 12 | random.nextInt(0x200) | 1);
                    address += 4;
                }
                case 4 ->
                    memory.writeByte(
                            address++,
                            List.of(0x89, 0xe5, 0xc3, 0xeb, 0x90, 0xff).get(random.nextInt(6)));
                default -> memory.writeByte(address++, random.nextInt());
            }
        }
    }

    private static CpuState registers(Random random) {
        CpuState.Builder state = CpuState.builder()
                .gdt(new DescriptorTable(number(random), random.nextInt(0x1_0000)))
                .idt(new DescriptorTable(number(random), random.nextInt(0x1_0000)));
        for (Register register : Register.values()) {
            state.set(register, number(random));
        }
        for (SegmentRegister register : SegmentRegister.values()) {
            state.segment(
                    register,
                    new SegmentState(
                            random.nextInt(0x1_0000),
                            random.nextBoolean() ? 0 : number(random),
                            number(random),
                            random.nextInt(0x2_0000)));
        }
        return state.set(Register.CR0, random.nextInt(3) == 0 ? number(random) : CpuState.CR0_PE)
                .set(Register.RIP, random.nextInt(0x1_0000))
                .set(Register.RSP, random.nextInt(0x1_0000))
                .set(Register.EFER, random.nextInt(3) == 0 ? EFER_LONG_MODE : 0)
                .build();
    }

    private static List<Fault.Event> chain(Random random) {
        OptionalInt code = random.nextBoolean() ? OptionalInt.of(random.nextInt(32)) : OptionalInt.empty();
        OptionalLong cr2 = random.nextBoolean() ? OptionalLong.of(number(random)) : OptionalLong.empty();
        return random.nextBoolean() ? List.of(new Fault.Event(14, code, cr2, Optional.empty())) : List.of();
    }

    /** Returns a number of 32 bits, rather a small one, or one near the upper end. */
    private static long number(Random random) {
        return random.nextInt() >> random.nextInt(32) & 0xffff_ffffL;
    }
}
