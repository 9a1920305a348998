package dev.kvmguest.vmm.internal.qemu;

import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.DescriptorTable;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.internal.boot.BootLoader;
import dev.kvmguest.vmm.memory.GuestMemory;
import dev.kvmguest.vmm.memory.MemoryLayout;
import dev.kvmguest.vmm.memory.MemoryLayout.Kind;
import dev.kvmguest.vmm.memory.MemoryLayout.Range;
import dev.kvmguest.vmm.outcome.Screen;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Map;
import java.util.Optional;

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

    /** The stub's numbers of registers: it counts those of its program's widest processor. */
    private record RegisterNumbers(Map<Register, Integer> general, int eip, int control, int bytes) {

        private static final Map<Register, Integer> NARROW = Map.of(
                Register.RAX, 0,
                Register.RCX, 1,
                Register.RDX, 2,
                Register.RBX, 3,
                Register.RSP, 4,
                Register.RBP, 5,
                Register.RSI, 6,
                Register.RDI, 7);
        private static final Map<Register, Integer> WIDE = Map.of(
                Register.RAX, 0,
                Register.RBX, 1,
                Register.RCX, 2,
                Register.RDX, 3,
                Register.RSI, 4,
                Register.RDI, 5,
                Register.RBP, 6,
                Register.RSP, 7);

        /** After the general registers come EIP, EFLAGS, six segments, three bases and then the control registers. */
        private static final int FROM_EIP_TO_CONTROL = 11;

        static RegisterNumbers of(QemuProgram program) {
            return program.name().contains("x86_64")
                    ? new RegisterNumbers(WIDE, 16, 16 + FROM_EIP_TO_CONTROL, Long.BYTES)
                    : new RegisterNumbers(NARROW, 8, 8 + FROM_EIP_TO_CONTROL, Integer.BYTES);
        }

        int eflags() {
            return eip + 1;
        }

        int cr0() {
            return control;
        }

        int cr3() {
            return control + 2;
        }

        int cr4() {
            return control + 3;
        }

        /** CS, SS, DS, ES, FS and GS follow EFLAGS. */
        int segment(int index) {
            return eip + 2 + index;
        }
    }

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
     * @throws VmmException if it lies where a PC has no RAM
     */
    QemuEntry(MachineConfig config, QemuProgram program) {
        loader = new BootLoader(config.memorySize(), config.vcpus());
        wanted = loader.states().get(0);
        numbers = RegisterNumbers.of(program);
        refused().ifPresent(range -> {
            throw new VmmException("engine qemu can't load " + range
                    + ": on a PC the first 1280 bytes are the firmware's, and 0xa0000 to 0xfffff are video memory and"
                    + " ROM; link the image elsewhere, or choose another engine");
        });
    }

    private Optional<Range> refused() {
        return layout().ranges().stream()
                .filter(range -> range.kind() == Kind.IMAGE)
                .filter(range -> range.start() < FIRMWARE_DATA_END || range.start() < HIGH && range.end() >= ADAPTERS)
                .findFirst();
    }

    /** Returns what lies where when the guest is entered. */
    MemoryLayout layout() {
        return loader.layout();
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
        gdb.step();
        gdb.step();
        clear(memory, FIRMWARE_DATA_END, EXTENDED_BIOS_DATA);
        clear(memory, HIGH, memory.size() - FIRMWARE_TABLES);
        gdb.clear(Screen.MEMORY, SCREEN_BYTES);
        loader.loadGuests(memory);
        setRegisters(gdb);
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

    /** Protection comes before the segments, whose descriptors are read from the GDT then, and paging comes last. */
    private void setRegisters(GdbClient gdb) throws IOException {
        gdb.setRegister(numbers.cr0(), wanted.get(Register.CR0) & ~CpuState.CR0_PG, numbers.bytes());
        for (int i = 0; i < SEGMENTS.size(); i++) {
            gdb.setRegister(numbers.segment(i), wanted.segment(SEGMENTS.get(i)).selector(), Integer.BYTES);
        }
        for (Map.Entry<Register, Integer> register : numbers.general().entrySet()) {
            gdb.setRegister(register.getValue(), wanted.get(register.getKey()), numbers.bytes());
        }
        gdb.setRegister(numbers.eip(), wanted.get(Register.RIP), numbers.bytes());
        gdb.setRegister(numbers.eflags(), wanted.get(Register.RFLAGS), Integer.BYTES);
        gdb.setRegister(numbers.cr3(), wanted.get(Register.CR3), numbers.bytes());
        gdb.setRegister(numbers.cr4(), wanted.get(Register.CR4), numbers.bytes());
        gdb.setRegister(numbers.cr0(), wanted.get(Register.CR0), numbers.bytes());
    }

    private static byte[] operand(DescriptorTable table) {
        return ByteBuffer.allocate(6)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putShort((short) table.limit())
                .putInt((int) table.base())
                .array();
    }
}
