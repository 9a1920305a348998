package dev.kvmguest.vmm.internal.boot.layout;

import dev.kvmguest.vmm.config.BootModule;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.memory.GuestMemory;
import dev.kvmguest.vmm.memory.RamMap;
import java.util.ArrayList;
import java.util.List;

/**
 * A module where a boot loader has put it.
 *
 * @param module the file
 * @param start the physical address of its first byte
 */
public record PlacedModule(BootModule module, long start) {

    private static final int PAGE = 0x1000;

    /**
     * Takes memory for modules: whole pages after the image, from 1 MiB on, in their order.
     *
     * @throws IllegalArgumentException if one has no room
     */
    public static List<PlacedModule> place(List<BootModule> modules, PlacedGuest guest, LayoutPlan plan) {
        List<PlacedModule> placed = new ArrayList<>();
        long from = after(guest);
        for (BootModule module : modules) {
            String name = "module \"" + module.commandLine() + "\"";
            placed.add(new PlacedModule(module, plan.place(name, module.bytes().length, PAGE, from)));
            from = placed.get(placed.size() - 1).end();
        }
        return placed;
    }

    /**
     * Returns the address from which on what goes with an image is placed. 32 bits tell where that is; what of the
     * image is above 4 GiB is not in its way.
     */
    private static long after(PlacedGuest guest) {
        return guest.image().segments().stream()
                .mapToLong(GuestImage.Segment::physicalEnd)
                .filter(end -> end <= RamMap.DEVICES)
                .reduce(E820Map.HIGH_MEMORY, Math::max);
    }

    /** Returns the address from which on what goes with an image and its modules is placed. */
    public static long after(PlacedGuest guest, List<PlacedModule> modules) {
        return modules.isEmpty()
                ? after(guest)
                : modules.get(modules.size() - 1).end();
    }

    /** Returns the address after its last byte. */
    public long end() {
        return start + module.bytes().length;
    }

    /** Writes the file. */
    public void write(GuestMemory memory) {
        memory.write(start, module.bytes());
    }
}
