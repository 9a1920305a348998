package dev.kvmguest.vmm.internal.emulator.exec;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.CpuFault;
import dev.kvmguest.vmm.internal.emulator.core.Ram;
import dev.kvmguest.vmm.internal.emulator.decode.Decoder;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Operand;
import dev.kvmguest.vmm.internal.emulator.decode.Trait;
import dev.kvmguest.vmm.internal.x86.CpuMode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The blocks that a vCPU has decoded, by the page of RAM that they came from. A write to such a page drops those blocks
 * that it touches. In front of it is a table by EIP.
 */
public final class CodeCache implements Ram.PageWatcher {

    private static final int PAGE_SHIFT = 12;
    private static final int PAGE_MASK = (1 << PAGE_SHIFT) - 1;
    private static final int TABLE_SIZE = 4096;
    /** What a fetch reads where nothing answers. */
    private static final int OPEN_BUS = 0xff;

    /** Instructions of a block, at most. */
    public static final int LONGEST_BLOCK = 32;
    /**
     * When so many instructions are kept, all are dropped: a guest that runs through all its RAM must not fill the
     * heap.
     */
    private static final int MOST_INSTRUCTIONS = 200_000;

    /** After these the next instruction may be elsewhere, or mean something else, or an interrupt may be due. */
    private static final Set<Mnemonic> BLOCK_ENDS = blockEnds();

    private final Cpu cpu;
    private final Ram ram;
    private final Decoder decoder;
    private final Block[] table = new Block[TABLE_SIZE];
    private final Map<Long, CodePage> pages = new HashMap<>();
    private final Fetch fetch = new Fetch();
    /** What is left of the places that are watched; none most of the time. */
    private Set<Long> unreached = Set.of();

    /** The linear address at which a block must not go on. */
    private long cut;

    private int kept;

    CodeCache(Cpu cpu, Ram ram, Decoder decoder) {
        this.cpu = cpu;
        this.ram = ram;
        this.decoder = decoder;
    }

    /**
     * Returns the block at EIP.
     *
     * @throws CpuFault if its first instruction can't be fetched
     */
    Block at(long eip) {
        Block block = table[(int) eip & TABLE_SIZE - 1];
        if (block != null && block.eip == eip && block.stamp == cpu.codeStamp) {
            return block;
        }
        return find(eip);
    }

    private Block find(long eip) {
        if (!unreached.isEmpty()) {
            unreached.remove(eip);
        }
        fetch.start(eip);
        CpuMode mode = cpu.mode();
        if (fetch.physical < 0) {
            return decode(eip, mode);
        }
        CodePage page = pages.computeIfAbsent(fetch.physical >> PAGE_SHIFT, CodePage::new);
        Block block = page.find(fetch.physical, eip, mode);
        if (block == null || !isStillThere(block)) {
            block = decode(eip, mode);
            keep(page, block);
        }
        block.stamp = cpu.codeStamp;
        table[(int) eip & TABLE_SIZE - 1] = block;
        return block;
    }

    /**
     * The bytes are those decoded, or the block would have been dropped; but limit and second page may have changed.
     */
    private boolean isStillThere(Block block) {
        return cpu.segments[Cpu.CS].contains(block.eip, block.length)
                && (block.secondPage < 0
                        || block.secondPage == cpu.memory.fetchPhysical(fetch.linear + block.length - 1 & ~PAGE_MASK));
    }

    private Block decode(long eip, CpuMode mode) {
        List<Instruction> instructions = new ArrayList<>();
        Instruction first = decoder.decode(fetch, eip, mode);
        instructions.add(first);
        long physical = fetch.physical;
        long secondPage = fetch.secondPage;
        if (physical >= 0 && secondPage < 0) {
            Instruction last = first;
            int offset = ((int) physical & PAGE_MASK) + first.length;
            while (!endsBlock(last)
                    && instructions.size() < LONGEST_BLOCK
                    && offset <= PAGE_MASK
                    && cpu.memory.linear(cpu.segments[Cpu.CS], last.nextEip) != cut) {
                // One that can't be fetched, or crosses into the next page, is left for when it is its turn.
                last = tryDecode(last.nextEip, mode);
                if (last == null) {
                    break;
                }
                instructions.add(last);
                offset += last.length;
            }
        }
        return new Block(instructions.toArray(Instruction[]::new), mode, physical, secondPage);
    }

    private Instruction tryDecode(long eip, CpuMode mode) {
        try {
            fetch.start(eip);
            Instruction instruction = decoder.decode(fetch, eip, mode);
            return fetch.secondPage < 0 ? instruction : null;
        } catch (CpuFault e) {
            return null;
        }
    }

    private void keep(CodePage page, Block block) {
        if (kept > MOST_INSTRUCTIONS) {
            clear();
            page = pages.computeIfAbsent(block.physical >> PAGE_SHIFT, CodePage::new);
        }
        kept += block.instructions();
        ram.markCode(block.physical);
        page.add(block);
        if (block.secondPage >= 0) {
            ram.markCode(block.secondPage);
            pages.computeIfAbsent(block.secondPage >> PAGE_SHIFT, CodePage::new).add(block);
        }
    }

    /** As {@link Emulator#watch} says. */
    void watch(Set<Long> places) {
        // A block that is in the table has been looked for before.
        Arrays.fill(table, null);
        unreached = new HashSet<>(places);
    }

    /** Returns those of the watched places at which no block has begun since. */
    Set<Long> unreached() {
        return Set.copyOf(unreached);
    }

    /** Returns the instruction at EIP as it is in memory now; empty if it can't be fetched. */
    Optional<Instruction> decode(long eip) {
        try {
            fetch.start(eip);
            return Optional.of(decoder.decode(fetch, eip, cpu.mode()));
        } catch (CpuFault e) {
            return Optional.empty();
        }
    }

    /** Returns the bytes of the instruction at EIP, as far as they can be fetched. */
    byte[] bytesAt(long eip) {
        try {
            fetch.start(eip);
            byte[] bytes = new byte[decoder.decode(fetch, eip, cpu.mode()).length];
            for (int i = 0; i < bytes.length; i++) {
                bytes[i] = (byte) fetch.get(i);
            }
            return bytes;
        } catch (CpuFault e) {
            return new byte[0];
        }
    }

    /** Has no block go on at a linear address from now on. */
    void cutAt(long linear) {
        cut = linear;
        clear();
    }

    /** Drops all blocks. */
    void clear() {
        pages.values().forEach(CodePage::dropAll);
        pages.clear();
        kept = 0;
    }

    @Override
    public void codeWritten(long physical, int length) {
        CodePage page = pages.get(physical >> PAGE_SHIFT);
        if (page != null && page.covers((int) physical & PAGE_MASK, length)) {
            kept -= page.drop((int) physical & PAGE_MASK, length);
            // The block that is being executed may be among them.
            cpu.requestAsyncEvent();
        }
    }

    @Override
    public void codeAppears(long physical) {
        cpu.memory.noticeWrites(physical);
    }

    @Override
    public void frameReplaced(long physical) {
        cpu.memory.forgetFrame(physical);
    }

    @Override
    public void changedByHost() {
        cpu.memoryChangedByHost();
    }

    private static boolean endsBlock(Instruction instruction) {
        return BLOCK_ENDS.contains(instruction.mnemonic)
                || (instruction.mnemonic == Mnemonic.POP || instruction.mnemonic == Mnemonic.MOV_SEGMENT)
                        && instruction.op0.kind == Operand.Kind.SEGMENT;
    }

    private static Set<Mnemonic> blockEnds() {
        Set<Mnemonic> ends = EnumSet.noneOf(Mnemonic.class);
        for (Trait trait : EnumSet.of(
                Trait.JUMP,
                Trait.CONDITIONAL_JUMP,
                Trait.CALL,
                Trait.RETURN,
                Trait.INTERRUPT_RETURN,
                Trait.INTERRUPT,
                Trait.UNDEFINED)) {
            ends.addAll(trait.mnemonics());
        }
        // Whether these end a block is for how blocks are executed, and no trait of theirs.
        ends.addAll(EnumSet.of(
                Mnemonic.INVALID,
                Mnemonic.TOO_LONG,
                Mnemonic.SYSENTER,
                Mnemonic.SYSEXIT,
                Mnemonic.SYSCALL,
                Mnemonic.SYSRET,
                Mnemonic.RSM,
                Mnemonic.HLT,
                Mnemonic.STI,
                Mnemonic.POPF,
                Mnemonic.POPFD,
                Mnemonic.POPFQ,
                Mnemonic.IN,
                Mnemonic.OUT,
                Mnemonic.LSS,
                Mnemonic.LMSW,
                Mnemonic.CLTS,
                Mnemonic.INVLPG,
                Mnemonic.LGDT,
                Mnemonic.LIDT,
                Mnemonic.LLDT,
                Mnemonic.LTR,
                Mnemonic.MOV_CONTROL,
                Mnemonic.MOV_DEBUG,
                Mnemonic.RDTSC,
                Mnemonic.RDTSCP,
                Mnemonic.RDRAND,
                Mnemonic.RDMSR,
                Mnemonic.WRMSR));
        return ends;
    }

    /** The bytes of the instruction that is being decoded, fetched as they are asked for. */
    private final class Fetch implements Decoder.Bytes {

        private long eip;
        private long linear;
        private long physical;
        private long secondPage;
        private boolean crossed;

        void start(long at) {
            eip = at;
            linear = cpu.memory.linear(cpu.segments[Cpu.CS], at);
            requireInLimit(0);
            physical = cpu.memory.fetchPhysical(linear);
            secondPage = -1;
            crossed = false;
        }

        @Override
        public int get(int index) {
            requireInLimit(index);
            int offset = ((int) linear & PAGE_MASK) + index;
            if (offset <= PAGE_MASK) {
                return physical < 0 ? OPEN_BUS : cpu.memory.byteAt(physical + index);
            }
            if (!crossed) {
                secondPage = cpu.memory.fetchPhysical(linear + index);
                crossed = true;
            }
            return secondPage < 0 ? OPEN_BUS : cpu.memory.byteAt(secondPage + offset - PAGE_MASK - 1);
        }

        /** An instruction never reaches over 4 GiB, unlike an access to data. */
        private void requireInLimit(int index) {
            if (eip + index > cpu.codeLimit()) {
                throw CpuFault.generalProtection();
            }
        }
    }
}
