package dev.kvmguest.vmm.internal.inspection;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.DescriptorTable;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.diagnosis.Inspection.Table;
import dev.kvmguest.vmm.diagnosis.Inspection.Table.Row;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.internal.boot.firmware.FirmwareRom;
import dev.kvmguest.vmm.internal.x86.InterruptTable;
import dev.kvmguest.vmm.internal.x86.LongModeDescriptor;
import dev.kvmguest.vmm.internal.x86.SegmentDescriptor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Descriptor tables in words (Intel SDM volume 3A, 3.4.5, 3.5, 6.11 and 20.1.4). What is alike in a row, byte for byte,
 * is one row.
 */
final class TableViews {

    /** More segments than that no guest has that means it. */
    private static final int MOST_SEGMENTS = 64;

    private final LinearMemory memory;
    private final GuestImage image;
    private final Optional<FirmwareRom> firmware;

    /** Puts an entry into words. */
    @FunctionalInterface
    private interface Meaning {

        /**
         * Returns what an entry means.
         *
         * @param address its linear address, for what it needs of its neighbours
         * @param raw its bytes, the first eight if it has more
         */
        String of(long address, long raw);
    }

    private TableViews(LinearMemory memory, GuestImage image, Optional<FirmwareRom> firmware) {
        this.firmware = firmware;
        this.memory = memory;
        this.image = image;
    }

    /**
     * Returns the tables that registers lead to: GDT, IDT and, if there is one, LDT; in real mode the IVT.
     *
     * @param firmware where interrupts go that the guest has no handler for
     */
    static List<Table> of(CpuState registers, LinearMemory memory, GuestImage image, Optional<FirmwareRom> firmware) {
        TableViews views = new TableViews(memory, image, firmware);
        if (!registers.protectedMode()) {
            return List.of(views.table(
                    "IVT",
                    registers.idt(),
                    InterruptTable.POINTER_BYTES,
                    InterruptTable.VECTORS,
                    (address, raw) -> views.farPointer(raw)));
        }
        List<Table> tables = new ArrayList<>();
        boolean longMode = registers.longMode();
        Meaning segments = longMode ? views::longModeSegment : (address, raw) -> views.segment(raw);
        tables.add(views.table("GDT", registers.gdt(), SegmentDescriptor.BYTES, MOST_SEGMENTS, segments));
        int gateBytes = longMode ? LongModeDescriptor.BYTES : SegmentDescriptor.BYTES;
        Meaning gates = longMode ? views::longModeGate : (address, raw) -> views.gate(raw);
        tables.add(views.table("IDT", registers.idt(), gateBytes, InterruptTable.VECTORS, gates));
        SegmentState local = registers.segment(SegmentRegister.LDTR);
        if (!local.isUnusable() && local.present()) {
            DescriptorTable table = new DescriptorTable(local.base(), (int) Math.min(local.limit(), 0xffff));
            tables.add(views.table("LDT", table, SegmentDescriptor.BYTES, MOST_SEGMENTS, segments));
        }
        return tables;
    }

    private Table table(String name, DescriptorTable table, int width, int most, Meaning meaning) {
        int entries = (Math.min(table.limit(), 0xffff) + 1) / width;
        List<Row> rows = new ArrayList<>();
        Optional<Long> before = Optional.empty();
        for (int i = 0; i < Math.min(entries, most); i++) {
            long address = table.base() + (long) i * width;
            Optional<Long> raw = entry(address, width);
            String words = raw.map(value -> meaning.of(address, value)).orElse("not in memory");
            Row last = i == 0 ? null : rows.get(rows.size() - 1);
            boolean same = last != null && raw.equals(before) && words.equals(last.meaning());
            if (same || last != null && areFirmwares(raw, before)) {
                rows.set(rows.size() - 1, new Row(last.first(), i, last.raw(), last.meaning()));
            } else {
                rows.add(new Row(i, i, raw.orElse(0L), words));
            }
            before = raw;
        }
        if (entries > most && most == MOST_SEGMENTS) {
            rows.add(new Row(most, entries - 1, 0, "not looked at"));
        }
        return new Table(name, table.base(), table.limit(), rows);
    }

    /** Returns whether both are what firmware has put there, and mean the same though they are not equal. */
    private boolean areFirmwares(Optional<Long> one, Optional<Long> other) {
        return one.filter(this::isFirmwares).isPresent()
                && other.filter(this::isFirmwares).isPresent();
    }

    /** Returns whether an entry leads to firmware or, where a gate is expected, is two that do. */
    private boolean isFirmwares(long raw) {
        return firmware.filter(rom -> rom.holds(raw) && (raw >>> 32 == 0 || rom.holds(raw >>> 32)))
                .isPresent();
    }

    private Optional<Long> entry(long linear, int width) {
        return memory.read(linear, width)
                .map(bytes -> ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN))
                .map(bytes -> width == InterruptTable.POINTER_BYTES ? bytes.getInt() & 0xffff_ffffL : bytes.getLong());
    }

    private String farPointer(long raw) {
        return raw == 0
                ? "empty"
                : isFirmwares(raw)
                        ? "to the firmware's default handler"
                        : String.format(Locale.ROOT, "to %04x:%04x", raw >>> 16, raw & 0xffff) + symbol(raw & 0xffff);
    }

    private String gate(long raw) {
        SegmentDescriptor descriptor = new SegmentDescriptor(raw);
        if (isFirmwares(raw)) {
            return "no gate: interrupt vectors of real mode";
        }
        boolean fits = descriptor.isInterruptGate() || descriptor.isTrapGate() || descriptor.isTaskGate();
        return raw == 0 ? "empty" : (fits ? "" : "no gate: ") + describe(descriptor);
    }

    private String segment(long raw) {
        SegmentDescriptor descriptor = new SegmentDescriptor(raw);
        boolean misplaced = descriptor.isInterruptGate() || descriptor.isTrapGate();
        return raw == 0 ? "empty" : (misplaced ? "no segment: " : "") + describe(descriptor);
    }

    /** A TSS or an LDT of long mode takes two entries. */
    private String longModeSegment(long address, long raw) {
        Optional<SegmentDescriptor> before = entry(address - SegmentDescriptor.BYTES, SegmentDescriptor.BYTES)
                .map(SegmentDescriptor::new);
        if (before.filter(TableViews::takesTwoEntries).isPresent()) {
            return "upper half of the entry before";
        }
        SegmentDescriptor descriptor = new SegmentDescriptor(raw);
        if (takesTwoEntries(descriptor)) {
            LongModeDescriptor wide = wide(address, descriptor);
            String name = descriptor.isTss() ? descriptor.isAvailableTss() ? "64-bit TSS" : "busy 64-bit TSS" : "LDT";
            return name + ", base " + hex(wide.base()) + ", limit " + hex(descriptor.limit()) + rights(descriptor);
        }
        if (descriptor.isCode() && descriptor.isLong()) {
            return (descriptor.default32() ? "no code, since both L and D are set" : "64-bit code")
                    + (descriptor.isConforming() ? ", conforming" : "")
                    + rights(descriptor);
        }
        return segment(raw);
    }

    private static boolean takesTwoEntries(SegmentDescriptor descriptor) {
        return descriptor.isSystem(SegmentDescriptor.LDT) || descriptor.isTss() && descriptor.isWide();
    }

    private LongModeDescriptor wide(long address, SegmentDescriptor low) {
        return new LongModeDescriptor(
                low,
                entry(address + SegmentDescriptor.BYTES, SegmentDescriptor.BYTES)
                        .orElse(0L));
    }

    private String longModeGate(long address, long raw) {
        LongModeDescriptor gate = wide(address, new SegmentDescriptor(raw));
        if (raw == 0) {
            return "empty";
        }
        if (!gate.isInterruptGate() && !gate.isTrapGate()) {
            return "no gate of long mode: access byte " + hex(gate.low().accessByte());
        }
        return (gate.isInterruptGate() ? "64-bit interrupt gate to " : "64-bit trap gate to ")
                + hex(gate.low().gateSelector()) + ":" + hex(gate.gateOffset()) + symbol(gate.gateOffset())
                + (gate.interruptStack() == 0 ? "" : ", IST " + gate.interruptStack())
                + rights(gate.low());
    }

    private static String rights(SegmentDescriptor descriptor) {
        return ", DPL " + descriptor.dpl() + (descriptor.isPresent() ? "" : ", not present");
    }

    private String describe(SegmentDescriptor descriptor) {
        return what(descriptor) + rights(descriptor);
    }

    private String what(SegmentDescriptor descriptor) {
        String bits = descriptor.isWide() ? "32-bit " : "16-bit ";
        if (descriptor.isCode()) {
            return (descriptor.default32() ? "32-bit" : "16-bit") + (descriptor.isConforming() ? " conforming" : "")
                    + " code" + extent(descriptor) + (descriptor.isReadable() ? ", readable" : ", execute-only");
        }
        if (descriptor.isCodeOrData()) {
            return (descriptor.isExpandDown() ? "expand-down data" : "data")
                    + extent(descriptor)
                    + (descriptor.isWritable() ? ", writable" : ", read-only");
        }
        if (descriptor.isTss()) {
            return bits + (descriptor.isAvailableTss() ? "TSS" : "busy TSS") + extent(descriptor);
        }
        if (descriptor.isSystem(SegmentDescriptor.LDT)) {
            return "LDT" + extent(descriptor);
        }
        if (descriptor.isTaskGate()) {
            return "task gate to " + hex(descriptor.gateSelector());
        }
        return gateName(descriptor)
                .map(gate -> bits + gate + " to " + hex(descriptor.gateSelector()) + ":" + hex(descriptor.gateOffset())
                        + symbol(descriptor.gateOffset()))
                .orElseGet(() -> "access byte " + hex(descriptor.accessByte()) + ", which is nothing that exists");
    }

    private static Optional<String> gateName(SegmentDescriptor descriptor) {
        if (descriptor.isInterruptGate()) {
            return Optional.of("interrupt gate");
        }
        if (descriptor.isTrapGate()) {
            return Optional.of("trap gate");
        }
        return descriptor.isCallGate() ? Optional.of("call gate") : Optional.empty();
    }

    private static String extent(SegmentDescriptor descriptor) {
        return ", base " + hex(descriptor.base()) + ", limit " + hex(descriptor.limit());
    }

    private String symbol(long offset) {
        return image.symbolWithOffset(offset).map(name -> " (" + name + ")").orElse("");
    }
}
