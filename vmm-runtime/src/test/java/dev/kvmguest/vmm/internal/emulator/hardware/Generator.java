package dev.kvmguest.vmm.internal.emulator.hardware;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.decode.CodeReader;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Trait;
import dev.kvmguest.vmm.internal.x86.CpuMode;
import dev.kvmguest.vmm.internal.x86.Flag;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Predicate;

/** Makes random batches: each form of the opcode map, with all prefixes, operands and states. */
final class Generator {

    private static final int STEPS_OF_SEQUENCE = 16;
    /** Bytes that IRETQ pops. */
    private static final int FRAME = 5 * Long.BYTES;

    private static final byte NOP = (byte) 0x90;
    private static final byte INT3 = (byte) 0xcc;

    private static final int ARITHMETIC_FLAGS = 0x8d5;
    private static final int FIXED_AND_INTERRUPTS = 0x202;

    /** After these the next instruction is somewhere else, so that only TF stops the processor. */
    static final Set<Mnemonic> ELSEWHERE = elsewhere();

    private final Values values;
    private final List<OpcodeForm> forms;
    private final Window window;
    private final Targets targets;
    private final Predicate<Encoding> isWanted;

    /**
     * An encoded instruction.
     *
     * @param bytes the instruction, and more
     * @param instruction what the emulator's decoder makes of it
     */
    record Encoding(OpcodeForm form, byte[] bytes, Optional<Instruction> instruction) {}

    /**
     * Creates a generator.
     *
     * @param window the memory that instructions have; what it is for is also the code's size
     * @param hasLdt whether segments of the LDT can be loaded
     * @param isWanted says which encodings can be compared
     */
    Generator(long seed, Window window, boolean hasLdt, Predicate<Encoding> isWanted) {
        this.values = new Values(new SplittableRandom(seed), window, hasLdt);
        this.window = window;
        this.targets = new Targets(values);
        this.forms = OpcodeForm.all(window.is64());
        this.isWanted = isWanted;
    }

    private static Set<Mnemonic> elsewhere() {
        Set<Mnemonic> mnemonics = EnumSet.noneOf(Mnemonic.class);
        for (Trait trait : List.of(
                Trait.JUMP, Trait.CONDITIONAL_JUMP, Trait.CALL, Trait.RETURN, Trait.INTERRUPT_RETURN, Trait.FAR)) {
            mnemonics.addAll(trait.mnemonics());
        }
        return mnemonics;
    }

    /** Returns the next batch. */
    Batch batch() {
        byte[] memory = memory();
        List<Sequence> sequences = new ArrayList<>();
        for (int slot = 0; slot < Batch.STEPS; slot += STEPS_OF_SEQUENCE) {
            sequences.add(sequence(memory, slot));
        }
        return new Batch(memory, sequences);
    }

    /** Returns numbers in the first data page and the last, far pointers and frames of returns in the others. */
    private byte[] memory() {
        ByteBuffer memory = ByteBuffer.allocate(window.size()).order(ByteOrder.LITTLE_ENDIAN);
        Arrays.fill(memory.array(), 0, Window.CODE_SIZE, INT3);
        memory.position(Window.CODE_SIZE);
        while (memory.hasRemaining()) {
            boolean isFrames = memory.position() / Window.PAGE % 2 == 1;
            if (isFrames && window.is64() && values.chance(0.3) && memory.remaining() >= FRAME) {
                putFrame(memory);
            } else if (isFrames && values.chance(0.5)) {
                // As far pointers, of 32 bits or 16: offset, selector, and flags that may follow.
                memory.putInt(
                        values.chance(0.5) ? values.below(0x1_0000) : values.selector() << 16 | values.below(0x1_0000));
                memory.putInt(values.selector() | values.below(4) << 16);
            } else {
                memory.putLong(values.eightBytes());
            }
        }
        return memory.array();
    }

    /** Puts what IRETQ pops, the other returns less of it. */
    private void putFrame(ByteBuffer memory) {
        memory.putLong(values.chance(0.8) ? targets.linear() : values.word())
                .putLong(values.chance(0.5) ? Window.LINUX_CODE : values.selector())
                .putLong(values.below(0x1_0000) | values.below(4) << 16)
                .putLong(values.chance(0.8) ? targets.linear() : values.word())
                .putLong(values.chance(0.5) ? Window.LINUX_DATA : values.selector());
    }

    private Sequence sequence(byte[] memory, int firstSlot) {
        if (window.is64()) {
            return sequence(memory, firstSlot, CpuMode.LONG64, Window.LINUX_CODE, window.code());
        }
        boolean is16 = values.chance(0.35);
        Window.Descriptor code = is16 ? Window.CODE_16 : values.chance(0.8) ? Window.FLAT_CODE : Window.CODE_32;
        CpuMode mode = is16 ? CpuMode.PROTECTED16 : CpuMode.PROTECTED32;
        return sequence(memory, firstSlot, mode, code.selector(), code == Window.FLAT_CODE ? window.code() : 0);
    }

    private Sequence sequence(byte[] memory, int firstSlot, CpuMode mode, int code, long codeOffset) {
        ProcessorState start = new ProcessorState();
        values.setFpu(start);
        values.setSegments(start);
        start.selectors[Cpu.CS] = code;
        for (int i = 0; i < ProcessorState.generalOf(mode); i++) {
            start.general[i] = values.word();
        }
        List<Step> steps = new ArrayList<>();
        for (int i = 0; i < STEPS_OF_SEQUENCE; i++) {
            int offset = (firstSlot + i) * Step.SLOT;
            Step step = step(mode, start, codeOffset + offset);
            System.arraycopy(step.bytes(), 0, memory, offset, Step.SLOT);
            steps.add(step);
        }
        return new Sequence(mode, start, steps);
    }

    private Step step(CpuMode mode, ProcessorState start, long eip) {
        while (true) {
            InstructionBuilder builder = new InstructionBuilder(values, targets, mode, start, eip);
            OpcodeForm form = values.oneOf(forms);
            byte[] bytes = builder.encode(form);
            Optional<Instruction> instruction = CodeReader.decode(bytes, eip, mode);
            if (!isWanted.test(new Encoding(form, bytes, instruction))) {
                continue;
            }
            byte[] slot = new byte[Step.SLOT];
            Arrays.fill(slot, INT3);
            int length = instruction.map(decoded -> decoded.length).orElse(CodeReader.LONGEST);
            System.arraycopy(bytes, 0, slot, 0, length);
            slot[length] = NOP;
            boolean traced =
                    values.chance(0.6) || instruction.isEmpty() || ELSEWHERE.contains(instruction.get().mnemonic);
            instruction.ifPresent(builder::setRegisters);
            builder.setStackPointer();
            return new Step(
                    slot, instruction, eip, flags(traced), builder.replaced(), builder.general(), form.mnemonic());
        }
    }

    private int flags(boolean traced) {
        int flags = FIXED_AND_INTERRUPTS | (int) values.bits() & ARITHMETIC_FLAGS;
        flags |= traced ? Flag.TF : 0;
        flags |= values.chance(0.3) ? Flag.DF : 0;
        return flags | (values.chance(0.05) ? Flag.AC : 0);
    }
}
