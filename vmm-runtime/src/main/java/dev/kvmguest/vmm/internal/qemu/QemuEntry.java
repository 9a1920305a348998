package dev.kvmguest.vmm.internal.qemu;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.DescriptorTable;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.internal.boot.BootLoader;
import dev.kvmguest.vmm.internal.boot.layout.LinearFramebuffer;
import dev.kvmguest.vmm.memory.GuestMemory;
import dev.kvmguest.vmm.memory.MemoryLayout;
import dev.kvmguest.vmm.memory.MemoryLayout.Kind;
import dev.kvmguest.vmm.memory.MemoryLayout.Range;
import dev.kvmguest.vmm.outcome.Screen;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Puts a guest and the registers with which it is entered into a machine whose firmware has come to the boot sector.
 * What the firmware has below 0x500, in its ROM and in the last 128 KiB of RAM stays.
 */
final class QemuEntry {

    /** Where firmware enters a boot sector. */
    private static final long BOOT_SECTOR = 0x7c00;

    private static final long FIRMWARE_DATA_END = 0x500;
    private static final long EXTENDED_BIOS_DATA = 0x9_f000;
    private static final long ADAPTERS = 0xa_0000;
    private static final long HIGH = 0x10_0000;
    /** SeaBIOS keeps its tables at the end of RAM. */
    private static final long FIRMWARE_TABLES = 128 << 10;

    /** The text memory's 32 KiB hold more than a screen; the firmware has written on the first. */
    private static final int SCREEN_BYTES = 2 * Screen.COLUMNS * Screen.ROWS;

    /** LGDT [0x7c10] and LIDT [0x7c18], both with 32-bit operand size in a 16-bit segment. */
    private static final byte[] LOAD_TABLES = {0x66, 0x0f, 0x01, 0x16, 0x10, 0x7c, 0x66, 0x0f, 0x01, 0x1e, 0x18, 0x7c};

    private static final long GDT_OPERAND = 0x7c10;
    private static final long IDT_OPERAND = 0x7c18;

    private final BootLoader loader;
    private final CpuState wanted;
    private final RegisterNumbers numbers;

    /** LTR AX. */
    private static final byte[] LOAD_TASK_REGISTER = {0x0f, 0x00, (byte) 0xd8};

    /** Where the type of a segment is in its descriptor, and the bit that says that a TSS is busy. */
    private static final int TYPE = 5;

    private static final int BUSY = 2;

    /**
     * The stub's numbers of registers: it counts those of its program's widest processor.
     *
     * @param general the general registers, which come first
     * @param bytes the size of one
     */
    private record RegisterNumbers(List<Register> general, int bytes) {

        private static final List<Register> NARROW = Register.byNumber().subList(0, 8);
        private static final List<Register> WIDE =
                Stream.of(Register.values()).filter(Register::isGeneral).toList();

        /** After EIP come EFLAGS, six segments, three bases and then the control registers. */
        private static final int FROM_EIP_TO_CONTROL = 11;

        static RegisterNumbers of(QemuProgram program) {
            return program.isWide()
                    ? new RegisterNumbers(WIDE, Long.BYTES)
                    : new RegisterNumbers(NARROW, Integer.BYTES);
        }

        int general(Register register) {
            return general.indexOf(register);
        }

        int eip() {
            return general.size();
        }

        int eflags() {
            return eip() + 1;
        }

        /** CS, SS, DS, ES, FS and GS follow EFLAGS. */
        int segment(int index) {
            return eip() + 2 + index;
        }

        int cr0() {
            return eip() + FROM_EIP_TO_CONTROL;
        }

        int cr3() {
            return cr0() + 2;
        }

        int cr4() {
            return cr0() + 3;
        }

        int efer() {
            return cr0() + 5;
        }
    }

    private static final Set<Kind> NEED_RAM = Set.of(Kind.IMAGE, Kind.BSS, Kind.BOOT_INFORMATION);

    private static final List<SegmentRegister> SEGMENTS = List.of(
            SegmentRegister.CS,
            SegmentRegister.SS,
            SegmentRegister.DS,
            SegmentRegister.ES,
            SegmentRegister.FS,
            SegmentRegister.GS);

    /**
     * Finds a place for the guest.
     *
     * @throws IllegalArgumentException if an image can't be placed as the configuration says
     * @throws VmmException if it, or a table that it is entered with, lies where a PC has no RAM; and by boot mode
     *     limine
     */
    QemuEntry(MachineConfig config, QemuProgram program) {
        if (config.vcpus().get(0).boot() == BootMode.LIMINE) {
            throw new VmmException(
                    "engine qemu can't enter a guest in boot mode limine, whose tables are mapped by none of"
                            + " QEMU's firmware; choose another engine");
        }
        loader = new BootLoader(config);
        wanted = loader.states().get(0);
        numbers = RegisterNumbers.of(program);
        refused().ifPresent(range -> {
            throw new VmmException("engine qemu can't load " + range
                    + ": on a PC the first 1280 bytes are the firmware's, and 0xa0000 to 0xfffff are video memory and"
                    + " ROM; make the image smaller, link it elsewhere, or choose another engine");
        });
    }

    private Optional<Range> refused() {
        return layout().ranges().stream()
                .filter(range -> NEED_RAM.contains(range.kind()) || range.kind().isBootTable())
                .filter(range -> range.start() < FIRMWARE_DATA_END || range.start() < HIGH && range.end() >= ADAPTERS)
                .findFirst();
    }

    /** Returns what lies where when the guest is entered. */
    MemoryLayout layout() {
        return loader.layout();
    }

    /** Returns the video memory that the guest is told of, beside the VGA's; empty if there is none. */
    Optional<LinearFramebuffer> framebuffer() {
        return loader.framebuffer();
    }

    /**
     * Runs the firmware, and puts the guest in place.
     *
     * @param memory the guest's RAM
     * @throws IOException if QEMU ends, or doesn't do what it is asked for
     */
    void prepare(GdbClient gdb, QmpClient monitor, GuestMemory memory) throws IOException {
        gdb.runTo(BOOT_SECTOR);
        memory.write(BOOT_SECTOR, LOAD_TABLES);
        memory.write(GDT_OPERAND, operand(wanted.gdt()));
        memory.write(IDT_OPERAND, operand(wanted.idt()));
        runWithoutInterrupts(gdb, BOOT_SECTOR + LOAD_TABLES.length);
        clear(memory, FIRMWARE_DATA_END, EXTENDED_BIOS_DATA);
        clear(memory, HIGH, memory.size() - FIRMWARE_TABLES);
        gdb.clear(Screen.MEMORY, SCREEN_BYTES);
        loader.loadGuests(memory);
        setControlRegisters(gdb);
        setSegments(gdb);
        if (wanted.longMode()) {
            loadTaskRegister(gdb, memory);
        }
        setGeneralRegisters(gdb);
        QemuRegisters found = QemuRegisters.parse(monitor.human("info registers"))
                .orElseThrow(() -> new IOException("QEMU prints no registers"));
        Optional<String> difference = found.difference(wanted);
        if (difference.isPresent()) {
            throw new IOException("QEMU " + monitor.version()
                    + " enters the guest with other registers than it was told: " + difference.get());
        }
    }

    private static void clear(GuestMemory memory, long from, long to) {
        if (from < to) {
            memory.write(from, new byte[(int) (to - from)]);
        }
    }

    /** Paging comes last: long mode becomes active by it (Intel SDM volume 3A, 9.8.5). */
    private void setControlRegisters(GdbClient gdb) throws IOException {
        set(gdb, numbers.cr0(), wanted.get(Register.CR0) & ~CpuState.CR0_PG);
        set(gdb, numbers.cr3(), wanted.get(Register.CR3));
        set(gdb, numbers.cr4(), wanted.get(Register.CR4));
        if (wanted.longMode()) {
            set(gdb, numbers.efer(), wanted.get(Register.EFER) & ~CpuState.EFER_LMA);
        }
        set(gdb, numbers.cr0(), wanted.get(Register.CR0));
    }

    /** In protected mode the stub reads them from the GDT. It takes 64 bits of a register once CS is 64-bit code. */
    private void setSegments(GdbClient gdb) throws IOException {
        for (int i = 0; i < SEGMENTS.size(); i++) {
            gdb.setRegister(numbers.segment(i), wanted.segment(SEGMENTS.get(i)).selector(), Integer.BYTES);
        }
    }

    /**
     * Executes LTR, since the stub has no TR. LTR reads the descriptor and not the TSS, so the TSS is where it can lie
     * for so long; it wants a TSS that isn't busy, and makes it so.
     */
    private void loadTaskRegister(GdbClient gdb, GuestMemory memory) throws IOException {
        SegmentState task = wanted.segment(SegmentRegister.TR);
        long type = wanted.gdt().base() + task.selector() + TYPE;
        memory.write(type, new byte[] {(byte) (memory.readByte(type) & ~BUSY)});
        memory.write(task.base(), LOAD_TASK_REGISTER);
        set(gdb, numbers.general(Register.RAX), task.selector());
        set(gdb, numbers.eip(), task.base());
        runWithoutInterrupts(gdb, task.base() + LOAD_TASK_REGISTER.length);
        memory.write(task.base(), new byte[LOAD_TASK_REGISTER.length]);
    }

    /** Goes on to an instruction; a single step of the stub's executes nothing now and then. */
    private void runWithoutInterrupts(GdbClient gdb, long address) throws IOException {
        gdb.setRegister(numbers.eflags(), CpuState.EFLAGS_FIXED, Integer.BYTES);
        gdb.runTo(address);
    }

    private void setGeneralRegisters(GdbClient gdb) throws IOException {
        for (Register register : numbers.general()) {
            set(gdb, numbers.general(register), wanted.get(register));
        }
        set(gdb, numbers.eip(), wanted.get(Register.RIP));
        gdb.setRegister(numbers.eflags(), wanted.get(Register.RFLAGS), Integer.BYTES);
    }

    private void set(GdbClient gdb, int number, long value) throws IOException {
        gdb.setRegister(number, value, numbers.bytes());
    }

    private static byte[] operand(DescriptorTable table) {
        return ByteBuffer.allocate(6)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putShort((short) table.limit())
                .putInt((int) table.base())
                .array();
    }
}
