package dev.kvmguest.vmm.internal.device;

import dev.kvmguest.vmm.internal.bus.ByteDevice;
import dev.kvmguest.vmm.internal.bus.Persistent;
import dev.kvmguest.vmm.memory.GuestMemory;
import dev.kvmguest.vmm.outcome.Screen;
import java.util.List;
import java.util.OptionalInt;
import java.util.function.LongSupplier;
import java.util.stream.IntStream;

/**
 * The CRT controller of a VGA in text mode 3, 80 columns of 25 rows: index register at offset 0, data register at
 * offset 1, input status 1 at offset 6. It decides which part of text memory is seen and where the cursor is; all its
 * registers read back, the others change nothing.
 *
 * <p>Source: IBM PS/2 Hardware Interface Technical Reference (1988), "Video Subsystem": "CRT Controller Registers" and
 * "Input Status Register 1"; the values of mode 3 and its timing.
 */
public final class VgaCrtc implements ByteDevice, Persistent<VgaCrtc.State> {

    /** The number of ports from the index register to input status 1; those between belong to nobody. */
    public static final int INPUT_STATUS_OFFSET = 6;

    private static final int INDEX = 0;
    private static final int DATA = 1;

    private static final int MAXIMUM_SCAN_LINE = 0x09;
    private static final int CURSOR_START = 0x0a;
    private static final int CURSOR_END = 0x0b;
    private static final int START_ADDRESS_HIGH = 0x0c;
    private static final int START_ADDRESS_LOW = 0x0d;
    private static final int CURSOR_LOCATION_HIGH = 0x0e;
    private static final int CURSOR_LOCATION_LOW = 0x0f;

    private static final int CURSOR_OFF = 0x20;
    private static final int SCAN_LINE = 0x1f;

    private static final int DISPLAY_DISABLED = 0x01;
    private static final int VERTICAL_RETRACE = 0x08;

    /** A line has 900 dots, of which 720 are seen, at 28.322 MHz; a frame has 449 lines, of which 400 are seen. */
    private static final long LINE_NANOS = 31_777;

    private static final long SEEN_NANOS = 25_422;
    private static final int SCREEN_CELLS = Screen.COLUMNS * Screen.ROWS;
    /** Text memory ends at 0xC0000; what is shown beyond it is its beginning again. */
    private static final int TEXT_CELLS = 0x4000;

    private static final int LINES = 449;
    private static final int SEEN_LINES = 400;
    private static final int RETRACE_START = 412;
    private static final int RETRACE_END = 414;

    private final LongSupplier now;
    private final int[] registers = {
        0x5f, 0x4f, 0x50, 0x82, 0x55, 0x81, 0xbf, 0x1f, 0x00, 0x4f, 0x0d, 0x0e, 0x00, 0x00, 0x00, 0x00, 0x9c, 0x8e,
        0x8f, 0x28, 0x1f, 0x96, 0xb9, 0xa3, 0xff
    };
    private int index;

    /**
     * Creates a controller as firmware leaves it, the cursor in the upper left corner; {@code now} is guest time in ns.
     */
    public VgaCrtc(LongSupplier now) {
        this.now = now;
    }

    @Override
    public synchronized int readByte(int offset) {
        return switch (offset) {
            case INDEX -> index;
            case DATA -> index < registers.length ? registers[index] : 0;
            case INPUT_STATUS_OFFSET -> inputStatus();
            default -> throw new IllegalArgumentException("a CRT controller has no register at offset " + offset);
        };
    }

    @Override
    public synchronized void writeByte(int offset, int value) {
        if (offset == INDEX) {
            index = value;
        } else if (offset == DATA && index < registers.length) {
            registers[index] = value;
        }
    }

    /** Returns which cell of text memory, counted from its beginning, is in the upper left corner: 0 to 0xffff. */
    public synchronized int startAddress() {
        return registers[START_ADDRESS_HIGH] << 8 | registers[START_ADDRESS_LOW];
    }

    /** Returns which cell of text memory has the cursor, 0 to 0xffff; empty if the guest has hidden it. */
    public synchronized OptionalInt cursorAddress() {
        int start = registers[CURSOR_START] & SCAN_LINE;
        boolean hidden = (registers[CURSOR_START] & CURSOR_OFF) != 0
                || start > (registers[CURSOR_END] & SCAN_LINE)
                || start > (registers[MAXIMUM_SCAN_LINE] & SCAN_LINE);
        return hidden
                ? OptionalInt.empty()
                : OptionalInt.of(registers[CURSOR_LOCATION_HIGH] << 8 | registers[CURSOR_LOCATION_LOW]);
    }

    /** Returns what is shown of text memory; where RAM ends before it, zeros. */
    public synchronized Screen screen(GuestMemory memory) {
        int start = startAddress() % TEXT_CELLS;
        byte[] cells = new byte[2 * SCREEN_CELLS];
        int beforeEnd = Math.min(SCREEN_CELLS, TEXT_CELLS - start);
        copy(memory, Screen.MEMORY + 2 * start, cells, 0, 2 * beforeEnd);
        copy(memory, Screen.MEMORY, cells, 2 * beforeEnd, 2 * (SCREEN_CELLS - beforeEnd));
        OptionalInt cursor = cursorAddress();
        return Screen.of(
                cells,
                cursor.isEmpty() ? cursor : OptionalInt.of(Math.floorMod(cursor.getAsInt() - start, TEXT_CELLS)));
    }

    private static void copy(GuestMemory memory, long address, byte[] to, int at, int length) {
        int there = (int) Math.max(0, Math.min(length, memory.size() - address));
        if (there > 0) {
            System.arraycopy(memory.read(address, there), 0, to, at, there);
        }
    }

    private int inputStatus() {
        long inFrame = Math.floorMod(now.getAsLong(), LINES * LINE_NANOS);
        long line = inFrame / LINE_NANOS;
        boolean seen = line < SEEN_LINES && inFrame % LINE_NANOS < SEEN_NANOS;
        boolean retrace = line >= RETRACE_START && line < RETRACE_END;
        return (seen ? 0 : DISPLAY_DISABLED) | (retrace ? VERTICAL_RETRACE : 0);
    }

    @Override
    public synchronized State save() {
        return new State(IntStream.of(registers).boxed().toList(), index);
    }

    @Override
    public synchronized void restore(State state) {
        for (int i = 0; i < registers.length; i++) {
            registers[i] = state.registers.get(i);
        }
        index = state.index;
    }

    /** State of the controller. */
    public record State(List<Integer> registers, int index) {}
}
