package dev.kvmguest.vmm.internal.emulator.core;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.DescriptorTable;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.internal.emulator.exec.Emulator;
import dev.kvmguest.vmm.internal.engine.InterruptShadow;
import dev.kvmguest.vmm.internal.engine.XsaveArea;
import dev.kvmguest.vmm.internal.x86.AddressPolicy;
import dev.kvmguest.vmm.internal.x86.CpuMode;
import dev.kvmguest.vmm.internal.x86.Cr0;
import dev.kvmguest.vmm.internal.x86.Cr4;
import dev.kvmguest.vmm.internal.x86.Efer;
import dev.kvmguest.vmm.internal.x86.Flag;
import java.util.EnumMap;
import java.util.Map;

/**
 * A vCPU's state, and its units: what instructions work on. Its fields are public and final for their sake, they are in
 * every instruction's way.
 */
public final class Cpu {

    // Segment registers by number (Intel SDM volume 2, appendix B.1.4.3).
    public static final int ES = 0;
    public static final int CS = 1;
    public static final int SS = 2;
    public static final int DS = 3;
    public static final int FS = 4;
    public static final int GS = 5;

    /**
     * A processor of 100 million instructions a second: slower than the emulator, so that a guest doesn't wait for
     * itself.
     */
    private static final long NANOS_PER_INSTRUCTION = 10;

    /** Below the generation, {@link #codeStamp} has the mode, of which there are eight, and the privilege. */
    private static final int STAMP_SHIFT = 4;

    private static final Map<SegmentRegister, Integer> NUMBERS = new EnumMap<>(Map.of(
            SegmentRegister.ES, ES,
            SegmentRegister.CS, CS,
            SegmentRegister.SS, SS,
            SegmentRegister.DS, DS,
            SegmentRegister.FS, FS,
            SegmentRegister.GS, GS));

    public final Registers registers = new Registers();
    public final Eflags eflags = new Eflags();
    /** ES to GS, by number. */
    public final Segment[] segments = new Segment[GS + 1];

    public final Segment tr = new Segment();
    public final Segment ldtr = new Segment();
    public final FpuState fpu = new FpuState();
    public final DebugRegisters debug = new DebugRegisters();
    public final Memory memory;
    public final HostAccess host = new HostAccess(this);
    public final Segmentation segmentation = new Segmentation(this);
    public final ExceptionDelivery events = new ExceptionDelivery(this);
    public final MsrFile msrs = new MsrFile(this);

    /** The EIP of the next instruction, RIP in 64-bit mode, also while one is executed. */
    public long eip;

    public DescriptorTable gdtr = new DescriptorTable(0, 0xffff);
    public DescriptorTable idtr = new DescriptorTable(0, 0xffff);

    private long cr0 = Cr0.ET;
    private long cr2;
    private long cr3;
    private long cr4;
    private long efer;
    private long xcr0 = XsaveArea.X87;
    private int cpl;
    /** CR8, 0 to 15. */
    public long taskPriority;

    /** Instructions retired; while one is executed that ends its block, it is counted already. */
    public long retired;
    /** How often the guest has asked for what time decides: the time-stamp counter, random numbers and MSRs. */
    public long timeReads;
    /** Guest time that passed other than by instructions: halted, or at ports. */
    private long otherNanos;
    /** Set to have the block left after the instruction, and {@link Emulator} look what there is to do. */
    public boolean asyncEvent;
    /** Set to have the instruction executed again after the block was left for it. */
    public boolean restart;
    /** Set beside {@link #restart} when one repetition of a string instruction is complete. */
    public boolean repeated;

    /** Set by an instruction after which interrupts have to wait. */
    public InterruptShadow nextShadow = InterruptShadow.NONE;
    /** Set when what is entered now is not traced, though TF was set: an interrupt's handler. */
    public boolean trapCancelled;
    /** Set when the instruction is followed by a single-step trap, though TF was not set before it. */
    public boolean trapRequested;
    /** Changes with all that decoded blocks depend on beside memory: translations, CS, privilege. */
    public long codeStamp;

    /** Set by any thread, after one of the two below, so that one look is enough between blocks. */
    public volatile boolean interruptedOrMemoryChanged;
    /** Set by any thread to have the run end with {@code Interrupted}. */
    volatile boolean interrupted;
    /** Set by any thread when the host has written to code, or to a page that has another frame now. */
    public volatile boolean memoryChanged;

    private CpuFault faultAfter;
    private CpuMode mode = CpuMode.REAL16;
    private long stackMask = AddressPolicy.offsetMask(2);
    private long generation;
    private long stampedBase;
    private long stampedLimit;
    private long codeLimit;

    public Cpu(Ram ram) {
        for (int i = 0; i < segments.length; i++) {
            segments[i] = new Segment(i == FS || i == GS);
        }
        memory = new Memory(this, ram);
    }

    public long cr0() {
        return cr0;
    }

    public long cr2() {
        return cr2;
    }

    public long cr3() {
        return cr3;
    }

    public long cr4() {
        return cr4;
    }

    public long efer() {
        return efer;
    }

    /** Returns XCR0: the state components that XSAVE saves, bits of {@link XsaveArea}. */
    public long xcr0() {
        return xcr0;
    }

    /** Sets XCR0. What the manual forbids has been refused before. */
    public void setXcr0(long value) {
        xcr0 = value;
    }

    /**
     * Sets CR0, and EFER.LMA if paging is turned on or off with EFER.LME set. What the manual forbids has been refused
     * before.
     */
    public void setCr0(long value) {
        long changed = cr0 ^ value;
        cr0 = value;
        if ((changed & Cr0.PG) != 0 && (efer & Efer.LME) != 0) {
            efer ^= Efer.LMA;
        }
        if ((changed & (Cr0.PG | Cr0.WP | Cr0.PE)) != 0) {
            flushTranslations();
        }
    }

    public void setCr2(long value) {
        cr2 = value;
    }

    /** Sets CR3 and forgets translations. */
    public void setCr3(long value) {
        cr3 = value;
        flushTranslations();
    }

    /** Sets CR4. What the manual forbids has been refused before. */
    public void setCr4(long value) {
        long changed = cr4 ^ value;
        cr4 = value;
        if ((changed & (Cr4.PSE | Cr4.PAE | Cr4.PGE | Cr4.SMEP | Cr4.SMAP)) != 0) {
            flushTranslations();
        }
    }

    public void setEfer(long value) {
        efer = value;
        flushTranslations();
    }

    /** Forgets the translations of one page. */
    public void invalidatePage(long linear) {
        memory.invalidatePage(linear);
        newGeneration();
    }

    private void flushTranslations() {
        memory.flush();
        newGeneration();
    }

    private void newGeneration() {
        generation++;
        updateCodeStamp();
    }

    /**
     * To be called when CR0.PE, EFER.LMA, EFLAGS.VM, CS or the privilege level has changed, or decoded code is to be
     * looked for again.
     */
    private void updateCodeStamp() {
        CpuMode now = currentMode();
        if (now != mode) {
            mode = now;
            memory.setAddresses(now);
            for (Segment segment : segments) {
                segment.update(now);
            }
            codeLimit = now.is64() ? Long.MAX_VALUE : segments[CS].limit();
            updateStackMask();
        }
        codeStamp = generation << STAMP_SHIFT | mode.ordinal() << 1 | (isUser() ? 1 : 0);
    }

    private CpuMode currentMode() {
        Segment code = segments[CS];
        if (isLongMode()) {
            return CpuMode.ofLongMode(code.isLong(), code.default32());
        }
        return isVirtual8086() ? CpuMode.VIRTUAL8086 : CpuMode.of(isProtected(), code.default32());
    }

    /** Returns the mode that code is executed in. */
    public CpuMode mode() {
        return mode;
    }

    /** Returns whether CR0.PE is set. */
    public boolean isProtected() {
        return (cr0 & Cr0.PE) != 0;
    }

    /** Returns whether code is that of an 8086 in a protected mode's ring 3: EFLAGS.VM is set. */
    public boolean isVirtual8086() {
        return eflags.has(Flag.VM) && isProtected();
    }

    /** Returns whether selectors are those of descriptors: in protected mode, but not in virtual-8086 mode. */
    public boolean usesDescriptors() {
        return isProtected() && !eflags.has(Flag.VM);
    }

    /** Returns whether long mode is active: EFER.LMA is set. */
    public boolean isLongMode() {
        return (efer & Efer.LMA) != 0;
    }

    /** Returns whether accesses with supervisor rights to pages of ring 3 are #PF (volume 3A, 4.6.1). */
    boolean forbidsUserPages() {
        return (cr4 & Cr4.SMAP) != 0 && (isUser() || !eflags.has(Flag.AC));
    }

    /** Returns whether CR0.PG is set. */
    public boolean isPaging() {
        return (cr0 & Cr0.PG) != 0;
    }

    /** Returns whether page tables can forbid execution, which only those of PAE and 4-level paging have a bit for. */
    public boolean noExecute() {
        return (efer & Efer.NXE) != 0 && (cr4 & Cr4.PAE) != 0;
    }

    /** Returns the current privilege level, 0 to 3; 0 in real mode. */
    public int cpl() {
        return cpl;
    }

    /** Returns whether memory is accessed with user rights: the privilege level is 3. */
    public boolean isUser() {
        return cpl == 3;
    }

    /** Sets the current privilege level. Done by whatever loads CS. */
    public void setCpl(int level) {
        cpl = level;
        memory.setUser(isUser());
        updateCodeStamp();
    }

    /** Returns whether an unaligned access with user rights is #AC. */
    public boolean checksAlignment() {
        return isUser() && (cr0 & Cr0.AM) != 0 && eflags.has(Flag.AC);
    }

    /** Loads a segment register and its descriptor cache, without any check. */
    public void loadSegment(int segment, SegmentState state) {
        segments[segment].load(state, mode);
        if (segment == CS) {
            codeSegmentLoaded();
        } else if (segment == SS) {
            updateStackMask();
        }
    }

    /** Sets the base of FS or GS alone, as MSRs and WRFSBASE do. */
    public void setSegmentBase(int segment, long base) {
        segments[segment].setBase(base, mode);
    }

    /** Loads a segment register as real mode does: only selector and base change. */
    public void loadRealSegment(int segment, int selector) {
        segments[segment].loadReal(selector);
        if (segment == CS) {
            codeSegmentLoaded();
        }
    }

    private void codeSegmentLoaded() {
        Segment cs = segments[CS];
        if (cs.cachedBase() != stampedBase || cs.limit() != stampedLimit) {
            stampedBase = cs.cachedBase();
            stampedLimit = cs.limit();
            generation++;
        }
        updateCodeStamp();
        codeLimit = mode.is64() ? Long.MAX_VALUE : stampedLimit;
    }

    /**
     * Returns the limit of CS: no jump goes beyond it. In 64-bit mode there is none, and a target need only be
     * canonical.
     */
    public long codeLimit() {
        return codeLimit;
    }

    /** Returns the bytes by which the stack pointer counts: 8 in 64-bit mode, else 4 if SS.B is set, else 2. */
    public int stackAddressSize() {
        return mode.stackAddressSize(segments[SS].default32());
    }

    /** Returns the bits of the stack pointer that count: all of RSP in 64-bit mode, of ESP if SS.B is set, else SP. */
    public long stackMask() {
        return stackMask;
    }

    private void updateStackMask() {
        stackMask = AddressPolicy.offsetMask(stackAddressSize());
    }

    /** Has the block left after this instruction, so that something can be looked after. */
    public void requestAsyncEvent() {
        asyncEvent = true;
    }

    /** Has this instruction executed again, from the start, after the host had its turn. */
    public void restart() {
        restart = true;
        asyncEvent = true;
    }

    /**
     * Has a repeated instruction go on later with its next repetition: one is complete, and what is due comes first.
     */
    public void repeat() {
        repeated = true;
        restart();
    }

    /** Holds interrupts off until the next instruction is over. */
    public void shadow(InterruptShadow shadow) {
        nextShadow = shadow;
        asyncEvent = true;
    }

    /** To be called by whatever changes EFLAGS.TF, IF or RF. */
    public void controlFlagsChanged() {
        asyncEvent = true;
    }

    /** Notes, on any thread, that code in RAM is no longer what was decoded, or a page no longer where it was. */
    public void memoryChangedByHost() {
        memoryChanged = true;
        interruptedOrMemoryChanged = true;
    }

    /** Has the run end, on any thread. */
    public void interrupt() {
        interrupted = true;
        interruptedOrMemoryChanged = true;
    }

    /** Returns whether the run has to end, and forgets it. */
    public boolean takeInterrupt() {
        boolean taken = interrupted;
        interrupted = false;
        return taken;
    }

    /** Returns whether a repeated instruction is to pause after an iteration, because the host wants something. */
    public boolean mustPause() {
        return asyncEvent || interruptedOrMemoryChanged;
    }

    /** Drops the single-step trap that TF would have caused after this instruction: it has entered a handler. */
    public void cancelTrap() {
        trapCancelled = true;
        asyncEvent = true;
    }

    /** Has TF as it is now, and not as it was before, decide on the trap after this instruction: SYSCALL and SYSRET. */
    public void traceByNewFlags() {
        trapRequested = eflags.has(Flag.TF);
        trapCancelled = !trapRequested;
        asyncEvent = true;
    }

    /** Raises an exception once the instruction is complete; what keeps it from that is thrown instead. */
    public void raiseAfter(CpuFault fault) {
        faultAfter = fault;
        asyncEvent = true;
    }

    /** Returns what {@link #raiseAfter} was given, and forgets it; null if nothing. */
    public CpuFault takeFaultAfter() {
        CpuFault taken = faultAfter;
        faultAfter = null;
        return taken;
    }

    /** Returns the number of instructions retired, the current one included if it ends its block (RDTSC does). */
    public long retired() {
        return retired;
    }

    /**
     * Returns the guest's time in nanoseconds: {@value #NANOS_PER_INSTRUCTION} a retired instruction,
     * {@value HostAccess#NANOS_PER_PORT_ACCESS} a port access, and what passed halted.
     */
    public long time() {
        return retired * NANOS_PER_INSTRUCTION + otherNanos;
    }

    /** Lets time pass without instructions. */
    public void advance(long nanos) {
        otherNanos += nanos;
    }

    /** Sets how many instructions have been retired, and the guest's time, in nanoseconds. */
    public void restoreTime(long instructions, long time) {
        retired = instructions;
        otherNanos = time - instructions * NANOS_PER_INSTRUCTION;
    }

    /** Returns the number of retired instructions at which, if the vCPU doesn't halt, a time has come. */
    public long retiredAt(long time) {
        long nanos = time - otherNanos;
        return nanos <= 0 ? 0 : (nanos - 1) / NANOS_PER_INSTRUCTION + 1;
    }

    /** Returns one register as the runtime shows it. */
    public long register(Register register) {
        int number = Register.byNumber().indexOf(register);
        if (number >= 0) {
            return registers.gpr[number];
        }
        return switch (register) {
            case RIP -> eip;
            case RFLAGS -> eflags.get();
            case CR0 -> cr0;
            case CR2 -> cr2;
            case CR3 -> cr3;
            case CR4 -> cr4;
            case EFER -> efer;
            default -> throw new IllegalArgumentException(register.toString());
        };
    }

    /** Returns the registers as the runtime shows them. */
    public CpuState state() {
        return new RegisterCopy(this).state();
    }

    /** Returns the linear address of the top of the stack. */
    public long stackTop() {
        return memory.linear(segments[SS], registers.gpr[Registers.RSP] & stackMask);
    }

    /** Sets the registers. */
    public void setState(CpuState state) {
        for (int i = 0; i < Registers.NONE; i++) {
            registers.gpr[i] = state.get(Register.byNumber().get(i));
        }
        eip = state.get(Register.RIP);
        eflags.set((int) state.get(Register.RFLAGS));
        cr0 = state.get(Register.CR0);
        cr2 = state.get(Register.CR2);
        cr3 = state.get(Register.CR3);
        cr4 = state.get(Register.CR4);
        efer = state.get(Register.EFER);
        NUMBERS.forEach((register, number) -> segments[number].load(state.segment(register), mode));
        tr.load(state.segment(SegmentRegister.TR), mode);
        ldtr.load(state.segment(SegmentRegister.LDTR), mode);
        gdtr = state.gdt();
        idtr = state.idt();
        if (isPaging() && (cr4 & Cr4.PAE) != 0) {
            memory.loadPageDirectoryPointers(cr3);
        }
        flushTranslations();
        codeSegmentLoaded();
        updateStackMask();
        // The stack's descriptor privilege level is the current one (volume 3A, 5.5).
        setCpl(isVirtual8086() ? Virtual8086.LEVEL : isProtected() ? segments[SS].dpl() : 0);
        asyncEvent = true;
    }
}
