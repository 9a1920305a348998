package dev.kvmguest.vmm.internal.kvm;

import dev.kvmguest.vmm.internal.engine.PooledTemplate;
import dev.kvmguest.vmm.internal.engine.SavedRam;
import dev.kvmguest.vmm.internal.kvm.abi.Libc;
import dev.kvmguest.vmm.internal.kvm.abi.NativeBuffer;
import dev.kvmguest.vmm.memory.GuestMemory;
import dev.kvmguest.vmm.memory.GuestMemory.Page;
import dev.kvmguest.vmm.memory.RamMap;
import dev.kvmguest.vmm.memory.RamMap.Extent;
import dev.kvmguest.vmm.memory.RamPages;
import java.lang.ref.Reference;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.function.Function;

/**
 * VMs whose RAM is mapped copy-on-write from a file in memory (memfd_create(2)), which is gone with the last who has it
 * mapped. Those that wait for their next use keep their VM and vCPU, which take longest to make.
 */
final class KvmTemplate extends PooledTemplate<KvmMachine> {

    private static final byte[] NAME = "kvmguest-snapshot\0".getBytes(StandardCharsets.US_ASCII);

    private final OwnedFd file;
    private final long size;
    private final List<Extent> used;
    private final Function<Mapping, KvmMachine> maker;

    /**
     * Copies what RAM held at a moment.
     *
     * @param maker makes a machine with one vCPU whose RAM is this mapping, and unmaps it in the end
     */
    KvmTemplate(SavedRam memory, Function<Mapping, KvmMachine> maker) {
        this.size = memory.size();
        this.used = memory.pages().stream()
                .map(page -> new Extent(page.address(), page.address() + RamPages.PAGE))
                .toList();
        this.maker = maker;
        this.file = createFile();
        try {
            fill(memory);
        } catch (RuntimeException e) {
            file.close();
            throw e;
        }
    }

    private static OwnedFd createFile() {
        NativeBuffer name = new NativeBuffer(NAME.length);
        name.bytes().put(0, NAME);
        long number = Libc.syscall(Libc.SYS_MEMFD_CREATE, name.address(), Libc.MFD_CLOEXEC, 0);
        Reference.reachabilityFence(name);
        if (number < 0) {
            throw KvmException.lastError("memfd_create of a snapshot");
        }
        return new OwnedFd((int) number, "snapshot");
    }

    private void fill(SavedRam memory) {
        if (Libc.ftruncate(file.number(), size) != 0) {
            throw KvmException.lastError("ftruncate of a snapshot to " + size + " bytes");
        }
        try (Mapping all = Mapping.file(file.number(), size)) {
            RamMap map = new RamMap(size);
            for (Page page : memory.pages()) {
                all.bytes(map.offset(page.address()), RamPages.PAGE).put(page.bytes());
            }
        }
    }

    @Override
    protected KvmMachine make() {
        return maker.apply(Mapping.copyOnWrite(file.number(), size));
    }

    @Override
    protected GuestMemory lend(KvmMachine machine) {
        return machine.lendMemory(used);
    }

    @Override
    protected void reset(KvmMachine machine) {
        machine.reset();
    }

    @Override
    protected void free() {
        file.close();
    }
}
