package dev.kvmguest.maven;

import java.io.File;
import java.util.ArrayList;
import java.util.List;

/** A {@code <guest>} in the plugin's configuration, as it was written. */
public class Guest {

    /** The guest's name: letters, digits, {@code .}, {@code _} and {@code -}. Required. */
    String id;

    /**
     * A folder, of which all sources at any depth are built, or a single file; relative to the project. Sources are C
     * ({@code .c}), GNU assembly ({@code .S}, {@code .s}) and, with nasm installed on this host, {@code .asm} and
     * {@code .nasm}. Default: {@code src/main/guest/ID}.
     */
    File sources;

    /**
     * Files and folders of the sources that aren't built, relative to the folder of {@link #sources}: those for another
     * architecture, for instance. Default: none.
     */
    List<String> excludes = new ArrayList<>();

    /**
     * An ELF file or a flat binary that something else builds, such as make, relative to the project. It takes the
     * place of {@code <sources>}, and of all that says how to compile and link them. Default: none; the guest is built
     * from its sources.
     */
    File image;

    /** A linker script, relative to the project. Default: a built-in one that fits the boot mode. */
    File linkerScript;

    /**
     * The state at entry: {@code real}, {@code protected}, {@code paged}, {@code paged-4k}, {@code multiboot},
     * {@code pvh}, {@code linux} or {@code long}. Default: {@code real}; for an image what it asks for itself, by a
     * loader's header, 64 bits or an entry that real mode can't reach, else {@code real}.
     */
    String boot;

    /**
     * The physical address of the image's first byte, such as {@code 0x7c00} or {@code 31744}. Default: {@code 0x1000},
     * or {@code 0x100000} for {@code multiboot}, {@code pvh}, {@code linux} and {@code long}, with the built-in linker
     * script; with another script, what it says; for an image what its ELF file says, {@code 0x7c00} for a boot sector
     * in real mode, {@code 0x100000} for {@code long}, else {@code 0x1000}.
     */
    String load;

    /**
     * Where the guest starts: a linear address or, in real mode, {@code SEG:OFF}. Default: the symbol {@code _start},
     * else the first byte.
     */
    String entry;

    /** Guest RAM, such as {@code 16M} or {@code 640K}. Default: {@code 16M}. */
    String memory;

    /** The kernel's command line; only for {@code multiboot}, {@code pvh} and {@code linux}. Default: nothing. */
    String commandLine;

    /**
     * Files that are loaded beside the kernel, relative to the project, each a {@code <module>}; only for
     * {@code multiboot}, {@code pvh} and {@code linux}. The kernel gets their names. Default: none.
     */
    List<File> modules = new ArrayList<>();

    /**
     * Further options of the compiler, or of nasm if that is the toolchain. They come last, so they win. Default: none.
     */
    List<String> compilerArgs = new ArrayList<>();

    /** Further options of the linker. Default: none. */
    List<String> linkerArgs = new ArrayList<>();

    /** Folders for included files, relative to the project. The sources' folder always comes first. Default: none. */
    List<File> includes = new ArrayList<>();

    /**
     * {@code llvm}, a pinned version that gives the same bytes on every host, or one that is installed on this host:
     * {@code gcc} or {@code clang}. {@code nasm} is {@code llvm} with the options of {@link #compilerArgs} for nasm.
     * Default: {@code llvm}.
     */
    String toolchain;

    /**
     * What the sources are compiled for: {@code i386} or {@code x86_64}. {@code x86_64} is for the boot modes
     * {@code long}, {@code protected}, {@code multiboot} and {@code pvh}; all but the first enter it in 32 bits.
     * Default: {@code x86_64} for {@code long}, else {@code i386}.
     */
    String arch;

    /** Runs of the guest that kvm:check does and kvm:verify judges. Default: none. */
    List<Check> checks = new ArrayList<>();
}
