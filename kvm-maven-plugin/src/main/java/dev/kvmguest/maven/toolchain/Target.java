package dev.kvmguest.maven.toolchain;

import java.util.List;

/** What code is made for, in the words of each program. */
public enum Target {
    // Without -mno-sse and -mno-mmx a compiler may put vector instructions into a memset, and they are #UD in a guest
    // that never set CR4.OSFXSR.
    /** 16-bit and 32-bit code for a bare i686. */
    I386("i386-unknown-none-elf", "-m32", "elf32", "elf_i386", List.of("-march=i686", "-mno-sse", "-mno-mmx")),

    /** 64-bit code whose addresses are below 2 GiB. */
    X86_64("x86_64-unknown-none-elf", "-m64", "elf64", "elf_x86_64", bare64("small")),

    /**
     * 64-bit code whose addresses are below 2 GiB or in the last 2 GiB: it takes them for 32-bit numbers with a sign.
     */
    X86_64_EITHER_END("x86_64-unknown-none-elf", "-m64", "elf64", "elf_x86_64", bare64("kernel"));

    private final String triple;
    private final String gccOption;
    private final String nasmFormat;
    private final String emulation;
    private final List<String> compilerOptions;

    Target(String triple, String gccOption, String nasmFormat, String emulation, List<String> compilerOptions) {
        this.triple = triple;
        this.gccOption = gccOption;
        this.nasmFormat = nasmFormat;
        this.emulation = emulation;
        this.compilerOptions = compilerOptions;
    }

    private static List<String> bare64(String codeModel) {
        return List.of(
                "-march=x86-64",
                "-mcmodel=" + codeModel,
                // An interrupt's frame goes where a function without a frame of its own keeps its variables.
                "-mno-red-zone",
                // SSE needs CR4.OSFXSR, and whoever uses any of these has to save them in handlers.
                "-mno-sse",
                "-mno-mmx",
                "-mno-80387",
                // Tables for exceptions of C++, which nothing in a kernel reads.
                "-fno-asynchronous-unwind-tables");
    }

    /** Returns clang's name for it. */
    String triple() {
        return triple;
    }

    /** Returns gcc's option for it. */
    String gccOption() {
        return gccOption;
    }

    /** Returns nasm's object format for it. */
    String nasmFormat() {
        return nasmFormat;
    }

    /** Returns the linker's name for it, after {@code -m}. */
    public String emulation() {
        return emulation;
    }

    /** Returns the options that gcc and clang take for it alike. */
    List<String> compilerOptions() {
        return compilerOptions;
    }
}
