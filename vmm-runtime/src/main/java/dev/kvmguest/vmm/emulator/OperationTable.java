package dev.kvmguest.vmm.emulator;

import java.util.EnumMap;
import java.util.Map;

/** Which operation executes which mnemonic. Each family puts its own in. */
public final class OperationTable {

    private final Map<Mnemonic, Operation> operations = new EnumMap<>(Mnemonic.class);

    private final boolean quickForms;

    /** Creates an empty table; the commonest forms of what is put into it are done by {@link QuickForms}. */
    public OperationTable() {
        this(true);
    }

    /**
     * Creates an empty table.
     *
     * @param quickForms whether the commonest forms are done by {@link QuickForms}
     */
    public OperationTable(boolean quickForms) {
        this.quickForms = quickForms;
    }

    /**
     * Sets the operation of a mnemonic.
     *
     * @throws IllegalStateException if it has one
     */
    public OperationTable put(Mnemonic mnemonic, Operation operation) {
        if (operations.put(mnemonic, operation) != null) {
            throw new IllegalStateException(mnemonic + " has two operations");
        }
        return this;
    }

    /** Says whether there is an operation for a mnemonic. */
    public boolean has(Mnemonic mnemonic) {
        return operations.containsKey(mnemonic);
    }

    /** Returns what an instruction does; one that isn't implemented throws {@link UnsupportedInstruction}. */
    Operation operation(Instruction instruction) {
        Operation operation = operations.get(instruction.mnemonic);
        if (operation == null) {
            return OperationTable::unsupported;
        }
        Operation quick = quickForms ? QuickForms.of(instruction) : null;
        return quick != null ? quick : operation;
    }

    private static void unsupported(Cpu cpu, Instruction instruction) {
        throw new UnsupportedInstruction("the emulator does not implement " + instruction.mnemonic.text());
    }
}
