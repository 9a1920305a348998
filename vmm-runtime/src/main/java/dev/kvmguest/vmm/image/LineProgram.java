package dev.kvmguest.vmm.image;

import dev.kvmguest.vmm.image.DwarfCursor.DamagedException;
import java.util.ArrayList;
import java.util.List;

/**
 * Runs the line number program of one unit.
 *
 * <p>Source: DWARF Debugging Information Format, version 5, 6.2.2, "State Machine Registers", and 6.2.5, "The Line
 * Number Program".
 */
final class LineProgram {

    private static final int DW_LNS_COPY = 1;
    private static final int DW_LNS_ADVANCE_PC = 2;
    private static final int DW_LNS_ADVANCE_LINE = 3;
    private static final int DW_LNS_SET_FILE = 4;
    private static final int DW_LNS_CONST_ADD_PC = 8;
    private static final int DW_LNS_FIXED_ADVANCE_PC = 9;

    private static final int DW_LNE_END_SEQUENCE = 1;
    private static final int DW_LNE_SET_ADDRESS = 2;
    private static final int DW_LNE_DEFINE_FILE = 3;

    /** The end of 32-bit addresses, and the longest step. */
    private static final long ADDRESS_SPACE = 1L << 32;

    private static final int LAST_OPCODE = 255;

    private final LineHeader header;
    private final DwarfCursor program;
    private final boolean is64;
    private final List<LineSequence> sequences = new ArrayList<>();
    private final LineSequence.Builder rows = new LineSequence.Builder();
    private int rowsLeft;

    private long address;
    private int file = 1;
    private int line = 1;

    /**
     * Creates the program.
     *
     * @param program what follows the header, to the unit's end
     * @param is64 whether addresses have 64 bits
     * @param mostRows how many rows it may write
     */
    LineProgram(LineHeader header, DwarfCursor program, boolean is64, int mostRows) {
        this.header = header;
        this.is64 = is64;
        this.program = program;
        this.rowsLeft = mostRows;
    }

    /**
     * Runs the program and returns its finished sequences.
     *
     * @throws DamagedException if it makes no sense or writes too many rows
     */
    List<LineSequence> run() {
        while (program.remaining() > 0) {
            int opcode = program.u8();
            if (opcode >= header.opcodeBase) {
                int adjusted = opcode - header.opcodeBase;
                advance(adjusted / header.lineRange);
                line += header.lineBase + adjusted % header.lineRange;
                addRow();
            } else if (opcode == 0) {
                runExtended(program.part(program.uleb()));
            } else {
                runStandard(opcode);
            }
        }
        return sequences;
    }

    /** Returns how many rows it may still write. */
    int rowsLeft() {
        return rowsLeft;
    }

    private void runStandard(int opcode) {
        switch (opcode) {
            case DW_LNS_COPY -> addRow();
            case DW_LNS_ADVANCE_PC -> advance(program.uleb());
            case DW_LNS_ADVANCE_LINE -> line += (int) program.sleb();
            case DW_LNS_SET_FILE -> file = (int) Math.min(program.uleb(), Integer.MAX_VALUE);
            case DW_LNS_CONST_ADD_PC -> advance((LAST_OPCODE - header.opcodeBase) / header.lineRange);
            case DW_LNS_FIXED_ADVANCE_PC -> moveTo(address + program.u16());
            default -> {
                // Columns, statements, blocks, prologues, instruction sets, and whatever may come to be.
                for (int i = 0; i < header.operandCount(opcode); i++) {
                    program.uleb();
                }
            }
        }
    }

    private void runExtended(DwarfCursor operation) {
        switch (operation.u8()) {
            case DW_LNE_END_SEQUENCE -> endSequence();
            case DW_LNE_SET_ADDRESS -> moveTo(operation.address());
            case DW_LNE_DEFINE_FILE -> header.defineFile(operation);
            default -> {
                // Discriminators and vendors' operations say nothing of lines; part() has read past them.
            }
        }
    }

    private void advance(long steps) {
        if (steps > ADDRESS_SPACE) {
            throw new DamagedException("a step of " + steps);
        }
        moveTo(address + steps * header.minimumInstructionLength);
    }

    private void moveTo(long target) {
        if (!is64 && (target < 0 || target > ADDRESS_SPACE)) {
            throw new DamagedException("an address beyond 4 GiB");
        }
        address = target;
    }

    private void addRow() {
        if (rowsLeft-- == 0) {
            throw new DamagedException("too many rows");
        }
        rows.add(address, file, line);
    }

    private void endSequence() {
        rows.build(header, address).ifPresent(sequences::add);
        address = 0;
        file = 1;
        line = 1;
    }
}
