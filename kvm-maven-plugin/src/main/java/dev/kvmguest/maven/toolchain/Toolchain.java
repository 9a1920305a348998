package dev.kvmguest.maven.toolchain;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The programs that build a guest, as command prefixes to which options and files are added.
 *
 * @param kind which of the toolchains that a POM can name
 * @param identity a text that changes whenever the programs may give other bytes
 * @param compilers the compiler for each file name extension, dot included
 * @param linker takes the options of GNU ld
 * @param objcopy takes the options of GNU objcopy
 * @param nm takes the options of GNU nm
 */
public record Toolchain(
        ToolchainKind kind,
        String identity,
        Map<String, Compiler> compilers,
        List<String> linker,
        List<String> objcopy,
        List<String> nm) {

    public Toolchain {
        compilers = new TreeMap<>(compilers);
        linker = List.copyOf(linker);
        objcopy = List.copyOf(objcopy);
        nm = List.copyOf(nm);
    }

    /** Returns the same programs under the name of another toolchain. */
    Toolchain as(ToolchainKind other) {
        return new Toolchain(other, identity, compilers, linker, objcopy, nm);
    }

    /** Returns the compiler for a file, by the extension of its name; empty if none takes it. */
    public Optional<Compiler> compilerFor(String fileName) {
        int dot = fileName.lastIndexOf('.');
        return dot < 0 ? Optional.empty() : Optional.ofNullable(compilers.get(fileName.substring(dot)));
    }
}
