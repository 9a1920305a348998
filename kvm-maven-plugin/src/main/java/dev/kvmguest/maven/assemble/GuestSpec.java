package dev.kvmguest.maven.assemble;

import dev.kvmguest.maven.toolchain.Target;
import dev.kvmguest.maven.toolchain.ToolchainKind;
import dev.kvmguest.vmm.config.Architecture;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EntryPoint;
import dev.kvmguest.vmm.config.GuestManifest;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.text.Notation;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/**
 * A guest to build, its values known to be good.
 *
 * @param id the guest's name
 * @param sources its source files
 * @param linkerScript its linker script; empty for the built-in one
 * @param boot the state at entry
 * @param load the physical address of the image's first byte
 * @param entry where the guest starts
 * @param memory guest RAM in bytes
 * @param compilerArgs further options of the compiler
 * @param linkerArgs further options of the linker
 * @param includes folders for included files, after the sources' own
 * @param toolchain what builds it
 * @param arch what it is compiled for
 * @param commandLine what the kernel is told at boot
 * @param modules the files that are loaded beside the kernel
 */
public record GuestSpec(
        String id,
        SourceTree sources,
        Optional<Path> linkerScript,
        BootMode boot,
        OptionalLong load,
        Optional<EntryPoint> entry,
        OptionalLong memory,
        List<String> compilerArgs,
        List<String> linkerArgs,
        List<Path> includes,
        ToolchainKind toolchain,
        Architecture arch,
        String commandLine,
        List<Path> modules) {

    /** Where a PC's memory above video memory and firmware begins. */
    private static final long HIGH_LOAD = 0x10_0000;

    /** The lowest linear address of a kernel by the Limine boot protocol, whose loaders choose the physical one. */
    private static final long LIMINE_BASE = 0xffff_ffff_8000_0000L;

    private static final long REAL_MODE_SEGMENT_SIZE = 0x10000;
    private static final long REAL_MODE_END = 0x10_0000;

    public GuestSpec {
        GuestManifest.requireValidId(id);
        compilerArgs = List.copyOf(compilerArgs);
        linkerArgs = List.copyOf(linkerArgs);
        includes = List.copyOf(includes);
        modules = List.copyOf(modules);
        requireUsableModules(id, boot, commandLine, modules);
        requireUsableArchitecture(arch, boot);
        long start = load.orElse(VcpuConfig.DEFAULT_LOAD);
        boolean segmented = entry.isPresent() && entry.get().segment().isPresent();
        if (segmented && boot != BootMode.REAL) {
            throw new IllegalArgumentException("entry " + entry.get() + " has a segment, but boot mode " + boot
                    + " has none; write the linear address "
                    + Notation.hex(entry.get().linearAddress()));
        }
        if (boot == BootMode.REAL && !segmented) {
            long target = entry.map(EntryPoint::linearAddress).orElse(start);
            requireReachable("load", start, start, target);
            requireReachable("entry", target, start, target);
        }
        if (segmented && entry.get().segment().getAsInt() * 16L > start) {
            throw new IllegalArgumentException("entry " + entry.get() + " has a segment that starts above load "
                    + Notation.hex(start) + ", so the image is not in it; write the entry as "
                    + EntryPoint.segmented((int) (start >> 4), (int) (start & 0xf)));
        }
    }

    private static void requireUsableArchitecture(Architecture arch, BootMode boot) {
        if (!arch.fits(boot)) {
            throw new IllegalArgumentException("boot mode " + boot + " can't enter code for " + arch + "; "
                    + (arch == Architecture.X86_64
                            ? "choose boot mode " + BootMode.LONG + ", or leave <arch> out"
                            : "choose boot mode " + BootMode.PROTECTED + ", or leave <arch> out for code for "
                                    + Architecture.X86_64));
        }
    }

    static void requireUsableModules(String id, BootMode boot, String commandLine, List<Path> modules) {
        if (!boot.hasLoader() && !(commandLine.isEmpty() && modules.isEmpty())) {
            throw new IllegalArgumentException("boot mode " + boot + " passes no command line and no modules on; only "
                    + BootMode.withLoader() + " does");
        }
        Set<String> taken =
                new HashSet<>(List.of(GuestManifest.FILE_NAME, id + ".elf", id + ".bin", id + ".map", id + ".sym"));
        for (Path module : modules) {
            String name = GuestManifest.requirePlainName(
                    "module", module.getFileName().toString());
            if (!taken.add(name)) {
                throw new IllegalArgumentException("module " + module + " has the name of another file of the guest, "
                        + name + ", beside which it would lie; rename it");
            }
        }
    }

    private static void requireReachable(String what, long address, long load, long target) {
        if (address >= REAL_MODE_SEGMENT_SIZE) {
            throw new IllegalArgumentException(what + " " + Notation.hex(address)
                    + " is out of reach in real mode with the segment registers 0; " + wayOut(load, target));
        }
    }

    /** Returns what to do so that real mode reaches an entry of an image; what it advises is not refused in turn. */
    private static String wayOut(long load, long entry) {
        if (load >= REAL_MODE_END) {
            return "real mode reaches the first 1 MiB; give a lower load, or choose boot mode " + BootMode.PROTECTED;
        }
        return EntryPoint.reaching(entry, load)
                .map(point -> "give the entry a segment, such as " + point)
                .orElseGet(() -> "the image starts at " + Notation.hex(load)
                        + ", and its entry must be in the first 64 KiB of it: leave <entry> out, or give the entry "
                        + EntryPoint.reaching(load, load).orElseThrow());
    }

    /** Returns the physical address that the built-in linker script puts the first byte at. */
    public long linkedPhysically() {
        boolean high = boot.hasLoader() || boot == BootMode.LONG;
        return load.orElse(high ? HIGH_LOAD : VcpuConfig.DEFAULT_LOAD);
    }

    /** Returns the address at which the code linked by the built-in linker script sees its first byte. */
    public long linkedVirtually() {
        long segment = entry.map(EntryPoint::segment)
                .flatMap(found -> found.isPresent() ? Optional.of(found.getAsInt() * 16L) : Optional.empty())
                .orElse(0L);
        if (boot == BootMode.LIMINE) {
            return LIMINE_BASE;
        }
        // Low memory is mapped as it is, too, in long mode: what a guest needs no map of its own for.
        long base = boot == BootMode.LONG ? 0 : boot.kernelBase();
        return base + linkedPhysically() - segment;
    }

    /**
     * Returns what compilers and linkers make. Code that the built-in linker script places lies in the first 2 GiB, but
     * for Limine, whose kernels are in the last 2 GiB; a script of the guest's own may place it in the last 2 GiB, and
     * code for those runs in the first as well.
     */
    Target target() {
        if (arch == Architecture.I386) {
            return Target.I386;
        }
        return linkerScript.isPresent() || boot == BootMode.LIMINE ? Target.X86_64_EITHER_END : Target.X86_64;
    }
}
