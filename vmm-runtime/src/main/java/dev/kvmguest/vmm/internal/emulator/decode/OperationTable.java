package dev.kvmguest.vmm.internal.emulator.decode;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.UnsupportedInstruction;
import java.util.EnumMap;
import java.util.Map;
import java.util.function.Function;

/** Which operation executes which mnemonic. Each family puts its own in. */
public final class OperationTable {

    private final Map<Mnemonic, Operation> operations = new EnumMap<>(Mnemonic.class);

    private final Function<Instruction, Operation> fastPaths;

    /** Creates an empty table. */
    public OperationTable() {
        this(instruction -> null);
    }

    /**
     * Creates an empty table.
     *
     * @param fastPaths returns a faster operation for an instruction in one of its commonest forms, or null
     */
    public OperationTable(Function<Instruction, Operation> fastPaths) {
        this.fastPaths = fastPaths;
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

    /** Returns whether there is an operation for a mnemonic. */
    public boolean has(Mnemonic mnemonic) {
        return operations.containsKey(mnemonic);
    }

    /** Returns what an instruction does; one that isn't implemented throws {@link UnsupportedInstruction}. */
    Operation operation(Instruction instruction) {
        Operation operation = operations.get(instruction.mnemonic);
        if (operation == null) {
            return OperationTable::unsupported;
        }
        Operation fast = fastPaths.apply(instruction);
        return fast != null ? fast : operation;
    }

    private static void unsupported(Cpu cpu, Instruction instruction) {
        throw new UnsupportedInstruction("the emulator does not implement " + instruction.mnemonic.text());
    }
}
