package dev.kvmguest.vmm.faults;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.DescriptorTable;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.internal.engine.VcpuState;
import dev.kvmguest.vmm.internal.engine.VirtualCpu;
import dev.kvmguest.vmm.internal.engine.VmExit;
import dev.kvmguest.vmm.memory.GuestMemory;
import java.util.HexFormat;
import java.util.Locale;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a line starts from: memory and registers, ready for any engine.
 *
 * <p>Setup is words, the first of them the start ({@link GuestWorld#start}). {@code eax=5}, {@code efl+TF},
 * {@code cr0-NE} change registers, {@code ds=ro0} a segment register as if loaded, {@code m32[data+4]=1} memory,
 * {@code bytes[data]=cc90} too, {@code gate6=np} the IDT, {@code page[userRw]=0} a page-table entry,
 * {@code gdtLimit=0x17} a descriptor-table register, and {@code codeAt=data} where in memory the code goes if paging has
 * EIP elsewhere. {@code msr[STAR]=5} is a model-specific register, and {@code fsbase=0x1000} the base of FS or GS alone.
 */
final class Scenario {

    private static final Pattern CHANGE = Pattern.compile("(\\w+)(?:\\[(.+)])?([=+-])(.+)");
    private static final byte HLT = (byte) 0xf4;
    /** More exits than any line needs. */
    private static final int MOST_EXITS = 100;

    final GuestWorld world;
    final GuestMemory memory;
    final FaultLine line;
    /** The data at the start. */
    final byte[] dataBefore;

    private final SortedMap<Integer, Long> msrs = new TreeMap<>();
    private CpuState state;
    /** Where the code goes, if EIP's page is mapped elsewhere; else -1. */
    private long codePlace = -1;

    Scenario(FaultLine line, GuestMemory memory) {
        this.line = line;
        this.memory = memory;
        world = GuestWorld.of(line.setup()[0], memory);
        state = world.start(line.setup()[0]);
        for (int i = 1; i < line.setup().length; i++) {
            change(line.setup()[i]);
        }
        long place = codePlace >= 0 ? codePlace : state.instructionAddress();
        memory.write(place, line.code());
        memory.writeByte(place + line.code().length, HLT);
        dataBefore = memory.read(GuestWorld.DATA, GuestWorld.DATA_SIZE);
    }

    private void change(String word) {
        Matcher matcher = CHANGE.matcher(word);
        if (!matcher.matches()) {
            throw new IllegalArgumentException(word + " is no setup");
        }
        String what = matcher.group(1);
        String text = matcher.group(4);
        if (what.startsWith("gate")) {
            world.gate(Integer.parseInt(what.substring(4)), text);
            return;
        }
        if (what.equals("bytes")) {
            memory.write(world.names.evaluate(matcher.group(2)), HexFormat.of().parseHex(text));
            return;
        }
        long value = world.names.evaluate(text);
        if (matcher.group(2) != null) {
            poke(what, world.names.evaluate(matcher.group(2)), value);
            return;
        }
        switch (what) {
            case "codeAt" -> codePlace = value;
            case "gdtLimit" ->
                set(builder -> builder.gdt(new DescriptorTable(state.gdt().base(), (int) value)));
            case "gdtBase" ->
                set(builder ->
                        builder.gdt(new DescriptorTable(value, state.gdt().limit())));
            case "idtLimit" ->
                set(builder -> builder.idt(new DescriptorTable(state.idt().base(), (int) value)));
            case "idtBase" ->
                set(builder ->
                        builder.idt(new DescriptorTable(value, state.idt().limit())));
            case "cs", "ss", "ds", "es", "fs", "gs", "tr", "ldtr" -> segment(what, (int) value);
            case "fsbase" -> base(SegmentRegister.FS, value);
            case "gsbase" -> base(SegmentRegister.GS, value);
            default -> {
                Register register = register(what);
                long old = state.get(register);
                long changed =
                        switch (matcher.group(3)) {
                            case "+" -> old | value;
                            case "-" -> old & ~value;
                            default -> value;
                        };
                set(builder -> builder.set(register, state.longMode() ? changed : changed & 0xffff_ffffL));
            }
        }
    }

    private void segment(String name, int selector) {
        SegmentState segment = line.setup()[0].equals("real") ? SegmentState.real(selector) : world.segment(selector);
        set(builder -> builder.segment(SegmentRegister.valueOf(name.toUpperCase(Locale.ROOT)), segment));
    }

    private void base(SegmentRegister register, long base) {
        SegmentState old = state.segment(register);
        set(builder ->
                builder.segment(register, new SegmentState(old.selector(), base, old.limit(), old.accessRights())));
    }

    private void set(UnaryOperator<CpuState.Builder> change) {
        state = state.with(change);
    }

    private void poke(String width, long address, long value) {
        switch (width) {
            case "m8" -> memory.writeByte(address, (int) value);
            case "m16" -> memory.writeShort(address, (int) value);
            case "m32" -> memory.writeInt(address, (int) value);
            case "m64" -> memory.writeLong(address, value);
            case "page" -> world.page(address, value);
            case "msr" -> msrs.put((int) address, value);
            default -> throw new IllegalArgumentException(width + " is no width");
        }
    }

    /**
     * Returns the register with this name: {@code eax} to {@code edi} or {@code rax} to {@code r15}, {@code eip}, {@code
     * efl}, {@code cr0} ...
     */
    static Register register(String name) {
        return switch (name) {
            case "efl" -> Register.RFLAGS;
            case "cr0", "cr2", "cr3", "cr4", "efer" -> Register.valueOf(name.toUpperCase(Locale.ROOT));
            default -> Register.valueOf("R" + name.substring(1).toUpperCase(Locale.ROOT));
        };
    }

    /** Returns the registers at the start. */
    CpuState state() {
        return state;
    }

    /** Runs until something other than a port is wanted; ports read as ones. */
    VmExit run(VirtualCpu vcpu) {
        return run(vcpu, state);
    }

    /** The same from a state that an engine takes for this scenario's. */
    VmExit run(VirtualCpu vcpu, CpuState start) {
        vcpu.setState(start);
        if (!msrs.isEmpty()) {
            vcpu.restore(withMsrs(vcpu.save()));
        }
        VmExit exit = vcpu.run();
        for (int i = 0; i < MOST_EXITS && (exit instanceof VmExit.PortOut || exit instanceof VmExit.PortIn); i++) {
            if (exit instanceof VmExit.PortIn in) {
                for (int k = in.data().position(); k < in.data().limit(); k++) {
                    in.data().put(k, (byte) 0xff);
                }
            }
            exit = vcpu.run();
        }
        return exit;
    }

    /** Returns what was saved with the line's model-specific registers. */
    private VcpuState withMsrs(VcpuState saved) {
        SortedMap<Integer, Long> all = new TreeMap<>(saved.msrs());
        all.putAll(msrs);
        return new VcpuState(
                saved.registers(),
                saved.pageDirectoryPointers(),
                saved.fpu(),
                saved.xcr0(),
                saved.taskPriority(),
                all,
                saved.debugRegisters(),
                saved.events(),
                saved.progress(),
                saved.activity(),
                saved.time(),
                saved.instructions());
    }
}
