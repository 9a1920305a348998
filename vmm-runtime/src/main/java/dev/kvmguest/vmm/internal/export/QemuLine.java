package dev.kvmguest.vmm.internal.export;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.BootModule;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.export.QemuCommand;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.image.MultibootHeader;
import dev.kvmguest.vmm.internal.board.PcBoard;
import dev.kvmguest.vmm.internal.boot.linux.InitialRamDisk;
import dev.kvmguest.vmm.outcome.Outcome;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Writes a command line of QEMU.
 *
 * @param config the machine
 * @param outcome how its first vCPU ended here
 */
record QemuLine(MachineConfig config, Outcome outcome) {

    private static final long MIB = 1 << 20;
    /** QEMU's firmware needs some. */
    private static final long LEAST_MEMORY = 4 * MIB;

    /**
     * Returns the command.
     *
     * @param name what the names of its files begin with
     * @throws IllegalArgumentException if QEMU can't boot the guest
     */
    QemuCommand command(String name) {
        VcpuConfig guest = config.vcpus().get(0);
        Map<String, byte[]> files = new LinkedHashMap<>();
        List<String> notes = new ArrayList<>();
        StringBuilder kernel = new StringBuilder("-kernel " + name + ".kernel");
        long memory = Math.max(LEAST_MEMORY, config.memorySize());
        if (isLoadedByQemu(guest)) {
            files.put(name + ".kernel", guest.image().file());
            if (!guest.commandLine().isEmpty()) {
                kernel.append(" -append ").append(quoted(guest.commandLine()));
                if (guest.boot() == BootMode.MULTIBOOT) {
                    notes.add("QEMU puts the kernel's file name in front of the command line");
                }
            }
            addModules(guest, name, kernel, files);
        } else {
            EntryKernel entry = EntryKernel.of(config);
            files.put(name + ".kernel", entry.file());
            // After the file, QEMU has what Multiboot tells a kernel.
            memory = Math.max(memory, (entry.end() + MIB) / MIB * MIB + MIB);
        }
        addNotes(notes, memory);
        return new QemuCommand(input(guest) + line(kernel.toString(), memory), files, notes);
    }

    /**
     * Returns whether QEMU's own loaders boot it. QEMU looks for a Multiboot header first, and refuses a 64-bit ELF
     * file with one, unless that gives the addresses at which it is loaded. A PVH kernel gets one module at most. A
     * Linux kernel is entered by its 16-bit setup code.
     */
    private static boolean isLoadedByQemu(VcpuConfig guest) {
        GuestImage image = guest.image();
        return switch (guest.boot()) {
            case MULTIBOOT ->
                image.format() != GuestImage.Format.ELF64
                        || MultibootHeader.find(image.name(), image.file())
                                .addresses()
                                .isPresent();
            case LINUX -> true;
            case PVH -> !MultibootHeader.isMeant(image) && guest.modules().size() <= 1;
            case REAL, PROTECTED, PAGED, PAGED_4K, LONG, MULTIBOOT2, LIMINE -> false;
        };
    }

    private static String line(String kernel, long memory) {
        return "qemu-system-x86_64 " + kernel + " -m " + (memory >> 10) + "K -display none -nic none -no-reboot"
                + " -chardev stdio,id=console,mux=on,signal=off -serial none"
                + " -device isa-debug-exit,iobase=0xf4,iosize=0x04 -device isa-debugcon,iobase=0xe9,chardev=console"
                // Last: of those that share a terminal, QEMU gives its input to the one that was made last.
                + " -device isa-serial,chardev=console";
    }

    private static void addModules(VcpuConfig guest, String name, StringBuilder kernel, Map<String, byte[]> files) {
        List<BootModule> modules =
                guest.boot() == BootMode.LINUX && guest.modules().size() > 1
                        ? List.of(new BootModule("", InitialRamDisk.of(guest.modules())))
                        : guest.modules();
        List<String> words = new ArrayList<>();
        for (int i = 0; i < modules.size(); i++) {
            String file = name + "-module" + (i + 1);
            files.put(file, modules.get(i).bytes());
            // A comma ends a module's command line; QEMU understands two as one.
            words.add(
                    guest.boot() == BootMode.MULTIBOOT
                            ? file + " " + modules.get(i).commandLine().replace(",", ",,")
                            : file);
        }
        if (!words.isEmpty()) {
            kernel.append(" -initrd ").append(quoted(String.join(",", words)));
        }
    }

    private String input(VcpuConfig guest) {
        if (guest.input().isEmpty()) {
            return "";
        }
        StringBuilder octal = new StringBuilder();
        for (byte octet : guest.inputBytes()) {
            boolean plain = octet >= ' ' && octet <= '~' && "\\'%".indexOf(octet) < 0;
            octal.append(plain ? String.valueOf((char) octet) : String.format("\\%03o", octet & 0xff));
        }
        return "printf '" + octal + "' | ";
    }

    private void addNotes(List<String> notes, long memory) {
        if (memory != config.memorySize()) {
            notes.add("QEMU gets " + (memory >> 10) + " KiB of RAM, and the guest had " + (config.memorySize() >> 10)
                    + " KiB here");
        }
        if (outcome.run().ports().containsKey(PcBoard.HYPERCALL)) {
            notes.add("QEMU has nothing at port 0x500, by which this guest writes, reads or exits here");
        }
        if (!config.vcpus().get(0).input().isEmpty()) {
            notes.add("input goes to COM1 only, and not to the keyboard");
        }
        switch (outcome.kind()) {
            case DEBUG_EXIT ->
                notes.add("QEMU ends with status " + (outcome.exitCode().getAsInt() << 1 & 0xff | 1));
            case TRIPLE_FAULT, RESET -> notes.add("QEMU ends with status 0 when the guest triple-faults or is reset");
            default -> notes.add("QEMU doesn't end when the guest halts: at a terminal, Ctrl-A and then X ends it");
        }
    }

    private static String quoted(String text) {
        return "'" + text.replace("'", "'\\''") + "'";
    }
}
