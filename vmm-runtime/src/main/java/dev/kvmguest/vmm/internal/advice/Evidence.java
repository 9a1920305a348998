package dev.kvmguest.vmm.internal.advice;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.DescriptorTable;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.internal.boot.firmware.FirmwareRom;
import dev.kvmguest.vmm.internal.emulator.core.MsrFile;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.inspection.InterruptGate;
import dev.kvmguest.vmm.internal.inspection.LastChange;
import dev.kvmguest.vmm.internal.inspection.LinearMemory;
import dev.kvmguest.vmm.internal.inspection.PlacedImage;
import dev.kvmguest.vmm.internal.x86.CpuMode;
import dev.kvmguest.vmm.internal.x86.SegmentDescriptor;
import dev.kvmguest.vmm.internal.x86.Selector;
import dev.kvmguest.vmm.memory.MemoryLayout;
import dev.kvmguest.vmm.memory.MemoryLayout.Kind;
import dev.kvmguest.vmm.memory.MemoryLayout.Range;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.SortedMap;
import java.util.function.Predicate;
import java.util.stream.Stream;

/** What rules look at. */
final class Evidence {

    private final Fault fault;
    private final boolean consequence;
    private final PlacedImage image;
    private final MemoryLayout layout;
    private final LinearMemory memory;
    private final SortedMap<Integer, Long> msrs;
    private final LastChange changes;
    private final Executed at;
    private final List<Executed> executed;
    private final List<Executed> path;
    private Optional<String> strayGate;

    /**
     * Puts together what is known.
     *
     * @param fault what led to the triple fault, or the exception that a handler took and the end came from
     * @param consequence whether a handler of another exception, that it all began with, was running
     * @param image what the guest runs, and where it was loaded
     * @param layout what lay where when the guest started
     * @param memory the guest's memory as the triple fault left it
     * @param msrs the model-specific registers then, by number, as far as they are known
     * @param changes tells who overwrote what; costly, see there
     */
    Evidence(
            Fault fault,
            boolean consequence,
            PlacedImage image,
            MemoryLayout layout,
            LinearMemory memory,
            SortedMap<Integer, Long> msrs,
            LastChange changes) {
        this.fault = fault;
        this.consequence = consequence;
        this.image = image;
        this.layout = layout;
        this.memory = memory;
        this.msrs = msrs;
        this.changes = changes;
        this.at = Executed.of(fault.at(), mode());
        this.executed = fault.lastInstructions().stream()
                .map(instruction -> Executed.of(instruction, mode()))
                .toList();
        boolean endsWithAt = !executed.isEmpty()
                && at.isFetched()
                && executed.get(executed.size() - 1).eip() == at.eip();
        this.path = Stream.concat(executed.stream().limit(executed.size() - (endsWithAt ? 1 : 0)), Stream.of(at))
                .toList();
    }

    Fault fault() {
        return fault;
    }

    PlacedImage image() {
        return image;
    }

    MemoryLayout layout() {
        return layout;
    }

    LinearMemory memory() {
        return memory;
    }

    /**
     * Returns a model-specific register, 0 if it was never written; empty if nothing is known of them.
     *
     * @param number as {@link MsrFile} has it
     */
    OptionalLong msr(int number) {
        return msrs.isEmpty() ? OptionalLong.empty() : OptionalLong.of(msrs.getOrDefault(number, 0L));
    }

    LastChange changes() {
        return changes;
    }

    CpuState registers() {
        return fault.registers();
    }

    Fault.Event first() {
        return fault.chain().get(0);
    }

    /** Returns whether a handler took the first exception; then the memory is as it was when all was over. */
    boolean isHandled() {
        return fault.handler().isPresent();
    }

    /** Returns what {@link GateTarget} has found. */
    Optional<String> strayGate() {
        if (strayGate == null) {
            strayGate = GateTarget.find(this);
        }
        return strayGate;
    }

    /** Returns whether it all began with another exception, whose handler was running. */
    boolean isConsequence() {
        return consequence;
    }

    /** Returns the mode that the guest died in. */
    CpuMode mode() {
        return CpuMode.of(registers());
    }

    /** Returns the instruction that raised the first exception, or before which an interrupt came. */
    Executed at() {
        return at;
    }

    /** Returns what was executed last, the oldest first; {@link #at()} is the last of it unless it came after that. */
    List<Executed> executed() {
        return executed;
    }

    /** Returns what was executed last, the oldest first, and {@link #at()} as the last. */
    List<Executed> path() {
        return path;
    }

    /** Returns the instruction that was executed before {@link #at()}. */
    Optional<Executed> before() {
        return path.size() < 2 ? Optional.empty() : Optional.of(path.get(path.size() - 2));
    }

    /**
     * Returns the index in {@link #path()} of the first instruction after the last one of the image; as many as there
     * are if that is the last.
     */
    int departure() {
        int outside = path.size();
        while (outside > 0 && !isInImage(linear(path.get(outside - 1)))) {
            outside--;
        }
        return outside;
    }

    /** Returns the linear address of {@link #at()}. */
    long address() {
        return linear(at());
    }

    /** Returns the linear address of an instruction in the present code segment. */
    long linear(Executed instruction) {
        return linear(instruction.eip());
    }

    /** Returns the linear address of an offset in the present code segment. */
    long linear(long offset) {
        return registers().linear(SegmentRegister.CS, offset);
    }

    /** Returns what the code that died calls a register: {@code RSP} in 64-bit code, else {@code ESP}. */
    String nameOf(Register register) {
        return mode().nameOf(register);
    }

    /** Returns the bytes of an address and of what is pushed: 8 in 64-bit code, else 4. */
    int word() {
        return word(mode());
    }

    /** Returns the same for code of a mode. */
    static int word(CpuMode mode) {
        return mode.is64() ? Long.BYTES : Integer.BYTES;
    }

    /** Returns a word in memory, unsigned; empty if it can't be read. */
    OptionalLong readWord(long linear) {
        return mode().is64() ? memory.readLong(linear) : memory.readInt(linear);
    }

    /** Returns how far one linear address is above another, or below it if that is negative. */
    long distance(long linear, long from) {
        return mode().is64() ? linear - from : (int) (linear - from);
    }

    /** Returns the linear address of the top of the stack. */
    long stackPointer() {
        return CpuMode.stackTop(registers());
    }

    /**
     * Returns four bytes of the stack, {@code index} times four above its top, or below for a negative one; empty if
     * they can't be read. In 64-bit code it is eight bytes.
     */
    OptionalLong stack(int index) {
        return stack(index, mode().is64() ? Long.BYTES : Integer.BYTES);
    }

    /**
     * Returns the same for words of another width.
     *
     * @param width 4 or 8
     */
    OptionalLong stack(int index, int width) {
        long linear = mode().addresses().linear(stackPointer() + (long) width * index);
        return width == Long.BYTES ? memory.readLong(linear) : memory.readInt(linear);
    }

    /** Returns the current privilege level, 0 to 3. */
    int cpl() {
        if (registers().virtual8086Mode()) {
            return 3;
        }
        return registers().protectedMode()
                ? Selector.rpl(registers().segment(SegmentRegister.CS).selector())
                : 0;
    }

    /** Returns the symbol of a linear address in brackets, after a space; nothing if there is none. */
    String symbol(long linear) {
        return image.image()
                .symbolWithOffset(linear)
                .map(symbol -> " (" + symbol + ")")
                .orElse("");
    }

    /**
     * Returns the descriptor of a selector that isn't null; empty if it is beyond the limit of its table or unreadable.
     */
    Optional<SegmentDescriptor> descriptor(int selector) {
        DescriptorTable table = table(selector);
        if (!Selector.isWithin(selector, table.limit())) {
            return Optional.empty();
        }
        return number(memory.readLong(table.base() + Selector.offset(selector))).map(SegmentDescriptor::new);
    }

    /** Returns the table that a selector is an index into; one with limit -1 for the LDT if there is none. */
    DescriptorTable table(int selector) {
        if (!Selector.isLocal(selector)) {
            return registers().gdt();
        }
        SegmentState local = registers().segment(SegmentRegister.LDTR);
        return local.isUnusable()
                ? new DescriptorTable(0, -1)
                : new DescriptorTable(local.base(), (int) Math.min(local.limit(), 0xffff));
    }

    /** Returns an IDT entry; empty if it can't be read. Whether it is within the limit is not asked. */
    Optional<InterruptGate> gate(int vector) {
        return InterruptGate.at(memory, gateAddress(vector), registers().longMode());
    }

    /** Returns the gate of a vector if IDTR's limit has all of it, and it leads to a handler. */
    Optional<InterruptGate> handlerGate(int vector) {
        return InterruptGate.of(registers(), memory, vector).filter(InterruptGate::leadsToHandler);
    }

    /** Returns the linear address of an IDT entry. */
    long gateAddress(int vector) {
        return InterruptGate.address(registers(), vector);
    }

    private static Optional<Long> number(OptionalLong number) {
        return number.isPresent() ? Optional.of(number.getAsLong()) : Optional.empty();
    }

    /**
     * Returns the descriptor that the GDT of the boot mode has for a selector, wherever GDTR points now; empty if there
     * is no such table, or it ends before.
     */
    Optional<SegmentDescriptor> loadersDescriptor(int selector) {
        return layout.ranges().stream()
                .filter(range -> range.kind() == Kind.GDT)
                .filter(range -> Selector.isWithin(selector, range.end() - range.start() - 1))
                .findFirst()
                .flatMap(range -> number(memory.withoutPaging().readLong(range.start() + Selector.offset(selector))))
                .map(SegmentDescriptor::new);
    }

    /** Returns whether IDTR is the one that the guest was entered with. */
    boolean hasBootIdt() {
        return startsAt(Kind.IDT, registers().idt());
    }

    /** Returns whether IDTR is empty since a boot loader has left it so, and not by a LIDT that is known of. */
    boolean hasNeverHadAnIdt() {
        return registers().idt().equals(new DescriptorTable(0, 0))
                && layout.ranges().stream().anyMatch(range -> range.kind() == Kind.LOADER_TABLES)
                && path().stream().noneMatch(executed -> executed.is(Mnemonic.LIDT));
    }

    /** Returns whether eight bytes of the IDT are two vectors of real mode, as firmware leaves them. */
    boolean isInterruptVectors(long raw) {
        return FirmwareRom.in(layout)
                .filter(rom -> rom.holds(raw & 0xffff_ffffL) && rom.holds(raw >>> 32))
                .isPresent();
    }

    /** Returns whether GDTR is the one that the guest was entered with. */
    boolean hasBootGdt() {
        return startsAt(Kind.GDT, registers().gdt());
    }

    /** Returns whether GDTR is one that a boot loader has left, on which a kernel must not count. */
    boolean hasLoadersGdt() {
        return hasBootGdt() && layout.ranges().stream().anyMatch(range -> range.kind() == Kind.BOOT_INFORMATION);
    }

    private boolean startsAt(Kind kind, DescriptorTable table) {
        return layout.ranges().stream().anyMatch(range -> range.kind() == kind && range.start() == table.base());
    }

    /**
     * Returns what the boot mode's page tables map a linear address to, if CR3 is still that of the boot; empty if it
     * isn't, or they don't map it.
     */
    OptionalLong bootMap(long linear) {
        return isEntryMap(range -> range.start() == memory.directory())
                ? bootMode().physical(linear)
                : OptionalLong.empty();
    }

    /** Returns the same whatever CR3 is now; empty too if the guest was entered without paging. */
    OptionalLong entryMap(long linear) {
        return isEntryMap(range -> true) ? bootMode().physical(linear) : OptionalLong.empty();
    }

    private boolean isEntryMap(Predicate<Range> wanted) {
        Kind outermost = registers().longMode() ? Kind.PAGE_TABLES : Kind.PAGE_DIRECTORY;
        return layout.ranges().stream().anyMatch(range -> range.kind() == outermost && wanted.test(range));
    }

    /** Returns the boot mode that has paging as the guest has it now. */
    BootMode bootMode() {
        return registers().longMode() ? BootMode.LONG : BootMode.PAGED;
    }

    /** Returns whether a physical address is one of the boot mode's page tables. */
    boolean isBootPageTable(long physical) {
        return range(OptionalLong.of(physical), kind -> kind == Kind.PAGE_TABLES)
                .isPresent();
    }

    /** Returns whether a physical address is in the GDT or the page tables that a boot loader has left. */
    boolean isLoadersTable(long physical) {
        return range(OptionalLong.of(physical), kind -> kind == Kind.LOADER_TABLES)
                .isPresent();
    }

    /** Returns the table of the boot mode that a linear address is in. */
    Optional<Range> bootTable(long linear) {
        return range(linear, Kind::isBootTable);
    }

    /** Returns what firmware left at a linear address. */
    Optional<Range> firmware(long linear) {
        return range(linear, Kind::isFirmware);
    }

    /** Returns the stacks that the images' symbols name, as physical ranges. */
    List<Range> stacks() {
        return layout.ranges().stream()
                .filter(range -> range.kind() == Kind.STACK)
                .toList();
    }

    /** Returns whether a linear address is one of what an image's file holds. */
    boolean isInImage(long linear) {
        return isInImage(memory, linear);
    }

    /** Returns the same for memory as seen through other page tables. */
    boolean isInImage(LinearMemory seen, long linear) {
        return range(seen.physical(linear), kind -> kind == Kind.IMAGE).isPresent();
    }

    /** Returns whether a physical address is one of an image, its BSS or a stack. */
    boolean isTaken(long physical) {
        Set<Kind> taken = EnumSet.of(Kind.IMAGE, Kind.BSS, Kind.STACK);
        return range(OptionalLong.of(physical), taken::contains).isPresent();
    }

    /** Returns the BSS that a linear address is in. */
    Optional<Range> bss(long linear) {
        return range(linear, kind -> kind == Kind.BSS);
    }

    /** Returns the part of the layout in which a linear address is and whose kind is one of those asked for. */
    private Optional<Range> range(long linear, Predicate<Kind> wanted) {
        return range(memory.physical(linear), wanted);
    }

    private Optional<Range> range(OptionalLong physical, Predicate<Kind> wanted) {
        return layout.ranges().stream()
                .filter(range -> wanted.test(range.kind()))
                .filter(range -> physical.isPresent() && range.contains(physical.getAsLong()))
                .findFirst();
    }
}
