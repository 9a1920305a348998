package dev.kvmguest.vmm.internal.inspection;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.internal.emulator.decode.CodeReader;
import dev.kvmguest.vmm.internal.x86.AddressPolicy;
import dev.kvmguest.vmm.internal.x86.Cr0;
import dev.kvmguest.vmm.internal.x86.Cr4;
import dev.kvmguest.vmm.internal.x86.Efer;
import dev.kvmguest.vmm.internal.x86.PagingMode;
import dev.kvmguest.vmm.memory.GuestMemory;
import dev.kvmguest.vmm.memory.RamMap;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;
import java.util.OptionalLong;

/** The memory of a guest that doesn't run, by linear addresses, through its page tables if paging is on. */
public final class LinearMemory {

    public static final int PAGE = PagingMode.PAGE;

    private static final long LOW_32 = 0xffff_ffffL;

    private final GuestMemory memory;
    private final CpuState registers;
    private final boolean paging;
    private final boolean checksReserved;
    private final PageTables tables;
    private final AddressPolicy addresses;

    // Most of what is asked for is next to what was asked for before.
    private long lastPage = -1;
    private OptionalLong lastFrame = OptionalLong.empty();

    /** Creates the view that these registers give of a guest's RAM. */
    public LinearMemory(GuestMemory memory, CpuState registers) {
        this(memory, registers, true);
    }

    private LinearMemory(GuestMemory memory, CpuState registers, boolean checksReserved) {
        this.checksReserved = checksReserved;
        this.memory = memory;
        this.registers = registers;
        this.paging = (registers.get(Register.CR0) & Cr0.PG) != 0;
        this.tables = new PageTables(memory, registers);
        // Tables of long mode may be anywhere, also where compatibility mode can't reach.
        this.addresses = registers.longMode() ? AddressPolicy.CANONICAL_48 : AddressPolicy.WRAP_32;
    }

    /** Returns the same memory as it would be seen through a page directory at another physical address. */
    public LinearMemory withDirectory(long physical) {
        return with(Register.CR3, physical);
    }

    /** Returns the same memory as it is seen with paging off. */
    public LinearMemory withoutPaging() {
        return with(Register.CR0, registers.get(Register.CR0) & ~Cr0.PG);
    }

    /** Returns the same memory as it would be seen with CR4.PSE set. */
    public LinearMemory withLargePages() {
        return with(Register.CR4, registers.get(Register.CR4) | Cr4.PSE);
    }

    /** Returns the same memory as it would be seen with CR4.PAE changed. */
    public LinearMemory withPaeChanged() {
        return with(Register.CR4, registers.get(Register.CR4) ^ Cr4.PAE);
    }

    /** Returns the same memory as it would be seen with paging on, and of another kind; pages of 4 MiB are on too. */
    public LinearMemory withPaging(PagingMode mode) {
        long ofLongMode = Efer.LME | Efer.LMA;
        long efer = registers.get(Register.EFER);
        long cr4 = registers.get(Register.CR4);
        CpuState changed = registers.with(state -> state.set(Register.CR0, registers.get(Register.CR0) | Cr0.PG)
                .set(Register.CR4, mode == PagingMode.BITS_32 ? cr4 & ~Cr4.PAE | Cr4.PSE : cr4 | Cr4.PAE)
                .set(Register.EFER, mode == PagingMode.LEVELS_4 ? efer | ofLongMode : efer & ~ofLongMode));
        return new LinearMemory(memory, changed, false);
    }

    /** Reserved bits don't count: walks as the registers are have set accessed bits where other tables reserve them. */
    private LinearMemory with(Register register, long value) {
        return new LinearMemory(memory, registers.with(state -> state.set(register, value)), false);
    }

    /** Returns whether CR4.PAE is set. */
    public boolean pae() {
        return (registers.get(Register.CR4) & Cr4.PAE) != 0;
    }

    /** Returns where RAM is. */
    public RamMap ram() {
        return memory.map();
    }

    /**
     * Returns the guest physical address, which need not be one of RAM; empty if the page is not present, or behind
     * reserved bits, or if the address is not canonical.
     */
    public OptionalLong physical(long linear) {
        long address = addresses.linear(linear);
        if (!addresses.accepts(address)) {
            return OptionalLong.empty();
        }
        if (!paging) {
            return OptionalLong.of(address);
        }
        long page = address & -PAGE;
        if (page != lastPage) {
            PageTables.Walk walk = tables.walk(page);
            lastFrame = checksReserved && walk.reserved().isPresent() ? OptionalLong.empty() : walk.physical();
            lastPage = page;
        }
        return lastFrame.isPresent() ? OptionalLong.of(lastFrame.getAsLong() | address & PAGE - 1) : lastFrame;
    }

    /** Returns how the page of a linear address is found; empty with paging off. */
    public Optional<PageTables.Walk> walk(long linear) {
        return paging ? Optional.of(tables.walk(addresses.linear(linear))) : Optional.empty();
    }

    /** Returns which entry keeps a linear address from being used by reserved bits, as a clause; empty if none does. */
    public Optional<String> reserved(long linear) {
        return walk(linear)
                .flatMap(PageTables.Walk::reserved)
                .filter(PageTables.Entry::isInRam)
                .map(entry ->
                        entry.name() + " at " + hex(entry.address()) + " has reserved bits " + hex(entry.reserved()));
    }

    /** Returns whether a linear address has a page, or needs none. */
    public boolean isMapped(long linear) {
        return physical(linear).isPresent();
    }

    /** Returns the physical address that CR3 has of the page directory, or of PAE's table of directories. */
    public long directory() {
        return tables.directory();
    }

    /** Returns whether no entry of {@link #directory()} is present. */
    public boolean directoryIsVoid() {
        return tables.directoryIsVoid();
    }

    /** Returns whether a linear address is one of RAM. */
    public boolean isRam(long linear) {
        OptionalLong physical = physical(linear);
        return physical.isPresent() && memory.map().contains(physical.getAsLong());
    }

    /** Returns bytes that start at a linear address; empty unless all of them are in RAM. */
    public Optional<byte[]> read(long linear, int length) {
        byte[] bytes = new byte[length];
        int done = 0;
        while (done < length) {
            OptionalLong physical = physical(linear + done);
            int part = (int) Math.min(length - done, PAGE - (linear + done & PAGE - 1));
            if (physical.isEmpty() || !memory.map().contains(physical.getAsLong(), part)) {
                return Optional.empty();
            }
            System.arraycopy(memory.read(physical.getAsLong(), part), 0, bytes, done, part);
            done += part;
        }
        return Optional.of(bytes);
    }

    /** Returns what an instruction at a linear address can consist of: 15 bytes, or as many as are in RAM. */
    public byte[] code(long linear) {
        int onThisPage = PAGE - (int) (linear & PAGE - 1);
        return read(linear, CodeReader.LONGEST)
                .or(() -> read(linear, Math.min(onThisPage, CodeReader.LONGEST)))
                .orElse(new byte[0]);
    }

    /** Returns the eight bytes at a linear address, little-endian; empty unless all of them are in RAM. */
    public OptionalLong readLong(long linear) {
        return read(linear, 8)
                .map(bytes -> OptionalLong.of(little(bytes).getLong()))
                .orElse(OptionalLong.empty());
    }

    /**
     * Returns the four bytes at a linear address, unsigned and little-endian; empty unless all of them are in RAM.
     */
    public OptionalLong readInt(long linear) {
        return read(linear, 4)
                .map(bytes -> OptionalLong.of(little(bytes).getInt() & LOW_32))
                .orElse(OptionalLong.empty());
    }

    private static ByteBuffer little(byte[] bytes) {
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }
}
