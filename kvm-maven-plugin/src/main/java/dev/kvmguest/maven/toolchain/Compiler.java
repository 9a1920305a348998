package dev.kvmguest.maven.toolchain;

import java.util.ArrayList;
import java.util.List;

/**
 * A program that turns one source file into an ELF object file.
 *
 * @param dialect how it takes its options
 * @param program the program
 * @param options what every source file gets whatever it is compiled for
 */
public record Compiler(Dialect dialect, String program, List<String> options) {

    /** The ways in which compilers take options. */
    public enum Dialect {
        /** Options as clang has them; compiles C and GNU assembly. */
        CLANG,
        /** Options as gcc has them; compiles C and GNU assembly. */
        GCC,
        /** Options as nasm has them. */
        NASM
    }

    private static final List<String> FREESTANDING =
            List.of("-ffreestanding", "-fno-pic", "-fno-stack-protector", "-nostdlib", "-O2", "-g", "-Wall");

    public Compiler {
        options = List.copyOf(options);
    }

    /** Returns a clang that compiles for a bare machine whatever its host. */
    static Compiler clang(String program, List<String> options) {
        List<String> all = new ArrayList<>();
        // Assembly has no use for the options that are about C, and clang would warn of each.
        all.add("-Qunused-arguments");
        all.addAll(options);
        return new Compiler(Dialect.CLANG, program, all);
    }

    /** Returns a gcc for an x86 host that compiles for a bare machine. */
    static Compiler gcc(String program) {
        // Distributions turn these on by default.
        return new Compiler(Dialect.GCC, program, List.of("-fno-pie", "-fcf-protection=none"));
    }

    /** Returns a nasm that writes source lines. */
    static Compiler nasm(String program) {
        return new Compiler(Dialect.NASM, program, List.of("-g", "-F", "dwarf"));
    }

    /** Returns the program with the options that every source file for a target gets. */
    public List<String> command(Target target) {
        List<String> command = new ArrayList<>();
        command.add(program);
        switch (dialect) {
            case CLANG -> command.add("--target=" + target.triple());
            case GCC -> command.add(target.gccOption());
            case NASM -> command.addAll(List.of("-f", target.nasmFormat()));
        }
        if (dialect != Dialect.NASM) {
            command.addAll(target.compilerOptions());
            command.addAll(FREESTANDING);
        }
        command.addAll(options);
        return command;
    }
}
