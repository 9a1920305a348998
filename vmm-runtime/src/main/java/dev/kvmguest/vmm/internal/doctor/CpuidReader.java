package dev.kvmguest.vmm.internal.doctor;

import dev.kvmguest.vmm.internal.x86.CpuidLeaf;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Executes CPUID on a host's processor. */
@FunctionalInterface
public interface CpuidReader {

    /** The leaf whose EBX, ECX and EDX are the hypervisor's signature, by a convention of all of them. */
    int HYPERVISOR = 0x4000_0000;

    /**
     * Executes it once.
     *
     * @param function EAX before the instruction
     * @param index ECX before it
     * @return EAX, EBX, ECX, EDX; empty if this host doesn't let the user do so
     */
    Optional<int[]> read(int function, int index);

    /** Returns the leaves of the processor and of its hypervisor, without what identifies a single processor. */
    default List<CpuidLeaf> leaves() {
        List<CpuidLeaf> leaves = new ArrayList<>();
        addRange(leaves, 0, 0x40);
        if (leaves.stream().anyMatch(leaf -> leaf.function() == 1 && leaf.ecx() < 0)) {
            addRange(leaves, HYPERVISOR, 0x20);
        }
        addRange(leaves, 0x8000_0000, 0x40);
        return leaves;
    }

    /** Adds the leaves from a first one, which says which is the last one. */
    private void addRange(List<CpuidLeaf> leaves, int first, int most) {
        Set<Integer> withSubleaves =
                Set.of(4, 7, 0xb, 0xd, 0xf, 0x10, 0x12, 0x14, 0x17, 0x18, 0x1f, 0x8000_001d, 0x8000_0026);
        long last = read(first, 0)
                .map(registers -> Integer.toUnsignedLong(registers[0]))
                .orElse(-1L);
        int count = (int) Math.min(Math.max(last - Integer.toUnsignedLong(first) + 1, 0), most);
        for (int function = first; function < first + count; function++) {
            boolean indexed = withSubleaves.contains(function);
            for (int index = 0; index < (indexed ? 64 : 1); index++) {
                Optional<CpuidLeaf> leaf = leaf(function, index, indexed);
                leaf.filter(found -> !found.isEmpty()).ifPresent(leaves::add);
                // Those of leaf 0xd are the numbers of state components, which have gaps.
                if (function != 0xd && leaf.map(CpuidLeaf::isEmpty).orElse(true)) {
                    break;
                }
            }
        }
    }

    private Optional<CpuidLeaf> leaf(int function, int index, boolean indexed) {
        return read(function, index)
                .map(registers ->
                        new CpuidLeaf(function, index, indexed, registers[0], registers[1], registers[2], registers[3]))
                .map(CpuidLeaf::withoutIdentity);
    }

    /** Returns the hypervisor's signature among leaves, such as {@code KVMKVMKVM}. */
    static Optional<String> hypervisor(List<CpuidLeaf> leaves) {
        return leaves.stream()
                .filter(leaf -> leaf.function() == HYPERVISOR)
                .findFirst()
                .map(leaf -> {
                    ByteBuffer signature = ByteBuffer.allocate(12).order(ByteOrder.LITTLE_ENDIAN);
                    signature.putInt(leaf.ebx()).putInt(leaf.ecx()).putInt(leaf.edx());
                    return new String(signature.array(), StandardCharsets.ISO_8859_1).replace("\0", "");
                });
    }
}
