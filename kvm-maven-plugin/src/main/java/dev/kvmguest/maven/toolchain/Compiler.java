package dev.kvmguest.maven.toolchain;

import java.util.ArrayList;
import java.util.List;

/**
 * A program that turns one source file into an ELF32 object file for i386.
 *
 * @param dialect how it takes its options
 * @param command the program and the options that every source file gets
 */
public record Compiler(Dialect dialect, List<String> command) {

    /** The ways in which compilers take options. */
    public enum Dialect {
        /** Options as clang has them; compiles C and GNU assembly. */
        CLANG,
        /** Options as gcc has them; compiles C and GNU assembly. */
        GCC,
        /** Options as nasm has them. */
        NASM
    }

    // Without -mno-sse and -mno-mmx a compiler may put vector instructions into a memset, and they are #UD in a guest
    // that never set CR4.OSFXSR.
    private static final List<String> GUEST_FLAGS = List.of(
            "-march=i686",
            "-mno-sse",
            "-mno-mmx",
            "-ffreestanding",
            "-fno-pic",
            "-fno-stack-protector",
            "-nostdlib",
            "-O2",
            "-g",
            "-Wall");

    public Compiler {
        command = List.copyOf(command);
    }

    /** Returns a clang that compiles for a bare i686 whatever its host. */
    static Compiler clang(String program, List<String> options) {
        List<String> command = new ArrayList<>();
        command.add(program);
        command.add("--target=i386-unknown-none-elf");
        // Assembly has no use for the options that are about C, and clang would warn of each.
        command.add("-Qunused-arguments");
        command.addAll(GUEST_FLAGS);
        command.addAll(options);
        return new Compiler(Dialect.CLANG, command);
    }

    /** Returns a gcc for an x86 host that compiles for a bare i686. */
    static Compiler gcc(String program) {
        List<String> command = new ArrayList<>();
        command.add(program);
        command.add("-m32");
        command.addAll(GUEST_FLAGS);
        // Distributions turn these on by default.
        command.add("-fno-pie");
        command.add("-fcf-protection=none");
        return new Compiler(Dialect.GCC, command);
    }

    /** Returns a nasm that writes ELF32 with source lines. */
    static Compiler nasm(String program) {
        return new Compiler(Dialect.NASM, List.of(program, "-f", "elf32", "-g", "-F", "dwarf"));
    }
}
