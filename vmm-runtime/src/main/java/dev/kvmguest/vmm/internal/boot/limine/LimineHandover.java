package dev.kvmguest.vmm.internal.boot.limine;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EntryPoint;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.DescriptorTable;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.internal.boot.layout.E820Map;
import dev.kvmguest.vmm.internal.boot.layout.EntryRegisters;
import dev.kvmguest.vmm.internal.boot.layout.Firmware;
import dev.kvmguest.vmm.internal.boot.layout.Handover;
import dev.kvmguest.vmm.internal.boot.layout.LayoutPlan;
import dev.kvmguest.vmm.internal.boot.layout.LinearFramebuffer;
import dev.kvmguest.vmm.internal.boot.layout.PlacedGuest;
import dev.kvmguest.vmm.internal.boot.limine.LimineMemory.Entry;
import dev.kvmguest.vmm.internal.boot.limine.LimineMemory.Type;
import dev.kvmguest.vmm.internal.x86.AccessRights;
import dev.kvmguest.vmm.internal.x86.Cr0;
import dev.kvmguest.vmm.internal.x86.Cr4;
import dev.kvmguest.vmm.internal.x86.Efer;
import dev.kvmguest.vmm.internal.x86.PageEntry;
import dev.kvmguest.vmm.internal.x86.SegmentDescriptor;
import dev.kvmguest.vmm.memory.GuestMemory;
import dev.kvmguest.vmm.memory.MemoryLayout.Kind;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * A kernel as a loader of the Limine boot protocol hands over, on a PC with a BIOS and one processor.
 *
 * <p>Source: The Limine Boot Protocol, base revision 6, "Memory Layout at Entry" and "Machine State at Entry", x86-64.
 * What only base revision 5 and 6 promise of registers holds by each.
 */
public final class LimineHandover implements Handover {

    private static final int IA32_PAT = 0x277;
    /** WB, WT, UC-, UC, WP and WC, the first one lowest (Intel SDM volume 3A, 11.12.2). */
    private static final long MEMORY_TYPES = 0x0105_0007_0406L;

    /** What the layout calls the stack that the kernel is entered with. */
    public static final String STACK = "the stack from Limine";

    /** Where memory is mapped as a whole: the higher half direct map's offset with 4-level paging. */
    static final long HHDM = 0xffff_8000_0000_0000L;

    private static final int PAGE = LimineExecutable.PAGE;
    private static final long LEAST_STACK = 0x1_0000;

    private static final int CODE_64 = 0x28;
    private static final int DATA_64 = 0x30;
    private static final int READ_WRITE = AccessRights.PRESENT
            | AccessRights.CODE_OR_DATA
            | AccessRights.WRITABLE_OR_READABLE
            | AccessRights.ACCESSED;
    private static final int READ_EXECUTE = READ_WRITE | AccessRights.CODE;
    private static final int FLAT = AccessRights.GRANULARITY | AccessRights.BIG;
    /** Code and data of 16, 32 and 64 bits, from selector 0x08 on. */
    private static final int[] SEGMENTS = {
        READ_EXECUTE,
        READ_WRITE,
        READ_EXECUTE | FLAT,
        READ_WRITE | FLAT,
        READ_EXECUTE | AccessRights.GRANULARITY | AccessRights.LONG,
        READ_WRITE | FLAT
    };

    private static final int BUSY_TSS = AccessRights.PRESENT | 11;

    private final VcpuConfig config;
    private final LimineExecutable executable;
    private final LimineRequests requests;
    private final PlacedGuest guest;

    private final List<Entry> taken = new ArrayList<>();
    private Optional<LinearFramebuffer> framebuffer = Optional.empty();
    private LiminePageTables pageTables;
    private long pageTablesAddress;
    private long stackEnd;
    private long gdt;
    private LimineResponses responses;

    /**
     * Places a kernel.
     *
     * @throws IllegalArgumentException if it is none that Limine loads, or what it asks for can't be had
     */
    public LimineHandover(VcpuConfig config) {
        this.config = config;
        if (config.load().isPresent()) {
            throw new IllegalArgumentException("load " + hex(config.load().getAsLong()) + " can't be had for image "
                    + config.image().name() + ": where a kernel is in physical memory is for Limine to choose, and the"
                    + " kernel is told; leave load out");
        }
        executable = new LimineExecutable(config.image());
        requests = new LimineRequests(executable, config.image());
        requireFourLevels();
        long entry = entry();
        if (!executable.contains(entry)) {
            throw executable.refusal(
                    "has the entry " + hex(entry) + ", which is in no segment of it; name a function of"
                            + " it with ENTRY(...) in the linker script");
        }
        guest = new PlacedGuest(executable.placed(entry), BootMode.LIMINE, EntryPoint.linear(entry));
    }

    private long entry() {
        if (config.entry().isPresent()) {
            EntryPoint entry = config.entry().get();
            if (entry.segment().isPresent()) {
                throw new IllegalArgumentException(
                        "entry " + entry + " has a segment, which only real mode can use; boot " + config.boot()
                                + " takes a linear address");
            }
            return entry.offset();
        }
        OptionalLong requested = requests.of(LimineFeature.ENTRY_POINT).stream()
                .flatMapToLong(request -> requests.argument(request, 0).stream())
                .findFirst();
        return requested.orElse(executable.entry());
    }

    /** The preferred mode may be one that there isn't; the range that the kernel takes must have 4 levels. */
    private void requireFourLevels() {
        requests.of(LimineFeature.PAGING_MODE)
                .filter(request -> requests.revision(request) != 0)
                .ifPresent(request -> {
                    long most = requests.argument(request, 1).orElse(0);
                    long least = requests.argument(request, 2).orElse(0);
                    if (least != 0) {
                        throw executable.refusal("asks Limine for the paging mode " + Long.toUnsignedString(least)
                                + " to "
                                + Long.toUnsignedString(most) + ", and this machine has 4 levels, mode 0, only; set"
                                + " min_mode of its paging mode request to 0");
                    }
                });
    }

    @Override
    public PlacedGuest guest() {
        return guest;
    }

    /** Nothing has a usual place. */
    @Override
    public void takeTables(LayoutPlan plan) {}

    @Override
    public void takeInformation(LayoutPlan plan, Firmware firmware) {
        taken.add(new Entry(executable.physicalBase(), executable.physicalEnd(), Type.EXECUTABLE_AND_MODULES));
        framebuffer = requests.of(LimineFeature.FRAMEBUFFER)
                .map(request ->
                        LinearFramebuffer.take(plan, LinearFramebuffer.USUAL_WIDTH, LinearFramebuffer.USUAL_HEIGHT));
        if (framebuffer.isPresent() && framebuffer.get().address() < executable.physicalEnd()) {
            throw executable.refusal(
                    "reaches up to " + hex(executable.physicalEnd()) + " in physical memory, so that there"
                            + " is no room for a framebuffer after it; give the guest more memory");
        }
        Optional<List<LimineFile>> modules = LimineModules.of(
                executable, requests, config.modules(), plan.ram().size());
        List<LimineResponses.Placed> placed = new ArrayList<>();
        for (LimineFile file : modules.orElse(List.of())) {
            placed.add(new LimineResponses.Placed(file, take(plan, file, Type.EXECUTABLE_AND_MODULES)));
        }
        LimineFile file = new LimineFile("/" + executable.name(), config.commandLine(), executable.file());
        Optional<LimineResponses.Placed> kernel = requests.of(LimineFeature.EXECUTABLE_FILE)
                .map(request -> new LimineResponses.Placed(file, take(plan, file, Type.BOOTLOADER_RECLAIMABLE)));
        List<E820Map.Entry> ram = E820Map.of(plan, firmware);
        takePageTables(plan, ram);
        responses = new LimineResponses(
                executable,
                requests,
                new LimineResponses.Facts(
                        config.commandLine(), firmware.date(), framebuffer, kernel, modules.map(any -> placed)));
        // The map's own length isn't known before all of it is taken, and that it is in memory makes it no longer.
        int most = 3 * (ram.size() + taken.size() + 2);
        long size = responses.build(0, most(most)).length;
        gdt = take(plan, Kind.LOADER_TABLES, "Limine's GDT", PAGE);
        long block = take(plan, Kind.BOOT_INFORMATION, "what Limine tells the kernel", size);
        takeStack(plan);
        taken.sort(Comparator.comparingLong(Entry::start));
        responses.build(block, LimineMemory.map(ram, framebuffer, taken, requests.baseRevision()));
    }

    private static List<Entry> most(int count) {
        return Collections.nCopies(count, new Entry(0, 0, Type.USABLE));
    }

    private long take(LayoutPlan plan, LimineFile file, Type type) {
        long start = plan.place(
                Kind.BOOT_INFORMATION,
                "file " + file.path() + " for the kernel",
                file.pages(),
                PAGE,
                executable.physicalEnd());
        taken.add(new Entry(start, start + file.pages(), type));
        return start;
    }

    private long take(LayoutPlan plan, Kind kind, String name, long size) {
        long pages = size + PAGE - 1 & -PAGE;
        long start = plan.place(kind, name, pages, PAGE, executable.physicalEnd());
        taken.add(new Entry(start, start + pages, Type.BOOTLOADER_RECLAIMABLE));
        return start;
    }

    private void takePageTables(LayoutPlan plan, List<E820Map.Entry> ram) {
        pageTables = new LiminePageTables();
        for (LimineExecutable.Loaded segment : executable.segments()) {
            long start = segment.address() & -PAGE;
            long length = (segment.end() + PAGE - 1 & -PAGE) - start;
            pageTables.map(start, executable.physical(start), length, rights(segment.rights()));
        }
        // What of memory is taken doesn't matter here: it is mapped alike.
        LimineMemory.mapDirectly(
                pageTables,
                LimineMemory.map(ram, framebuffer, List.of(), requests.baseRevision()),
                requests.baseRevision(),
                PageEntry.WRITABLE);
        pageTablesAddress = take(plan, Kind.LOADER_TABLES, "Limine's page tables", pageTables.size());
    }

    private static long rights(int flags) {
        return ((flags & LimineExecutable.WRITE) != 0 ? PageEntry.WRITABLE : 0)
                | ((flags & LimineExecutable.EXECUTE) != 0 ? 0 : PageEntry.NO_EXECUTE);
    }

    private void takeStack(LayoutPlan plan) {
        long wanted = requests.of(LimineFeature.STACK_SIZE).stream()
                .flatMapToLong(request -> requests.argument(request, 0).stream())
                .findFirst()
                .orElse(0);
        if (Long.compareUnsigned(wanted, plan.ram().size()) > 0) {
            throw executable.refusal("asks Limine for a stack of " + Long.toUnsignedString(wanted)
                    + " bytes, and the guest has " + plan.ram().size() + " bytes of memory; ask for less, or give the"
                    + " guest more memory");
        }
        long size = Math.max(LEAST_STACK, wanted) + PAGE - 1 & -PAGE;
        stackEnd = take(plan, Kind.STACK, STACK, size) + size;
    }

    @Override
    public Optional<LinearFramebuffer> framebuffer() {
        return framebuffer;
    }

    @Override
    public void write(GuestMemory memory) {
        memory.write(pageTablesAddress, pageTables.at(pageTablesAddress));
        for (int i = 0; i < SEGMENTS.length; i++) {
            long limit = i < 2 ? 0xffff : 0xffff_ffffL;
            memory.writeLong(
                    gdt + (i + 1) * SegmentDescriptor.BYTES,
                    SegmentDescriptor.of(0, limit, SEGMENTS[i]).raw());
        }
        requests.tag().ifPresent(tag -> {
            memory.writeLong(executable.physical(tag + Long.BYTES), requests.baseRevision());
            if (requests.isSupported()) {
                memory.writeLong(executable.physical(tag + 2 * Long.BYTES), 0);
            }
        });
        responses.write(memory);
    }

    @Override
    public Map<Integer, Long> modelSpecificRegisters() {
        return Map.of(IA32_PAT, MEMORY_TYPES);
    }

    @Override
    public CpuState state() {
        SegmentState data = loaded(DATA_64);
        // Below the stack's end is the return address, which is 0.
        return EntryRegisters.fixed()
                .segment(SegmentRegister.CS, loaded(CODE_64))
                .segment(SegmentRegister.DS, data)
                .segment(SegmentRegister.ES, data)
                .segment(SegmentRegister.FS, data)
                .segment(SegmentRegister.GS, data)
                .segment(SegmentRegister.SS, data)
                .segment(SegmentRegister.TR, new SegmentState(0, 0, 0, BUSY_TSS))
                .set(Register.CR0, Cr0.PE | Cr0.ET | Cr0.WP | Cr0.PG)
                .set(Register.CR3, pageTablesAddress)
                .set(Register.CR4, Cr4.PAE)
                .set(Register.EFER, Efer.LME | Efer.LMA | Efer.NXE)
                .set(Register.RSP, HHDM + stackEnd - Long.BYTES)
                .set(Register.RIP, guest.entry().offset())
                .gdt(new DescriptorTable(HHDM + gdt, (SEGMENTS.length + 1) * SegmentDescriptor.BYTES - 1))
                .idt(new DescriptorTable(0, 0))
                .build();
    }

    private static SegmentState loaded(int selector) {
        return SegmentDescriptor.of(0, 0xffff_ffffL, SEGMENTS[selector / SegmentDescriptor.BYTES - 1])
                .loaded(selector);
    }
}
