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
import dev.kvmguest.vmm.internal.x86.SegmentDescriptor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.LongFunction;

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
                    "IVT", registers.idt(), InterruptTable.POINTER_BYTES, InterruptTable.VECTORS, views::farPointer));
        }
        List<Table> tables = new ArrayList<>();
        tables.add(views.table("GDT", registers.gdt(), SegmentDescriptor.BYTES, MOST_SEGMENTS, views::segment));
        tables.add(views.table("IDT", registers.idt(), SegmentDescriptor.BYTES, InterruptTable.VECTORS, views::gate));
        SegmentState local = registers.segment(SegmentRegister.LDTR);
        if (!local.isUnusable() && local.present()) {
            DescriptorTable table = new DescriptorTable(local.base(), (int) Math.min(local.limit(), 0xffff));
            tables.add(views.table("LDT", table, SegmentDescriptor.BYTES, MOST_SEGMENTS, views::segment));
        }
        return tables;
    }

    private Table table(String name, DescriptorTable table, int width, int most, LongFunction<String> meaning) {
        int entries = (Math.min(table.limit(), 0xffff) + 1) / width;
        List<Row> rows = new ArrayList<>();
        Optional<Long> before = Optional.empty();
        for (int i = 0; i < Math.min(entries, most); i++) {
            Optional<Long> raw = entry(table.base() + (long) i * width, width);
            if (i > 0 && (raw.equals(before) || areFirmwares(raw, before))) {
                Row same = rows.remove(rows.size() - 1);
                rows.add(new Row(same.first(), i, same.raw(), same.meaning()));
            } else {
                rows.add(new Row(i, i, raw.orElse(0L), raw.map(meaning::apply).orElse("not in memory")));
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
                .map(bytes -> width == SegmentDescriptor.BYTES ? bytes.getLong() : bytes.getInt() & 0xffff_ffffL);
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

    private String describe(SegmentDescriptor descriptor) {
        return what(descriptor) + ", DPL " + descriptor.dpl() + (descriptor.isPresent() ? "" : ", not present");
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
