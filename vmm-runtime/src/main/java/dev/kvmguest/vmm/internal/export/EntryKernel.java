package dev.kvmguest.vmm.internal.export;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.DescriptorTable;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.internal.export.EntryImage.Chunk;
import dev.kvmguest.vmm.memory.MemoryLayout.Kind;
import dev.kvmguest.vmm.memory.MemoryLayout.Range;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;

/**
 * A file that puts a guest's RAM and registers in place on another PC and enters the guest: a Multiboot kernel, which
 * QEMU's {@code -kernel} loads, and GRUB too. It clears RAM, copies what RAM is to hold, masks all interrupts, loads
 * the registers and jumps to the guest's entry, in whatever mode that is.
 *
 * <p>It stays out of the guest's way, after everything that is laid out, and clears itself but for {@value #TABLES}
 * bytes of code. What firmware has in memory stays that PC's: below 0x500, and from 0x9fc00 to 1 MiB.
 */
public final class EntryKernel {

    private static final int MAGIC = 0x1bad_b002;
    /** The header has addresses (Multiboot Specification 0.6.96, 3.1.3). */
    private static final int HAS_ADDRESSES = 1 << 16;

    /** Where in the file things are; it is loaded at a multiple of a page. */
    private static final int CODE = 0x20;

    private static final int IDT_POINTER = 0x1c0;
    private static final int GDT_POINTER = 0x1c8;
    private static final int OWN_GDT_POINTER = 0x1d0;
    private static final int OWN_GDT = 0x1d8;
    private static final int OWN_GDT_SIZE = 0x18;
    private static final int STACK_END = 0x220;
    static final int TABLES = 0x220;

    /** The selectors of the boot modes that have a GDT. */
    private static final int OWN_CODE = 0x08;

    private static final int OWN_DATA = 0x10;

    /** Registers that guests outside long mode have. */
    private static final int GENERAL = 8;

    private static final long PAGE = 0x1000;
    private static final long LOWEST = 0x10_0000;
    /** What is mapped to itself at the entry of a guest with paging. */
    private static final long IDENTITY_MAP = 0x40_0000;

    private static final long FIRMWARE_END = 0x500;
    private static final long EXTENDED_BIOS_DATA = 0x9_fc00;
    private static final long HOLE_END = 0x10_0000;

    private final MachineConfig config;
    private final EntryImage image;
    private final CpuState state;
    private final long base;
    private final byte[] file;

    private EntryKernel(MachineConfig config) {
        this.config = config;
        this.image = EntryImage.of(config);
        this.state = image.state();
        requireFree();
        this.base = place();
        this.file = make();
    }

    /**
     * Returns the file for a machine's first vCPU.
     *
     * @throws IllegalArgumentException if the guest is where a PC has firmware or video memory, or leaves no room for
     *     this file; or if it can't be placed at all
     */
    public static EntryKernel of(MachineConfig config) {
        return new EntryKernel(config);
    }

    /** Returns what the file contains. */
    public byte[] file() {
        return file.clone();
    }

    /** Returns the physical address at which it is loaded. */
    public long base() {
        return base;
    }

    /** Returns the address after its last byte: the machine needs so much RAM, and some for its loader. */
    public long end() {
        return base + file.length;
    }

    private void requireFree() {
        for (Range range : image.layout().ranges()) {
            boolean guests = !range.kind().isFirmware()
                    && range.kind() != Kind.HOLE
                    && range.kind() != Kind.END_OF_RAM
                    && range.kind() != Kind.STACK;
            if (guests && range.start() < HOLE_END && range.end() > EXTENDED_BIOS_DATA) {
                throw new IllegalArgumentException(range + " is where a PC has firmware and video memory, "
                        + hex(EXTENDED_BIOS_DATA) + "-" + hex(HOLE_END - 1) + "; load the guest elsewhere");
            }
        }
    }

    private long place() {
        long end = image.layout().ranges().stream()
                .filter(range -> range.kind() != Kind.END_OF_RAM)
                .mapToLong(Range::end)
                .max()
                .orElse(0);
        long place = Math.max(LOWEST, (end + PAGE - 1) / PAGE * PAGE);
        if (isPaging() && place + PAGE > IDENTITY_MAP) {
            throw new IllegalArgumentException("the guest ends at " + hex(end)
                    + ", and the code that enters it must lie"
                    + " after it and below " + hex(IDENTITY_MAP) + ", where memory is mapped to itself in boot mode "
                    + config.vcpus().get(0).boot() + "; make the guest smaller, or load it lower");
        }
        return place;
    }

    private boolean isPaging() {
        return (state.get(Register.CR0) & CpuState.CR0_PG) != 0;
    }

    private byte[] make() {
        List<Chunk> chunks = chunks();
        // Two lists of 32-bit numbers, each ended by a length of 0: what to clear, and what to copy where.
        int ranges = 3;
        int data = TABLES + 4 * (2 * (ranges + 1) + 3 * chunks.size() + 2);
        int length =
                data + chunks.stream().mapToInt(chunk -> chunk.bytes().length).sum();
        length = (length + 3) / 4 * 4;
        ByteBuffer out = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
        out.putInt(MAGIC).putInt(HAS_ADDRESSES).putInt(-MAGIC - HAS_ADDRESSES);
        out.putInt((int) base).putInt((int) base).putInt((int) (base + length)).putInt(0);
        out.putInt((int) base + CODE);
        Code code = new Code();
        moveMemory(code, length);
        enter(code);
        out.put(CODE, code.bytes());
        putTables(out);
        out.position(TABLES);
        putRange(out, FIRMWARE_END, Math.min(config.memorySize(), EXTENDED_BIOS_DATA));
        putRange(out, HOLE_END, base);
        putRange(out, base + length, config.memorySize());
        out.putInt(0).putInt(0);
        int source = data;
        for (Chunk chunk : chunks) {
            out.putInt((int) chunk.address()).putInt(chunk.bytes().length).putInt((int) base + source);
            out.put(source, chunk.bytes());
            source += chunk.bytes().length;
        }
        out.putInt(0).putInt(0);
        return out.array();
    }

    /** A range that is empty has the length 4, since 0 would end the list; it is cleared anyway. */
    private void putRange(ByteBuffer out, long start, long end) {
        boolean empty = end <= start;
        out.putInt((int) (empty ? FIRMWARE_END : start)).putInt((int) (empty ? 4 : end - start) / 4);
    }

    /** Returns what RAM holds, without what firmware has put there. */
    private List<Chunk> chunks() {
        List<Chunk> chunks = image.chunks();
        for (Range range : image.layout().ranges()) {
            if (range.kind().isFirmware()) {
                chunks = chunks.stream()
                        .flatMap(chunk -> without(chunk, range).stream())
                        .toList();
            }
        }
        return chunks;
    }

    private static List<Chunk> without(Chunk chunk, Range range) {
        List<Chunk> left = new ArrayList<>();
        addPart(left, chunk, chunk.address(), Math.min(chunk.end(), range.start()));
        addPart(left, chunk, Math.max(chunk.address(), range.end()), chunk.end());
        return left;
    }

    private static void addPart(List<Chunk> parts, Chunk chunk, long start, long end) {
        if (start < end) {
            int from = (int) (start - chunk.address());
            parts.add(new Chunk(start, Arrays.copyOfRange(chunk.bytes(), from, from + (int) (end - start))));
        }
    }

    private void moveMemory(Code code, int length) {
        code.add("fa fc"); // cli; cld
        code.add("bc").number(base + STACK_END); // mov esp, STACK_END
        code.add("b0 ff e6 21 e6 a1"); // mov al, 0xff; out 0x21, al; out 0xa1, al: all interrupts are masked
        code.add("be").number(base + TABLES); // mov esi, TABLES
        code.add("ad 89 c7 ad 89 c1"); // clear: lodsd; mov edi, eax; lodsd; mov ecx, eax
        code.add("e3 06"); // jecxz copy
        code.add("31 c0 f3 ab eb f2"); // xor eax, eax; rep stosd; jmp clear
        code.add("ad 89 c7 ad 89 c1"); // copy: lodsd; mov edi, eax; lodsd; mov ecx, eax
        code.add("e3 09"); // jecxz wipe
        code.add("ad 56 89 c6 f3 a4 5e eb ef"); // lodsd; push esi; mov esi, eax; rep movsb; pop esi; jmp copy
        code.add("bf").number(base + TABLES); // wipe: mov edi, TABLES
        code.add("b9").number((length - TABLES) / 4); // mov ecx, the rest of this file
        code.add("31 c0 f3 ab"); // xor eax, eax; rep stosd
    }

    private void enter(Code code) {
        code.add("68").number(state.get(Register.RFLAGS)).add("9d"); // push flags; popfd: nothing below changes them
        code.add("0f 01 1d").number(base + IDT_POINTER); // lidt [IDT_POINTER]
        code.add("0f 01 15").number(base + OWN_GDT_POINTER); // lgdt [OWN_GDT_POINTER]
        code.add("b8").number(state.get(Register.CR3)).add("0f 22 d8"); // mov eax, CR3; mov cr3, eax
        code.add("b8").number(state.get(Register.CR4)).add("0f 22 e0"); // mov eax, CR4; mov cr4, eax
        code.add("b8 00 00 00 00 0f 00 d0"); // mov eax, 0; lldt ax
        if (state.protectedMode()) {
            enterProtectedMode(code);
        } else {
            enterRealMode(code);
        }
    }

    /**
     * Loads segments of its own GDT, which are the guest's, so that the guest's descriptors aren't marked as accessed.
     */
    private void enterProtectedMode(Code code) {
        loadOwnSegments(code);
        code.add("0f 01 15").number(base + GDT_POINTER); // lgdt [GDT_POINTER]
        for (int i = 1; i < GENERAL; i++) {
            code.add(String.format("%02x", 0xb8 + i)).number(general(i)); // mov register, value
        }
        code.add("b8").number(state.get(Register.CR0)).add("0f 22 c0"); // mov eax, CR0; mov cr0, eax
        code.add("b8").number(general(0)); // mov eax, value
        long next = base + CODE + code.bytes().length + 5;
        code.add("e9").number(state.get(Register.RIP) - next); // jmp EIP
    }

    /**
     * Goes by 16-bit protected mode. After that, CS still has this file as its base until the jump to the guest: this
     * code runs in real mode above 1 MiB, so that nothing of it need be where a guest may be.
     */
    private void enterRealMode(Code code) {
        loadOwnSegments(code);
        code.add("2e 66 0f 01 16").shortNumber(GDT_POINTER); // o32 lgdt [cs:GDT_POINTER]
        code.add("66 b8").number(state.get(Register.CR0)).add("0f 22 c0"); // mov eax, CR0; mov cr0, eax
        for (SegmentRegister register : Code.DATA_SEGMENTS) {
            code.add("b8").shortNumber(state.segment(register).selector()); // mov ax, segment
            code.load(register);
        }
        for (int i = 0; i < GENERAL; i++) {
            code.add(String.format("66 %02x", 0xb8 + i)).number(general(i)); // mov register, value
        }
        code.add("ea").shortNumber((int) state.get(Register.RIP)); // jmp CS:IP
        code.shortNumber(state.segment(SegmentRegister.CS).selector());
    }

    private void loadOwnSegments(Code code) {
        code.add("b8").number(OWN_DATA); // mov eax, OWN_DATA
        Code.DATA_SEGMENTS.forEach(code::load);
        int next = CODE + code.bytes().length + 7;
        // Real mode has a base of its own.
        code.add("ea").number(state.protectedMode() ? base + next : next); // jmp OWN_CODE:next
        code.shortNumber(OWN_CODE);
    }

    private long general(int number) {
        return state.get(Register.byNumber().get(number));
    }

    private void putTables(ByteBuffer out) {
        putPointer(out, IDT_POINTER, state.idt());
        putPointer(out, GDT_POINTER, state.gdt());
        putPointer(out, OWN_GDT_POINTER, new DescriptorTable(base + OWN_GDT, OWN_GDT_SIZE - 1));
        if (state.protectedMode()) {
            // Flat, of 32 bits.
            out.putLong(OWN_GDT + OWN_CODE, 0x00cf_9b00_0000_ffffL);
            out.putLong(OWN_GDT + OWN_DATA, 0x00cf_9300_0000_ffffL);
        } else {
            // Of 64 KiB: 16-bit code at this file, data at 0.
            out.putLong(OWN_GDT + OWN_CODE, 0x0000_9b00_0000_ffffL | (base & 0xff_ffff) << 16 | base >>> 24 << 56);
            out.putLong(OWN_GDT + OWN_DATA, 0x0000_9300_0000_ffffL);
        }
    }

    private static void putPointer(ByteBuffer out, int at, DescriptorTable table) {
        out.putShort(at, (short) table.limit()).putInt(at + 2, (int) table.base());
    }

    /** Instructions. */
    private static final class Code {

        static final List<SegmentRegister> DATA_SEGMENTS = List.of(
                SegmentRegister.DS, SegmentRegister.ES, SegmentRegister.FS, SegmentRegister.GS, SegmentRegister.SS);

        private final ByteArrayOutputStream out = new ByteArrayOutputStream();

        Code add(String hex) {
            out.writeBytes(HexFormat.of().parseHex(hex.replace(" ", "")));
            return this;
        }

        Code number(long value) {
            return shortNumber((int) value).shortNumber((int) (value >>> 16));
        }

        Code shortNumber(int value) {
            out.write(value);
            out.write(value >>> 8);
            return this;
        }

        /** mov register, ax */
        void load(SegmentRegister register) {
            add(
                    switch (register) {
                        case DS -> "8e d8";
                        case ES -> "8e c0";
                        case FS -> "8e e0";
                        case GS -> "8e e8";
                        case SS -> "8e d0";
                        default -> throw new AssertionError(register);
                    });
        }

        byte[] bytes() {
            return out.toByteArray();
        }
    }
}
