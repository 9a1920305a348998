package dev.kvmguest.vmm.internal.boot.firmware;

import dev.kvmguest.vmm.internal.x86.InterruptTable;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;

/**
 * The firmware's code, 16-bit and the same wherever it lies, put together from instructions in hexadecimal with their
 * text beside them.
 *
 * <p>It begins with three bytes for each vector. The handlers of hardware interrupts follow; those share their vectors
 * with exceptions and look at the interrupt controller to tell which it is.
 *
 * <p>Each vector's offset is so chosen that its two bytes are no instruction. Who jumps to a null pointer finds the
 * vectors there; on other machines they execute as something, and what led there is forgotten before it faults.
 */
final class RomCode {

    /** The port by which a default handler tells the machine that nobody handles its interrupt. No device has it. */
    static final int PORT = 0xbe;

    /** The length of that OUT. */
    static final int TRAP_BYTES = 2;

    /** Where a processor begins after a reset, from the start of the page. */
    static final int RESET = 0xff0;

    private static final int VECTORS = InterruptTable.VECTORS;
    private static final int ENTRY_BYTES = 3;
    private static final int PARAGRAPH = 16;
    /** LOCK NOP; LES, MOV and LEA of what they don't take. The lowest digits are the places in a paragraph. */
    private static final int[] OFFSETS = {0x90f0, 0xc0c4, 0xc8c7, 0xc08d};

    /** Where a paragraph has the entries of its vectors. */
    private static final int[] PLACES = {0x0, 0x4, 0x7, 0xd};

    private static final int ENTRIES_END = PARAGRAPH * VECTORS / PLACES.length;
    private static final int LINES = 8;
    private static final int MASTER_VECTOR = 0x08;
    private static final int SLAVE_VECTOR = 0x70;
    /** The line whose interrupt a controller gives when there is none any more. */
    private static final int SPURIOUS = 7;
    /** Hooks for programs, called by firmware: Ctrl-Break, the timer's tick, the alarm. */
    private static final List<Integer> HOOKS = List.of(0x1b, 0x1c, 0x4a);

    private static final String TELL = "e6 be"; // out 0xbe, al
    private static final String IRET = "cf"; // iret

    /** Of a diskette of 1.44 MiB; IBM PC/AT Technical Reference, "Diskette Parameters". */
    private static final String DISKETTE = "af 02 25 02 12 1b ff 6c f6 0f 08";

    static final RomCode TABLE = new RomCode();

    /**
     * A place at which a handler tells that it handles nothing.
     *
     * @param offset of the OUT, from the start of the page
     * @param vector the handler's
     */
    record Trap(int offset, int vector) {}

    /** The code of a vector's handler beyond its entry, from an offset to the one after its last byte. */
    private record Handler(int vector, int start, int end) {}

    private final ByteArrayOutputStream handlers = new ByteArrayOutputStream();
    private final List<Trap> traps = new ArrayList<>();
    private final List<Handler> ranges = new ArrayList<>();
    private final int disketteParameters;
    private final byte[] code;

    private RomCode() {
        byte[] entries = new byte[ENTRIES_END];
        for (int vector = 0; vector < VECTORS; vector++) {
            System.arraycopy(entryCode(vector), 0, entries, entry(vector), ENTRY_BYTES);
        }
        disketteParameters = here();
        emit(DISKETTE);
        code = Arrays.copyOf(entries, here());
        System.arraycopy(handlers.toByteArray(), 0, code, ENTRIES_END, handlers.size());
    }

    /** Returns the offset of a vector's entry from the start of the page. */
    static int entry(int vector) {
        return PARAGRAPH * (vector / PLACES.length) + PLACES[vector % PLACES.length];
    }

    /** Returns the offset that a vector has in the interrupt vector table, whatever the segment for that is. */
    static int offset(int vector) {
        return OFFSETS[vector % OFFSETS.length];
    }

    private byte[] entryCode(int vector) {
        boolean master = vector >= MASTER_VECTOR && vector < MASTER_VECTOR + LINES;
        boolean slave = vector >= SLAVE_VECTOR && vector < SLAVE_VECTOR + LINES;
        if (master || slave) {
            int start = here();
            if (master) {
                master(vector);
            } else {
                slave(vector);
            }
            ranges.add(new Handler(vector, start, here()));
            // jmp start
            int distance = start - entry(vector) - ENTRY_BYTES;
            return bytes("e9 %02x %02x", distance & 0xff, distance >> 8);
        }
        if (HOOKS.contains(vector)) {
            // iret; nop; nop
            return bytes(IRET + "90 90");
        }
        traps.add(new Trap(entry(vector), vector));
        return bytes(TELL + IRET);
    }

    /** Handles a line of the master, which has the vectors of exceptions. */
    private void master(int vector) {
        int line = vector - MASTER_VECTOR;
        askInService(0x20, line);
        if (line == SPURIOUS) {
            skipIfInService(bytes(IRET));
        } else {
            tellIfNotInService(vector);
        }
        emit(line == 0 ? timer() : endOfInterrupt(""));
    }

    private void slave(int vector) {
        int line = vector - SLAVE_VECTOR;
        askInService(0xa0, line);
        if (line == SPURIOUS) {
            // The master has the slave's line in service nevertheless.
            skipIfInService(endOfInterrupt(""));
        } else {
            tellIfNotInService(vector);
        }
        // out 0xa0, al
        emit(endOfInterrupt("e6 a0"));
    }

    /** Leaves ZF set if a line of the controller at a port is not in service. */
    private void askInService(int port, int line) {
        emit("50"); // push ax
        emit("b0 0b"); // mov al, 0x0b: the next read gives the in-service register
        emit("e6 %02x", port); // out port, al
        emit("e4 %02x", port); // in al, port
        emit("a8 %02x", 1 << line); // test al, 1 << line
        emit("58"); // pop ax
    }

    private void skipIfInService(byte[] instructions) {
        emit("75 %02x", instructions.length); // jnz, beyond them
        emit(instructions);
    }

    /** What came without the interrupt controller is an exception, or INT n. */
    private void tellIfNotInService(int vector) {
        traps.add(new Trap(here() + 2, vector));
        skipIfInService(bytes(TELL + IRET));
    }

    private static byte[] endOfInterrupt(String slave) {
        return bytes(""
                + "50" // push ax
                + "b0 20" // mov al, 0x20: non-specific EOI
                + slave
                + "e6 20" // out 0x20, al
                + "58" // pop ax
                + IRET);
    }

    /** Counts the ticks since midnight, of which a day has 0x1800b0, and calls the programs' hook. */
    private static byte[] timer() {
        return bytes(""
                + "1e 50" // push ds; push ax
                + "b8 40 00 8e d8" // mov ax, 0x40; mov ds, ax
                + "66 ff 06 6c 00" // inc dword [0x6c]
                + "66 81 3e 6c 00 b0 00 18 00" // cmp dword [0x6c], 0x1800b0
                + "72 0d" // jb below
                + "66 c7 06 6c 00 00 00 00 00" // mov dword [0x6c], 0
                + "fe 06 70 00" // inc byte [0x70]: midnight has passed
                + "cd 1c" // below: int 0x1c
                + "b0 20 e6 20" // mov al, 0x20; out 0x20, al
                + "58 1f" // pop ax; pop ds
                + IRET);
    }

    /** Returns what is at {@link #RESET}, up to the end of the page. */
    static byte[] resetCode() {
        ByteArrayOutputStream end = new ByteArrayOutputStream();
        // mov al, 0xfe; out 0x64, al; hlt: the keyboard controller resets the machine.
        end.writeBytes(bytes("b0 fe e6 64 f4"));
        end.writeBytes("01/01/26".getBytes(StandardCharsets.US_ASCII));
        // One byte that nobody defines; the model of an AT; and another.
        end.writeBytes(bytes("00 fc 00"));
        return end.toByteArray();
    }

    /** Returns the code and what is after it, from the start of the page. */
    byte[] code() {
        return code;
    }

    /** Returns the {@link #TRAP_BYTES} at an offset. */
    byte[] bytes(int offset) {
        return Arrays.copyOfRange(code, offset, offset + TRAP_BYTES);
    }

    int disketteParameters() {
        return disketteParameters;
    }

    /** Returns the place of which this is the offset, or the offset of the instruction after it. */
    Optional<Trap> trap(int offset) {
        return traps.stream()
                .filter(trap -> trap.offset() == offset || trap.offset() + TRAP_BYTES == offset)
                .findFirst();
    }

    /** Returns whether an offset is one of a vector's entry or handler. */
    boolean isHandler(int vector, int offset) {
        boolean entry = offset >= entry(vector) && offset < entry(vector) + ENTRY_BYTES;
        return entry
                || ranges.stream()
                        .anyMatch(range -> range.vector == vector && offset >= range.start && offset < range.end);
    }

    private int here() {
        return ENTRIES_END + handlers.size();
    }

    private void emit(String hex, Object... values) {
        emit(bytes(hex, values));
    }

    private void emit(byte[] instructions) {
        handlers.writeBytes(instructions);
    }

    private static byte[] bytes(String hex, Object... values) {
        return HexFormat.of().parseHex(String.format(hex, values).replace(" ", ""));
    }
}
