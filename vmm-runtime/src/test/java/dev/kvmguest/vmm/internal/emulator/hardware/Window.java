package dev.kvmguest.vmm.internal.emulator.hardware;

import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.internal.x86.SegmentDescriptor;
import java.util.ArrayList;
import java.util.List;

/**
 * The memory that random instructions have, on the machine's processor and on the emulator; and the segments, which are
 * the same for code of all sizes.
 */
enum Window {
    /** That of 16-bit and 32-bit code. */
    FOR_32_BITS(Window.CODE, List.of()),
    /** That of 64-bit code: as well beside it, at the ends of 4 GiB, and at the end of the lower half of addresses. */
    FOR_64_BITS(
            Window.CODE_64,
            List.of(
                    new Page(Window.NEAR, true, false),
                    new Page(Window.NEAR + Window.SECOND, true, false),
                    new Page(Window.NEAR + Window.READ_ONLY, false, false),
                    new Page(Window.BEYOND, true, false),
                    new Page(Window.UPPER, true, false)));

    static final int PAGE = 4096;

    /** Read-only; a 16-bit code segment begins here. */
    static final int CODE = 0x1000_0000;
    /** Where 64-bit code is, read-only. */
    static final long CODE_64 = 0x1234_5600_0000L;

    static final int CODE_SIZE = 0x1_0000;
    /** Data segments of 64 KiB begin here. Most of their pages are not present. */
    static final int DATA = 0x1002_0000;
    /** The last page of 4 GiB. */
    static final long TOP = 0xffff_f000L;
    /** The first page after them, for 64-bit code as all that follows. */
    static final long BEYOND = 0x1_0000_0000L;
    /** Data that is near the code: its first three pages are as at {@link #DATA}. */
    static final long NEAR = CODE_64 + 0x2_0000;
    /** The last page that Linux gives to programs; the one after it is the last one of the lower half. */
    static final long UPPER = 0x7fff_ffff_e000L;
    /** The end of the lower half of canonical addresses. */
    static final long LOWER_END = 0x8000_0000_0000L;

    /** Linux's 64-bit code segment for programs, and its data segment. */
    static final int LINUX_CODE = 0x33;

    static final int LINUX_DATA = 0x2b;

    /** Offsets of pages with data: two to write and a third to read, the segment's last one to write. */
    static final int SECOND = 0x1000;

    static final int READ_ONLY = 0x2000;
    static final int LAST = 0xf000;

    /** What {@code modify_ldt} calls contents. */
    private static final int DATA_SEGMENT = 0;

    private static final int EXPAND_DOWN = 1;
    private static final int CODE_SEGMENT = 2;

    private static final int LDT = 7;
    private static final int USER_SEGMENT = 0xf0;

    /** A page of linear addresses. */
    record Page(long linear, boolean writable, boolean executable) {}

    /**
     * An entry of the LDT.
     *
     * @param kind what {@code modify_ldt} calls contents
     * @param protectedFrom whether it can't be written (data) or read (code)
     * @param inPages whether the limit counts pages
     */
    record Descriptor(
            int index,
            int base,
            int limit,
            int kind,
            boolean big,
            boolean protectedFrom,
            boolean inPages,
            boolean present) {

        int selector() {
            return index << 3 | LDT;
        }

        /** Returns the last field of Linux's {@code struct user_desc}. */
        int linuxFlags() {
            return bit(big, 0) | kind << 1 | bit(protectedFrom, 3) | bit(inPages, 4) | bit(!present, 5) | bit(true, 6);
        }

        /** Returns the descriptor as Linux makes it. */
        long raw() {
            int type = bit(!protectedFrom, 1) | kind << 2 | 1;
            long rights = type | USER_SEGMENT & ~bit(!present, 7) | bit(true, 12) | bit(big, 14) | bit(inPages, 15);
            return rights << 40
                    | (long) (limit >> 16 & 0xf) << 48
                    | (base & 0xff00_0000L) << 32
                    | (base & 0xff_ffffL) << 16
                    | limit & 0xffff;
        }

        SegmentState loaded() {
            return new SegmentDescriptor(raw()).loaded(selector());
        }

        private static int bit(boolean set, int number) {
            return set ? 1 << number : 0;
        }
    }

    static final Descriptor FLAT_CODE = new Descriptor(1, 0, 0xf_ffff, CODE_SEGMENT, true, false, true, true);
    static final Descriptor CODE_16 = new Descriptor(2, CODE, 0xffff, CODE_SEGMENT, false, false, false, true);
    static final Descriptor CODE_32 = new Descriptor(3, CODE, 0xffff, CODE_SEGMENT, true, true, false, true);
    static final Descriptor FLAT_DATA = new Descriptor(4, 0, 0xf_ffff, DATA_SEGMENT, true, false, true, true);
    static final Descriptor DATA_16 = new Descriptor(5, DATA, 0xffff, DATA_SEGMENT, false, false, false, true);
    static final Descriptor DATA_32 = new Descriptor(6, DATA, 0xffff, DATA_SEGMENT, true, false, false, true);
    private static final Descriptor SHORT_DATA =
            new Descriptor(7, DATA, 0x1ffe, DATA_SEGMENT, true, false, false, true);
    private static final Descriptor FIXED_DATA = new Descriptor(8, DATA, 0xffff, DATA_SEGMENT, true, true, false, true);
    private static final Descriptor DOWN_16 = new Descriptor(9, DATA, 0xfff, EXPAND_DOWN, false, false, false, true);
    private static final Descriptor DOWN_32 = new Descriptor(10, DATA, 0xfff, EXPAND_DOWN, true, false, false, true);
    private static final Descriptor ABSENT_DATA =
            new Descriptor(11, DATA, 0xffff, DATA_SEGMENT, true, false, false, false);
    private static final Descriptor ABSENT_CODE =
            new Descriptor(12, CODE, 0xffff, CODE_SEGMENT, true, false, false, false);

    static final List<Descriptor> DESCRIPTORS = List.of(
            FLAT_CODE,
            CODE_16,
            CODE_32,
            FLAT_DATA,
            DATA_16,
            DATA_32,
            SHORT_DATA,
            FIXED_DATA,
            DOWN_16,
            DOWN_32,
            ABSENT_DATA,
            ABSENT_CODE);

    /** Those that DS to GS begin with; the usual ones more often. */
    static final List<Descriptor> TO_READ = List.of(
            FLAT_DATA,
            FLAT_DATA,
            DATA_16,
            DATA_32,
            DATA_16,
            DATA_32,
            SHORT_DATA,
            FIXED_DATA,
            DOWN_16,
            DOWN_32,
            CODE_16);

    static final List<Descriptor> STACKS =
            List.of(FLAT_DATA, FLAT_DATA, DATA_16, DATA_32, SHORT_DATA, DOWN_16, DOWN_32);

    private final long code;
    private final List<Page> pages;

    Window(long code, List<Page> others) {
        this.code = code;
        List<Page> all = new ArrayList<>();
        for (int i = 0; i < CODE_SIZE / PAGE; i++) {
            all.add(new Page(code + i * PAGE, false, true));
        }
        all.add(new Page(DATA, true, false));
        all.add(new Page(DATA + SECOND, true, false));
        all.add(new Page(DATA + READ_ONLY, false, false));
        all.add(new Page(DATA + LAST, true, false));
        all.add(new Page(TOP, true, false));
        all.addAll(others);
        pages = List.copyOf(all);
    }

    boolean is64() {
        return this == FOR_64_BITS;
    }

    /** Returns where the code is. */
    long code() {
        return code;
    }

    List<Page> pages() {
        return pages;
    }

    /** Returns the linear address of what is at an offset in {@link Batch#memory}. */
    long linear(int offset) {
        return pages.get(offset / PAGE).linear() + offset % PAGE;
    }

    /** Returns the size of all pages, which are one after the other in {@link Batch#memory}. */
    int size() {
        return pages.size() * PAGE;
    }
}
