package dev.kvmguest.vmm.diagnosis;

import static dev.kvmguest.vmm.Notation.hex;

import dev.kvmguest.vmm.CpuState;
import dev.kvmguest.vmm.DescriptorTable;
import dev.kvmguest.vmm.Fault;
import dev.kvmguest.vmm.MemoryLayout;
import dev.kvmguest.vmm.MemoryLayout.Range;
import dev.kvmguest.vmm.Register;
import dev.kvmguest.vmm.SegmentRegister;
import dev.kvmguest.vmm.SegmentState;
import dev.kvmguest.vmm.emulator.memory.SegmentDescriptor;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * What rules look at.
 *
 * @param fault what led to the triple fault
 * @param layout what lay where when the guest started
 * @param memory the guest's memory as the triple fault left it
 */
record Evidence(Fault fault, MemoryLayout layout, LinearMemory memory) {

    private static final int DESCRIPTOR_BYTES = 8;
    private static final int INDEX = 0xfff8;
    private static final int TABLE_INDICATOR = 4;

    // What boot.PlacedGuest, boot.StackSymbols and boot.BootLoader call the ranges of a layout.
    private static final String IMAGE = "image ";
    private static final String BSS = "the BSS of image ";
    private static final String STACK = "the stack of image ";
    private static final String BOOT_TABLE = "the boot ";
    private static final String BOOT_IDT = "the boot IDT";
    private static final String BOOT_GDT = "the boot GDT";

    CpuState registers() {
        return fault.registers();
    }

    Fault.Event first() {
        return fault.chain().get(0);
    }

    Fault.Instruction at() {
        return fault.at();
    }

    /** Returns what was executed last, the oldest first, and {@link #at()} as the last. */
    List<Fault.Instruction> path() {
        List<Fault.Instruction> path = new ArrayList<>(fault.lastInstructions());
        if (!path.isEmpty()
                && !at().text().isEmpty()
                && path.get(path.size() - 1).eip() == at().eip()) {
            path.remove(path.size() - 1);
        }
        path.add(at());
        return path;
    }

    /** Returns the instruction that was executed before {@link #at()}. */
    Optional<Fault.Instruction> before() {
        List<Fault.Instruction> path = path();
        return path.size() < 2 ? Optional.empty() : Optional.of(path.get(path.size() - 2));
    }

    /** Returns the linear address of {@link #at()}. */
    long address() {
        return registers().segment(SegmentRegister.CS).base() + at().eip() & 0xffff_ffffL;
    }

    /** Returns the linear address of the top of the stack. */
    long stackPointer() {
        SegmentState stack = registers().segment(SegmentRegister.SS);
        long mask = stack.big() ? 0xffff_ffffL : 0xffff;
        return stack.base() + (registers().get(Register.RSP) & mask) & 0xffff_ffffL;
    }

    /** Returns four bytes of the stack, {@code index} times four above its top; empty if they can't be read. */
    OptionalLong stack(int index) {
        return memory.readInt(stackPointer() + 4L * index);
    }

    /** Returns the current privilege level, 0 to 3. */
    int cpl() {
        return registers().protectedMode()
                ? registers().segment(SegmentRegister.CS).selector() & 3
                : 0;
    }

    /** Returns an exception's name, such as {@code #GP}, or {@code vector 32}. */
    static String exception(int vector) {
        return new Fault.Event(vector, OptionalInt.empty(), OptionalLong.empty(), Optional.empty()).name();
    }

    /** Returns an instruction as a sentence names it, such as {@code div ecx at 0x1005 (main+0x5)}. */
    static String name(Fault.Instruction instruction) {
        return instruction.text() + " at " + hex(instruction.eip())
                + instruction.symbol().map(symbol -> " (" + symbol + ")").orElse("");
    }

    /** Returns the descriptor of a selector that isn't null; empty if it is beyond the limit of its table or unreadable. */
    Optional<SegmentDescriptor> descriptor(int selector) {
        int index = selector & INDEX;
        DescriptorTable table = table(selector);
        if (index + DESCRIPTOR_BYTES - 1 > table.limit()) {
            return Optional.empty();
        }
        return number(memory.readLong(table.base() + index)).map(SegmentDescriptor::new);
    }

    /** Returns the table that a selector is an index into; one with limit -1 for the LDT if there is none. */
    DescriptorTable table(int selector) {
        if ((selector & TABLE_INDICATOR) == 0) {
            return registers().gdt();
        }
        SegmentState local = registers().segment(SegmentRegister.LDTR);
        return local.isUnusable()
                ? new DescriptorTable(0, -1)
                : new DescriptorTable(local.base(), (int) Math.min(local.limit(), 0xffff));
    }

    /** Returns an IDT entry; empty if it can't be read. Whether it is within the limit is not asked. */
    Optional<SegmentDescriptor> gate(int vector) {
        return number(memory.readLong(gateAddress(vector))).map(SegmentDescriptor::new);
    }

    /** Returns the linear address of an IDT entry. */
    long gateAddress(int vector) {
        return registers().idt().base() + (long) vector * DESCRIPTOR_BYTES & 0xffff_ffffL;
    }

    private static Optional<Long> number(OptionalLong number) {
        return number.isPresent() ? Optional.of(number.getAsLong()) : Optional.empty();
    }

    /** Says whether IDTR is the one that the guest was entered with. */
    boolean hasBootIdt() {
        return startsAt(BOOT_IDT, registers().idt());
    }

    /** Says whether GDTR is the one that the guest was entered with. */
    boolean hasBootGdt() {
        return startsAt(BOOT_GDT, registers().gdt());
    }

    private boolean startsAt(String name, DescriptorTable table) {
        return layout.ranges().stream().anyMatch(range -> range.name().equals(name) && range.start() == table.base());
    }

    /** Returns the table of the boot mode that a linear address is in. */
    Optional<Range> bootTable(long linear) {
        return range(linear, BOOT_TABLE);
    }

    /** Returns the stacks that the images' symbols name, as physical ranges. */
    List<Range> stacks() {
        return layout.ranges().stream()
                .filter(range -> range.name().startsWith(STACK))
                .toList();
    }

    /** Says whether a linear address is one of what an image's file holds. */
    boolean isInImage(long linear) {
        return range(linear, IMAGE).isPresent();
    }

    /** Returns the BSS that a linear address is in. */
    Optional<Range> bss(long linear) {
        return range(linear, BSS);
    }

    /** Returns the part of the layout in which a linear address is and whose name starts so. */
    private Optional<Range> range(long linear, String prefix) {
        OptionalLong physical = memory.physical(linear);
        return layout.ranges().stream()
                .filter(range -> range.name().startsWith(prefix))
                .filter(range -> physical.isPresent()
                        && physical.getAsLong() >= range.start()
                        && physical.getAsLong() < range.end())
                .findFirst();
    }
}
