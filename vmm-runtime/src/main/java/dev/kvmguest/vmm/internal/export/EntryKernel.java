package dev.kvmguest.vmm.internal.export;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.DescriptorTable;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.internal.export.EntryImage.Chunk;
import dev.kvmguest.vmm.internal.x86.SegmentDescriptor;
import dev.kvmguest.vmm.memory.MemoryLayout.Kind;
import dev.kvmguest.vmm.memory.MemoryLayout.Range;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
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

    /** Each of 10 bytes, which 64-bit code reads of them. */
    private static final int IDT_POINTER = 0x1a8;

    private static final int GDT_POINTER = 0x1b2;
    private static final int OWN_GDT_POINTER = 0x1bc;
    private static final int OWN_GDT = 0x1c8;
    private static final int OWN_GDT_SIZE = 0x38;
    private static final int STACK_END = 0x220;
    static final int TABLES = 0x220;
    private static final int MOST_CODE = IDT_POINTER - CODE;

    /** The selectors on the way to real mode. */
    private static final int REAL_CODE = 0x08;

    private static final int REAL_DATA = 0x10;

    /** Registers that guests outside long mode have. */
    private static final int GENERAL = 8;

    private static final long PAGE = 0x1000;
    private static final long LOWEST = 0x10_0000;
    /** What is mapped to itself at the entry of a guest with paging, outside long mode and in it. */
    private static final long IDENTITY_MAP = 0x40_0000;

    private static final long LONG_MODE_IDENTITY_MAP = 1L << 32;

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
        if (config.vcpus().get(0).boot() == BootMode.LIMINE) {
            throw new IllegalArgumentException(
                    "a guest in boot mode limine can't be entered by a Multiboot kernel, whose"
                            + " code would have to be mapped to itself: Limine maps nothing there; boot it in QEMU from a disk"
                            + " with Limine, or export a C program for KVM");
        }
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
     *     this file; if it can't be placed at all; or in {@link BootMode#LIMINE}
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
        long mapped = state.longMode() ? LONG_MODE_IDENTITY_MAP : IDENTITY_MAP;
        if (isPaging() && place + PAGE > mapped) {
            throw new IllegalArgumentException("the guest ends at " + hex(end)
                    + ", and the code that enters it must lie"
                    + " after it and below " + hex(mapped) + ", where memory is mapped to itself in boot mode "
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
        EntryCode code = new EntryCode();
        moveMemory(code, length);
        enter(code);
        if (code.length() > MOST_CODE) {
            throw new AssertionError(code.length() + " bytes of code");
        }
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

    private void moveMemory(EntryCode code, int length) {
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

    private void enter(EntryCode code) {
        code.add("68").number(state.get(Register.RFLAGS)).add("9d"); // push flags; popfd: nothing below changes them
        code.add("0f 01 1d").number(base + IDT_POINTER); // lidt [IDT_POINTER]
        code.add("0f 01 15").number(base + OWN_GDT_POINTER); // lgdt [OWN_GDT_POINTER]
        code.add("b8").number(state.get(Register.CR3)).add("0f 22 d8"); // mov eax, CR3; mov cr3, eax
        code.add("b8").number(state.get(Register.CR4)).add("0f 22 e0"); // mov eax, CR4; mov cr4, eax
        code.add("b8 00 00 00 00 0f 00 d0"); // mov eax, 0; lldt ax
        if (state.longMode()) {
            enterLongMode(code);
        } else if (state.protectedMode()) {
            enterProtectedMode(code);
        } else {
            enterRealMode(code);
        }
    }

    /**
     * Activates long mode in the code segment of the loader, as compatibility mode, and goes on in 64-bit code. The
     * descriptor that LTR marks as busy is one of its own GDT, too.
     */
    private void enterLongMode(EntryCode code) {
        code.add("b9 80 00 00 c0 ba 00 00 00 00 b8"); // mov ecx, IA32_EFER; mov edx, 0; mov eax, EFER without LMA
        code.number(state.get(Register.EFER) & ~CpuState.EFER_LMA).add("0f 30"); // wrmsr
        code.add("b8").number(state.get(Register.CR0)).add("0f 22 c0"); // mov eax, CR0; mov cr0, eax
        loadOwnSegments(code);
        code.add("66 b8").shortNumber(selector(SegmentRegister.TR)).add("0f 00 d8"); // mov ax, TR; ltr ax
        code.add("0f 01 14 25").number(base + GDT_POINTER); // lgdt [GDT_POINTER]
        List<Register> general = Register.byNumber();
        for (int i = 0; i < general.size(); i++) {
            code.add(String.format("%02x %02x", 0x48 | i >> 3, 0xb8 | i & 7)); // mov register, value
            code.longNumber(state.get(general.get(i)));
        }
        code.add("ff 25 00 00 00 00").longNumber(state.get(Register.RIP)); // jmp [rip]
    }

    /**
     * Loads segments of its own GDT, which are the guest's, so that the guest's descriptors aren't marked as accessed.
     */
    private void enterProtectedMode(EntryCode code) {
        loadOwnSegments(code);
        code.add("0f 01 15").number(base + GDT_POINTER); // lgdt [GDT_POINTER]
        for (int i = 1; i < GENERAL; i++) {
            code.add(String.format("%02x", 0xb8 + i)).number(general(i)); // mov register, value
        }
        code.add("b8").number(state.get(Register.CR0)).add("0f 22 c0"); // mov eax, CR0; mov cr0, eax
        code.add("b8").number(general(0)); // mov eax, value
        long next = base + CODE + code.length() + 5;
        code.add("e9").number(state.get(Register.RIP) - next); // jmp EIP
    }

    /**
     * Goes by 16-bit protected mode. After that, CS still has this file as its base until the jump to the guest: this
     * code runs in real mode above 1 MiB, so that nothing of it need be where a guest may be.
     */
    private void enterRealMode(EntryCode code) {
        loadOwnSegments(code);
        code.add("2e 66 0f 01 16").shortNumber(GDT_POINTER); // o32 lgdt [cs:GDT_POINTER]
        code.add("66 b8").number(state.get(Register.CR0)).add("0f 22 c0"); // mov eax, CR0; mov cr0, eax
        for (SegmentRegister register : EntryCode.DATA_SEGMENTS) {
            code.add("b8").shortNumber(state.segment(register).selector()); // mov ax, segment
            code.load(register);
        }
        for (int i = 0; i < GENERAL; i++) {
            code.add(String.format("66 %02x", 0xb8 + i)).number(general(i)); // mov register, value
        }
        code.add("ea").shortNumber((int) state.get(Register.RIP)); // jmp CS:IP
        code.shortNumber(state.segment(SegmentRegister.CS).selector());
    }

    private void loadOwnSegments(EntryCode code) {
        code.add("b8").number(ownSelector(SegmentRegister.DS)); // mov eax, data
        EntryCode.DATA_SEGMENTS.forEach(code::load);
        int next = CODE + code.length() + 7;
        // Real mode has a base of its own.
        code.add("ea").number(state.protectedMode() ? base + next : next); // jmp code:next
        code.shortNumber(ownSelector(SegmentRegister.CS));
    }

    /** Returns the selector that a register has in its own GDT: the guest's, but on the way to real mode. */
    private int ownSelector(SegmentRegister register) {
        if (state.protectedMode()) {
            return selector(register);
        }
        return register == SegmentRegister.CS ? REAL_CODE : REAL_DATA;
    }

    private int selector(SegmentRegister register) {
        return state.segment(register).selector();
    }

    private long general(int number) {
        return state.get(Register.byNumber().get(number));
    }

    private void putTables(ByteBuffer out) {
        putPointer(out, IDT_POINTER, state.idt());
        putPointer(out, GDT_POINTER, state.gdt());
        putPointer(out, OWN_GDT_POINTER, new DescriptorTable(base + OWN_GDT, OWN_GDT_SIZE - 1));
        if (state.protectedMode()) {
            putSegment(out, SegmentRegister.CS, ~0);
            putSegment(out, SegmentRegister.DS, ~0);
        } else {
            // Of 64 KiB: 16-bit code at this file, data at 0.
            out.putLong(OWN_GDT + REAL_CODE, 0x0000_9b00_0000_ffffL | (base & 0xff_ffff) << 16 | base >>> 24 << 56);
            out.putLong(OWN_GDT + REAL_DATA, 0x0000_9300_0000_ffffL);
        }
        if (state.longMode()) {
            putSegment(out, SegmentRegister.TR, ~SegmentDescriptor.TSS_BUSY);
        }
    }

    /** @param rights the access rights that are kept */
    private void putSegment(ByteBuffer out, SegmentRegister register, int rights) {
        SegmentState segment = state.segment(register);
        out.putLong(
                OWN_GDT + segment.selector(),
                SegmentDescriptor.of(segment.base(), segment.limit(), segment.accessRights() & rights)
                        .raw());
    }

    private static void putPointer(ByteBuffer out, int at, DescriptorTable table) {
        out.putShort(at, (short) table.limit()).putInt(at + 2, (int) table.base());
    }
}
